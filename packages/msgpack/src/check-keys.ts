/** Maps with more members than this are looked up by name; below, comparing bytes is quicker. */
const COMPARED_MAX = 16;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const PROTO: readonly number[] = Array.from('__proto__', (letter) => letter.charCodeAt(0));

/** The keys of one map, to find one that must not be there. */
export class Keys {
  readonly #bytes: Uint8Array;
  readonly #names: Set<string> | undefined;
  /** Start and end of each. */
  readonly #places: number[] = [];

  constructor(bytes: Uint8Array, size: number) {
    this.#bytes = bytes;
    this.#names = size > COMPARED_MAX ? new Set() : undefined;
  }

  /** `false`: the key was there before, or is none that an object may have from a peer. */
  add(start: number, end: number): boolean {
    if (this.#isProto(start, end)) return false;
    if (this.#names !== undefined) {
      const { size } = this.#names;
      return this.#names.add(decoder.decode(this.#bytes.subarray(start, end))).size > size;
    }
    const places = this.#places;
    for (let i = 0; i < places.length; i += 2) {
      if (this.#isSame(places[i] as number, places[i + 1] as number, start, end)) return false;
    }
    places.push(start, end);
    return true;
  }

  #isProto(start: number, end: number): boolean {
    return (
      end - start === PROTO.length && PROTO.every((byte, i) => this.#bytes[start + i] === byte)
    );
  }

  #isSame(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    if (end - start !== otherEnd - otherStart) return false;
    for (let i = start; i < end; i++) {
      if (this.#bytes[i] !== this.#bytes[otherStart + i - start]) return false;
    }
    return true;
  }
}
