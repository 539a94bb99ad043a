import { parseAnswerFrame, parseOrigin } from '../src/answer.ts';
import { FIRST_COUNTED_TAG } from '../src/constants.ts';
import { isId, parseAck, parseCallId, parseTag } from '../src/frame.ts';
import {
  CLIENT,
  CODES,
  createJsonCodec,
  nameOf,
  SERVER,
  TAGS,
  type Agreement,
  type AnswerFrame,
  type CallId,
  type CallRequest,
  type Codec,
  type ErrorCode,
  type ErrorName,
  type Limits,
  type Message,
  type Notice,
  type StreamItem,
  type WireFrame,
} from '../src/index.ts';
import { parseClientNotice, parseServerNotice } from '../src/notice.ts';
import { parseCall } from '../src/request.ts';
import { parseInteger } from '../src/parse.ts';
import { parseClose, parseStream, type StreamClose } from '../src/stream.ts';

type OfCall<Frame> = Frame & { readonly id: CallId };
type OfStream<Frame> = OfCall<Frame> & { readonly stream: number };
type Data = { readonly data: unknown };

/** Whatever of a call or for a host either side may read. */
export type WholeFrame =
  | OfCall<{ readonly type: 'call' } & CallRequest>
  | OfCall<{ readonly type: 'cancel' }>
  | OfCall<Exclude<AnswerFrame, StreamItem>>
  | OfStream<{ readonly type: 'item'; readonly eventId: string | undefined } & Data>
  | OfStream<{ readonly type: 'input' } & Data>
  | OfStream<StreamClose>
  | OfStream<{ readonly type: 'stop' | 'blocked' }>
  | OfStream<{ readonly type: 'grant'; readonly granted: number }>
  | Notice
  | { readonly type: 'ack'; readonly received: number }
  | { readonly type: 'ping' | 'pong' }
  | { readonly type: 'unknown'; readonly counted: boolean; readonly id: CallId | undefined };

/** Reads a frame as whoever it is for does. */
export function parseWhole(wire: WireFrame): WholeFrame {
  const tag = parseTag(wire);
  if (tag === TAGS.ack) return { type: 'ack', received: parseAck(wire) };
  if (tag === TAGS.ping) return { type: 'ping' };
  if (tag === TAGS.pong) return { type: 'pong' };
  const notice = parseServerNotice(tag, wire) ?? parseClientNotice(tag, wire);
  if (notice !== undefined) return notice;
  const credit = parseCredit(tag, wire);
  if (credit !== undefined) return credit;
  const counted = tag >= FIRST_COUNTED_TAG;
  const id = counted || isId(wire[1]) ? parseCallId(tag, wire) : undefined;
  if (id === undefined || !counted) return { type: 'unknown', counted, id };
  if (tag === TAGS.call) return { type: 'call', id, ...parseCall(wire) };
  if (tag === TAGS.cancel) return { type: 'cancel', id };
  const ofStream = parseOfStream(tag, id, wire);
  if (ofStream !== undefined) return ofStream;
  const answer = parseAnswerFrame(tag, wire);
  return answer === undefined ? { type: 'unknown', counted, id } : { ...answer, id };
}

function parseCredit(tag: number, wire: WireFrame): WholeFrame | undefined {
  if (tag !== TAGS.grant && tag !== TAGS.blocked) return undefined;
  const id = parseCallId(TAGS.call, wire)!;
  const stream = parseStream(wire[2]);
  if (tag === TAGS.blocked) return { type: 'blocked', id, stream };
  return { type: 'grant', id, stream, granted: parseInteger(wire[3], 0, 'grant') };
}

function parseOfStream(tag: number, id: CallId, wire: WireFrame): WholeFrame | undefined {
  switch (tag) {
    case TAGS.item: {
      const origin = parseOrigin(wire[2]);
      const [eventId, stream] = typeof origin === 'string' ? [origin, 0] : [undefined, origin];
      return { type: 'item', id, stream, eventId, data: wire[3] };
    }
    case TAGS.input:
      return { type: 'input', id, stream: parseStream(wire[2]), data: wire[3] };
    case TAGS.close: {
      const { isFailed, shape } = parseClose(wire);
      return { type: 'close', id, stream: parseStream(wire[2]), isFailed, shape };
    }
    case TAGS.stop:
      return { type: 'stop', id, stream: parseStream(wire[2]) };
    default:
      return undefined;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const codec: Codec = createJsonCodec({
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
});

/** The sides by name, as the vectors name them. */
export const ROLES = { client: CLIENT, server: SERVER } as const;

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
export function failureOf(step: () => unknown): ErrorName | 'none' {
  try {
    step();
  } catch (error) {
    if (error instanceof Error && error.name === 'OpenlineError') {
      return nameOf((error as Error & { readonly code: ErrorCode }).code);
    }
    throw error;
  }
  return 'none';
}

/** The close code by its name. */
export function codeNamed(name: string): ErrorCode {
  for (const code of Object.values(CODES)) if (nameOf(code) === name) return code;
  throw new TypeError(`there is no code ${name}`);
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
