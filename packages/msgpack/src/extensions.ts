/* The extension types of the codec (SPEC section 3). -1 is MessagePack's own. */

export const TIMESTAMP = -1;
export const BIGINT = 1;
export const MAP = 2;
export const SET = 3;
export const ARRAY = 4;
export const TEXT = 5;

/** What is left of the typed arrays once bytes are taken: the index is the kind on the wire. */
export const ARRAY_KINDS: readonly ArrayKind[] = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

export interface ArrayKind {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): ArrayBufferView;
}
