import { ExtData } from '@msgpack/msgpack';
import { TEXT } from './extensions.ts';
import { DEPTH_MAX } from './limits.ts';

/** What UTF-8 cannot carry, or what some decoders of it leave out at the beginning of a text. */
const UNCOMMON_TEXT = /^\uFEFF|\p{Surrogate}/u;

export function isUncommonText(text: string): boolean {
  return UNCOMMON_TEXT.test(text);
}

/**
 * A copy in which uncommon values are what they are in JSON: `toJSON` is asked, functions and symbols
 * are left out. Uncommon texts have the form of their own, and an `ArrayBuffer` is its bytes.
 */
export function plainOf(value: unknown, key = '', depth = 1): unknown {
  if (depth > DEPTH_MAX) throw new RangeError('the value is too deep');
  if (typeof value === 'string') return isUncommonText(value) ? encodeText(value) : value;
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  const inner = (item: unknown, name: string | number = ''): unknown =>
    plainOf(item, `${name}`, depth + 1);
  if (ArrayBuffer.isView(value) || value instanceof Date) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map((item: unknown, index) => inner(item, index));
  if (value instanceof Map) {
    return new Map(Array.from(value, ([name, item]) => [inner(name), inner(item)]));
  }
  if (value instanceof Set) return new Set(Array.from(value, (item) => inner(item)));
  const object = value as Record<string, unknown>;
  const { toJSON } = object;
  if (typeof toJSON === 'function') return inner(toJSON.call(value, key));
  const plain: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    if (name === '__proto__') throw new TypeError('a key cannot be carried');
    plain[name] = inner(object[name], name);
  }
  return plain;
}

function encodeText(text: string): ExtData {
  const data = new Uint8Array(2 * text.length);
  const view = new DataView(data.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return new ExtData(TEXT, data);
}
