import { malformed } from '@openline/protocol';
import { Keys } from './check-keys.ts';
import { isUtf8 } from './check-text.ts';
import { ARRAY, ARRAY_KINDS, BIGINT, MAP, SET, TEXT, TIMESTAMP } from './extensions.ts';
import { BIGINT_BYTES_MAX, DEPTH_MAX, HEAVY_VALUES_MAX, NESTED_MAX } from './limits.ts';

/** The farthest from 1970 that a date can be, in seconds (ECMA-262, "Time Values"). */
const DATE_SECONDS_MAX = 8_640_000_000_000;
const NANOSECONDS = 1_000_000_000;

/**
 * Goes over encoded values before anything is made of them. The library that decodes them takes a
 * peer's word for every length; what has passed here holds as much as it says, and no more than it may.
 */
export class Check {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Where the bytes end, or the extension value that is being read. */
  #end: number;
  #heavyValues = 0;
  #hasBytes = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  /** Whether there are byte strings among what was read. */
  get hasBytes(): boolean {
    return this.#hasBytes;
  }

  /** Reads the next frame. Gives where it ends; `undefined` when there is none. @throws FRAME_MALFORMED */
  frame(): number | undefined {
    if (this.#at === this.#end) return undefined;
    const head = this.#bytes[this.#at] as number;
    if ((head & 0xf0) !== 0x90 && head !== 0xdc && head !== 0xdd) throw malformed('frame');
    this.#heavyValues = 0;
    this.#value(1, 0);
    return this.#at;
  }

  #value(depth: number, nested: number): void {
    if (depth > DEPTH_MAX) throw malformed('depth');
    const head = this.#uint(1);
    if (head < 0x80 || head >= 0xe0) return;
    if (head < 0x90) return this.#map(head & 0x0f, depth, nested);
    if (head < 0xa0) return this.#values(head & 0x0f, depth, nested);
    if (head < 0xc0) return void this.#text(head & 0x1f);
    switch (head) {
      case 0xc0: // Nil, false, true.
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4: // Bytes; the length of the length is 1, 2 or 4.
      case 0xc5:
      case 0xc6:
        this.#hasBytes = true;
        this.#weigh();
        return void this.#skip(this.#uint(1 << (head - 0xc4)));
      case 0xc7: // Extension values with a length.
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#uint(1 << (head - 0xc7)), depth, nested);
      case 0xca:
        return void this.#skip(4);
      case 0xcb:
        return void this.#skip(8);
      case 0xcc: // Integers of 1, 2 and 4 bytes, without a sign and with one.
      case 0xcd:
      case 0xce:
        return void this.#skip(1 << (head - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return void this.#skip(1 << (head - 0xd0));
      case 0xcf:
        return this.#safe(this.#view.getBigUint64(this.#skip(8)));
      case 0xd3:
        return this.#safe(this.#view.getBigInt64(this.#skip(8)));
      case 0xd4: // Extension values of 1, 2, 4, 8 and 16 bytes.
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (head - 0xd4), depth, nested);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return void this.#text(this.#uint(1 << (head - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#values(this.#uint(2 << (head - 0xdc)), depth, nested);
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (head - 0xde)), depth, nested);
      default:
        throw malformed('type');
    }
  }

  #values(size: number, depth: number, nested: number): void {
    // Each has a byte at least, so that no size is believed that cannot be true.
    if (size > this.#end - this.#at) throw malformed('size');
    for (let i = 0; i < size; i++) this.#value(depth + 1, nested);
  }

  #map(size: number, depth: number, nested: number): void {
    if (2 * size > this.#end - this.#at) throw malformed('size');
    const keys = new Keys(this.#bytes, size);
    for (let i = 0; i < size; i++) {
      const head = this.#uint(1);
      if (head >= 0xa0 && head < 0xc0) this.#key(keys, head & 0x1f);
      else if (head >= 0xd9 && head <= 0xdb) this.#key(keys, this.#uint(1 << (head - 0xd9)));
      else throw malformed('key');
      this.#value(depth + 1, nested);
    }
  }

  #key(keys: Keys, length: number): void {
    const start = this.#text(length);
    if (!keys.add(start, this.#at)) throw malformed('key');
  }

  /** Gives where it starts. */
  #text(length: number): number {
    const start = this.#skip(length);
    if (!isUtf8(this.#bytes, start, this.#at)) throw malformed('UTF-8');
    return start;
  }

  #safe(integer: bigint): void {
    if (!Number.isSafeInteger(Number(integer))) throw malformed('integer');
  }

  #extension(length: number, depth: number, nested: number): void {
    this.#weigh();
    const type = this.#view.getInt8(this.#skip(1));
    const start = this.#skip(length);
    switch (type) {
      case TIMESTAMP:
        return this.#timestamp(start, length);
      case BIGINT:
        return this.#bigint(start, length);
      case MAP:
      case SET:
        return this.#collection(type, start, { depth, nested: nested + 1 });
      case ARRAY: {
        const kind = length > 0 ? ARRAY_KINDS[this.#bytes[start] as number] : undefined;
        if (kind === undefined || (length - 1) % kind.BYTES_PER_ELEMENT !== 0) {
          throw malformed('typed array');
        }
        return;
      }
      case TEXT:
        if (length % 2 !== 0) throw malformed('text');
        return;
      default:
        throw malformed('extension');
    }
  }

  #timestamp(start: number, length: number): void {
    const view = this.#view;
    if (length === 4) return;
    if (length !== 8 && length !== 12) throw malformed('date');
    const nanoseconds = length === 8 ? view.getUint32(start) >>> 2 : view.getUint32(start);
    const seconds = length === 8 ? 0 : Number(view.getBigInt64(start + 4));
    const last = seconds + (nanoseconds > 0 ? 1 : 0);
    if (nanoseconds >= NANOSECONDS || seconds < -DATE_SECONDS_MAX || last > DATE_SECONDS_MAX) {
      throw malformed('date');
    }
  }

  /** One form for each: no zeros in front, and no zero below zero. */
  #bigint(start: number, length: number): void {
    const sign = this.#bytes[start] as number;
    const isCanonical = length > 1 ? this.#bytes[start + 1] !== 0 : sign === 0;
    if (length === 0 || length > 1 + BIGINT_BYTES_MAX || sign > 1 || !isCanonical) {
      throw malformed('bigint');
    }
  }

  /** One list of values, and nothing behind it. */
  #collection(type: number, start: number, place: { depth: number; nested: number }): void {
    if (place.nested > NESTED_MAX) throw malformed('depth');
    const after = this.#at;
    const around = this.#end;
    this.#at = start;
    this.#end = after;
    const head = this.#uint(1);
    const isShort = (head & 0xf0) === 0x90;
    if (!isShort && head !== 0xdc && head !== 0xdd) throw malformed('collection');
    const size = isShort ? head & 0x0f : this.#uint(2 << (head - 0xdc));
    if (type === MAP && size % 2 !== 0) throw malformed('map');
    this.#values(size, place.depth, place.nested);
    if (this.#at !== after) throw malformed('collection');
    this.#end = around;
  }

  #weigh(): void {
    if (++this.#heavyValues > HEAVY_VALUES_MAX) throw malformed('too many values');
  }

  /** A length or an integer of 1, 2 or 4 bytes, big-endian. */
  #uint(length: number): number {
    const at = this.#skip(length);
    if (length === 1) return this.#bytes[at] as number;
    return length === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  /** Gives where what was skipped starts. */
  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw malformed('length');
    this.#at = start + length;
    return start;
  }
}
