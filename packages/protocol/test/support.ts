import {
  createJsonCodec,
  type Agreement,
  type Codec,
  type ErrorCode,
  type Limits,
  type Message,
} from '../src/index.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const codec: Codec = createJsonCodec({
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
});

/** Small enough that a test reaches each of them. */
export const LIMITS: Limits = {
  payloadBytesMax: 1_048_576,
  callsMax: 8,
  backlogBytesMax: 262_144,
};

export const AGREEMENT: Agreement = { limits: LIMITS, received: 0, next: 1 };

/** The length that the wire sees. */
export function bytesOf(message: Message): number {
  return typeof message === 'string' ? encoder.encode(message).length : message.length;
}

/** The code of the protocol's error that `step` throws, or `none`. Another error is let through. */
export function failureOf(step: () => unknown): ErrorCode | 'none' {
  try {
    step();
  } catch (error) {
    if (error instanceof Error && error.name === 'OpenlineError') {
      return (error as Error & { readonly code: ErrorCode }).code;
    }
    throw error;
  }
  return 'none';
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** Values that are no call id: out of range, of another type, or the name of something built in. */
export const NOT_IDS: readonly unknown[] = [
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  '1',
  '__proto__',
  'constructor',
  'toString',
  '',
  null,
  undefined,
  true,
  [],
  [1],
  {},
];
