import { decodeBytes } from './bytes.ts';
import { createError, parseFields, setField } from './error-value.ts';
import { malformed, TransformerError } from './errors.ts';
import { BIGINT_DIGITS_MAX, DEPTH_MAX, REGEXP_UNITS_MAX } from './limits.ts';
import type { Members } from './plain.ts';
import * as TAG from './tags.ts';
import { parseUrl } from './url.ts';

type Tagged = readonly unknown[];

const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);

const INTEGER = /^-?\d+$/;

/** Decodes what one envelope holds, of which nothing is known but that it is JSON. */
export class Decoder {
  #regexpUnits = 0;

  /**
   * The value; the parts of it that hold no tag are not copied, and nothing given is changed.
   *
   * @throws a TransformerError, and nothing else.
   */
  decode(value: unknown, depth: number = 0): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) return this.#members(value as Members, inside(depth));
    return TAG.beginsLikeTag(value)
      ? this.#tagged(value, depth)
      : this.#items(value, inside(depth));
  }

  #tagged(tagged: Tagged, depth: number): unknown {
    switch (tagged[0]) {
      case TAG.LITERAL:
        return this.#items(tagged.slice(1), inside(depth));
      case TAG.UNDEFINED:
        expectLength(tagged, 1);
        return undefined;
      case TAG.NUMBER:
        expectLength(tagged, 2);
        return parseNumber(tagged[1]);
      case TAG.BIGINT:
        expectLength(tagged, 2);
        return parseBigint(tagged[1]);
      case TAG.DATE:
        expectLength(tagged, 2);
        return parseDate(tagged[1]);
      case TAG.REGEXP:
        expectLength(tagged, 3);
        return this.#regexp(tagged[1], tagged[2]);
      case TAG.LINK:
        expectLength(tagged, 2);
        return parseUrl(tagged[1]);
      case TAG.BYTES:
        expectLength(tagged, 2, 3);
        return decodeBytes(tagged[1], tagged[2]);
      case TAG.MAP:
        return this.#map(tagged, inside(depth));
      case TAG.SET:
        return this.#set(tagged, inside(depth));
      case TAG.ERROR:
        expectLength(tagged, 3, 4);
        return this.#error(tagged, inside(depth));
      default:
        throw new TransformerError('UNKNOWN_TYPE', 'unknown type of value');
    }
  }

  #items(array: readonly unknown[], depth: number): unknown {
    let copy: unknown[] | undefined;
    for (let i = 0; i < array.length; i++) {
      const item = array[i];
      const decoded = this.decode(item, depth);
      if (decoded !== item) (copy ??= [...array])[i] = decoded;
    }
    return copy ?? array;
  }

  #members(object: Members, depth: number): unknown {
    let copy: Members | undefined;
    for (const key of Object.keys(object)) {
      const member = object[key];
      const decoded = this.decode(member, depth);
      // The spread makes each key its own, so that no setter of a prototype is called.
      if (decoded !== member) (copy ??= { ...object })[key] = decoded;
    }
    return copy ?? object;
  }

  #map(tagged: Tagged, depth: number): unknown {
    const map = new Map<unknown, unknown>();
    for (let i = 1; i + 1 < tagged.length; i += 2) {
      map.set(this.decode(tagged[i], depth), this.decode(tagged[i + 1], depth));
    }
    // A key without a value, or one that comes twice.
    if (map.size * 2 !== tagged.length - 1) throw malformed('Map');
    return map;
  }

  #set(tagged: Tagged, depth: number): unknown {
    const set = new Set<unknown>();
    for (let i = 1; i < tagged.length; i++) set.add(this.decode(tagged[i], depth));
    if (set.size !== tagged.length - 1) throw malformed('Set');
    return set;
  }

  #error([, name, message, ...rest]: Tagged, depth: number): unknown {
    const error = createError(name, message);
    if (rest.length === 0) return error;
    const fields = parseFields(rest[0]);
    for (const key of Object.keys(fields)) setField(error, key, this.decode(fields[key], depth));
    return error;
  }

  #regexp(source: unknown, flags: unknown): RegExp {
    if (typeof source !== 'string' || typeof flags !== 'string') {
      throw malformed('regular expression');
    }
    this.#regexpUnits += source.length;
    if (this.#regexpUnits > REGEXP_UNITS_MAX) {
      throw new TransformerError('TOO_LONG', 'regular expressions too long');
    }
    try {
      return new RegExp(source, flags);
    } catch (cause) {
      throw malformed('regular expression', cause);
    }
  }
}

function inside(depth: number): number {
  if (depth === DEPTH_MAX) {
    throw new TransformerError('TOO_DEEP', `nested deeper than ${DEPTH_MAX} levels`);
  }
  return depth + 1;
}

function expectLength({ length }: Tagged, min: number, max: number = min): void {
  if (length < min || length > max) throw malformed('number of parts');
}

function parseNumber(text: unknown): number {
  const number = NUMBERS.get(text);
  if (number === undefined) throw malformed('number');
  return number;
}

function parseBigint(text: unknown): bigint {
  if (typeof text !== 'string' || !INTEGER.test(text)) throw malformed('bigint');
  if (text.length > BIGINT_DIGITS_MAX + (text.startsWith('-') ? 1 : 0)) {
    throw new TransformerError('TOO_LONG', 'bigint too long');
  }
  return BigInt(text);
}

function parseDate(ms: unknown): Date {
  if (ms === null) return new Date(Number.NaN);
  const date = new Date(typeof ms === 'number' ? ms : Number.NaN);
  if (date.getTime() !== ms) throw malformed('date');
  return date;
}
