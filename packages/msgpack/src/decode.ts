import { Decoder, decodeTimestampExtension, type ExtensionCodecType } from '@msgpack/msgpack';
import { malformed, type WireFrame } from '@openline/protocol';
import { Check } from './check.ts';
import { ARRAY_KINDS, BIGINT, MAP, SET, TEXT, TIMESTAMP, type ArrayKind } from './extensions.ts';

const extensionCodec: ExtensionCodecType<undefined> = {
  tryToEncode: () => null,
  decode: decodeExtension,
};
const decoder = new Decoder({ extensionCodec });

/** Reads frames that are set end to end. @throws FRAME_MALFORMED */
export function decodeFrames(message: Uint8Array): WireFrame[] {
  // A Buffer would give Buffers for the bytes in it.
  const bytes = new Uint8Array(message.buffer, message.byteOffset, message.length);
  const check = new Check(bytes);
  const frames: WireFrame[] = [];
  let start = 0;
  for (let end = check.frame(); end !== undefined; end = check.frame()) {
    const frame = decode(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    // Bytes are copied: a transport may use the memory of its message again, and who keeps a few of
    // them is not to keep all of it.
    frames.push((check.hasBytes ? ownBytes(frame) : frame) as WireFrame);
    start = end;
  }
  return frames;
}

function decode(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw malformed('MessagePack', cause);
  }
}

/** What it is given has passed the check. */
function decodeExtension(data: Uint8Array, type: number): unknown {
  switch (type) {
    case TIMESTAMP:
      return decodeTimestampExtension(data);
    case BIGINT:
      return bigintOf(data);
    case MAP:
      return mapOf(decode(data) as readonly unknown[]);
    case SET: {
      const values = decode(data) as readonly unknown[];
      const set = new Set(values);
      if (set.size !== values.length) throw malformed('set');
      return set;
    }
    case TEXT:
      return textOf(data);
    default: {
      const Kind = ARRAY_KINDS[data[0] as number] as ArrayKind;
      return new Kind(data.slice(1).buffer);
    }
  }
}

function bigintOf(data: Uint8Array): bigint {
  let digits = '0x0';
  for (let i = 1; i < data.length; i++) digits += (data[i] as number).toString(16).padStart(2, '0');
  return data[0] === 1 ? -BigInt(digits) : BigInt(digits);
}

function mapOf(entries: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < entries.length; i += 2) map.set(entries[i], entries[i + 1]);
  if (2 * map.size !== entries.length) throw malformed('map');
  return map;
}

function textOf(data: Uint8Array): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let text = '';
  for (let i = 0; i < data.length; i += 2) text += String.fromCharCode(view.getUint16(i, true));
  return text;
}

function ownBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = ownBytes(value[i]);
  } else if (value instanceof Map) {
    return new Map(Array.from(value, ([key, item]) => [ownBytes(key), ownBytes(item)]));
  } else if (value instanceof Set) {
    return new Set(Array.from(value, ownBytes));
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    const object = value as Record<string, unknown>;
    for (const key of Object.keys(object)) object[key] = ownBytes(object[key]);
  }
  return value;
}
