import {
  Encoder,
  encodeTimestampExtension,
  ExtData,
  type ExtensionCodecType,
} from '@msgpack/msgpack';
import type { WireFrame } from '@openline/protocol';
import { Check } from './check.ts';
import { ARRAY, ARRAY_KINDS, BIGINT, MAP, SET, TIMESTAMP } from './extensions.ts';
import { BIGINT_BYTES_MAX, DEPTH_MAX, HEAVY_FRAME_BYTES_MIN, NESTED_MAX } from './limits.ts';
import { isUncommonText, plainOf } from './plain.ts';
import { Rich } from './rich.ts';

/** The memory of a frame is kept for the next one, up to so many bytes. */
const KEPT_BYTES_MAX = 1_048_576;
/** Thrown where a value has to be made plain first. */
const UNCOMMON = new Error('not plain');

const extensionCodec: ExtensionCodecType<undefined> = {
  tryToEncode,
  decode: () => undefined,
};
const options = { extensionCodec, ignoreUndefined: true, maxDepth: DEPTH_MAX };
let encoder = new Encoder(options);
/** Maps and sets around what is being encoded. */
let nested = 0;
/** The frame has a map or a set, whose depth the encoder does not see. */
let hasCollections = false;

/** @throws a `TypeError` or `RangeError` for what cannot be carried, as SPEC section 3 says. */
export function encodeFrame(given: WireFrame): Uint8Array {
  const last = given.at(-1);
  const frame = last instanceof Rich ? [...given.slice(0, -1), last.value] : given;
  hasCollections = false;
  let bytes: Uint8Array;
  try {
    bytes = encoder.encode(frame);
  } catch (error) {
    if (error !== UNCOMMON) throw error;
    bytes = encoder.encode(plainOf(frame));
  }
  if (bytes.length > KEPT_BYTES_MAX) encoder = new Encoder(options);
  // What the other side would end the session over fails here, alone.
  if (hasCollections || bytes.length > HEAVY_FRAME_BYTES_MIN) verify(bytes);
  return bytes;
}

function verify(bytes: Uint8Array): void {
  try {
    new Check(bytes).frame();
  } catch (cause) {
    throw new RangeError('the value is too deep, or has too many values', { cause });
  }
}

/** Of all that is no text, number, boolean or nothing: its form, or `null` where the library has one. */
function tryToEncode(value: unknown): ExtData | null {
  if (typeof value === 'bigint') return encodeBigint(value);
  if (typeof value !== 'object' || value === null) throw UNCOMMON;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'string' && isUncommonText(item)) throw UNCOMMON;
    return null;
  }
  if (ArrayBuffer.isView(value)) return encodeView(value);
  if (value instanceof Date) return encodeDate(value);
  if (value instanceof Map) return encodeCollection(MAP, [...value].flat(1));
  if (value instanceof Set) return encodeCollection(SET, [...value]);
  if (value instanceof ExtData) return value;
  return expectPlain(value as Record<string, unknown>);
}

function expectPlain(object: Record<string, unknown>): null {
  if (typeof object['toJSON'] === 'function' || object instanceof ArrayBuffer) throw UNCOMMON;
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (typeof value === 'string' && isUncommonText(value)) throw UNCOMMON;
    if (key === '__proto__' || isUncommonText(key)) throw new TypeError('a key cannot be carried');
  }
  return null;
}

function encodeBigint(value: bigint): ExtData {
  const digits = (value < 0n ? -value : value).toString(16);
  const size = value === 0n ? 0 : Math.ceil(digits.length / 2);
  if (size > BIGINT_BYTES_MAX) throw new RangeError('the bigint is too large');
  const even = digits.padStart(2 * size, '0');
  const data = new Uint8Array(1 + size);
  data[0] = value < 0n ? 1 : 0;
  for (let i = 0; i < size; i++) data[1 + i] = parseInt(even.slice(2 * i, 2 * i + 2), 16);
  return new ExtData(BIGINT, data);
}

function encodeDate(date: Date): ExtData {
  if (Number.isNaN(date.getTime())) throw new RangeError('the date is invalid');
  return new ExtData(TIMESTAMP, encodeTimestampExtension(date) as Uint8Array);
}

/** `null` for bytes: the library has a form for them. */
function encodeView(view: ArrayBufferView): ExtData | null {
  if (view instanceof Uint8Array) return null;
  const name = (view as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  const kind = ARRAY_KINDS.findIndex((Kind) => Kind.name === name);
  if (kind === -1) throw new TypeError('a view of this kind cannot be carried');
  const data = new Uint8Array(1 + view.byteLength);
  data[0] = kind;
  data.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), 1);
  return new ExtData(ARRAY, data);
}

function encodeCollection(type: number, values: readonly unknown[]): ExtData {
  if (nested === NESTED_MAX) throw new RangeError('maps and sets are too deep in one another');
  hasCollections = true;
  nested++;
  try {
    return new ExtData(type, encoder.encode(values));
  } finally {
    nested--;
  }
}
