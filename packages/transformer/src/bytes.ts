import { fromBase64, toBase64 } from './base64.ts';
import { malformed, TransformerError } from './errors.ts';
import { BYTES } from './tags.ts';

/** How bytes become what they were. */
interface View {
  readonly elementBytes: number;
  of(buffer: ArrayBuffer): unknown;
}

const VIEWS: ReadonlyMap<unknown, View> = new Map<string, View>([
  ['ArrayBuffer', { elementBytes: 1, of: (buffer) => buffer }],
  ['DataView', { elementBytes: 1, of: (buffer) => new DataView(buffer) }],
  ...[
    Uint8Array,
    Uint8ClampedArray,
    Int8Array,
    Uint16Array,
    Int16Array,
    Uint32Array,
    Int32Array,
    Float32Array,
    Float64Array,
    BigUint64Array,
    BigInt64Array,
  ].map((TypedArray): [string, View] => [
    TypedArray.name,
    { elementBytes: TypedArray.BYTES_PER_ELEMENT, of: (buffer) => new TypedArray(buffer) },
  ]),
]);

/** `undefined` where the value is no bytes, or of a type that not every host has. */
export function encodeBytes(value: object): readonly unknown[] | undefined {
  if (ArrayBuffer.isView(value)) {
    const type = nameOf(value);
    if (!VIEWS.has(type)) return undefined;
    const base64 = toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    return type === 'Uint8Array' ? [BYTES, base64] : [BYTES, base64, type];
  }
  if (!(value instanceof ArrayBuffer)) return undefined;
  return [BYTES, toBase64(new Uint8Array(value)), 'ArrayBuffer'];
}

/** @throws MALFORMED, UNKNOWN_TYPE */
export function decodeBytes(base64: unknown, type: unknown = 'Uint8Array'): unknown {
  const bytes = typeof base64 === 'string' ? fromBase64(base64) : undefined;
  if (bytes === undefined) throw malformed('base64');
  const view = VIEWS.get(type);
  if (view === undefined) throw new TransformerError('UNKNOWN_TYPE', 'unknown type of bytes');
  if (bytes.length % view.elementBytes !== 0) throw malformed('length of a typed array');
  return view.of(bytes.buffer);
}

/** By what it is, whatever its class is called: a Node `Buffer` is a Uint8Array. */
function nameOf(view: ArrayBufferView): string {
  return Object.prototype.toString.call(view).slice('[object '.length, -1);
}
