import { encodeBytes } from './bytes.ts';
import { fieldsOf, headOf, isError } from './error-value.ts';
import { TransformerError, type TransformerErrorCode } from './errors.ts';
import { BIGINT_DIGITS_MAX, DEPTH_MAX, REGEXP_UNITS_MAX, URL_UNITS_MAX } from './limits.ts';
import { kindOf, pathOf } from './path.ts';
import { isPlainNumber, isPlainObject, type Members } from './plain.ts';
import * as TAG from './tags.ts';
import { isUrl } from './url.ts';

/** Encodes one value. It knows the way to where it is, to name it when something is refused. */
export class Encoder {
  readonly #containers: object[] = [];
  readonly #steps: (string | number)[] = [];
  #regexpUnits = 0;

  /** The value with tags in it; the parts of it that need none are not copied. */
  encode(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (isPlainNumber(value)) return value;
        return [TAG.NUMBER, Object.is(value, -0) ? '-0' : String(value)];
      case 'object':
        return value === null ? null : this.#object(value);
      case 'undefined':
        return [TAG.UNDEFINED];
      case 'bigint':
        return this.#bigint(value);
      case 'function':
      case 'symbol':
        return this.#refuse('UNSUPPORTED', `${kindOf(value)} cannot be carried`);
    }
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return this.#leave(this.#array(this.#enter(value)));
    if (isPlainObject(value)) return this.#leave(this.#members(this.#enter(value)));
    if (value instanceof Date) {
      const ms = value.getTime();
      return [TAG.DATE, Number.isNaN(ms) ? null : ms];
    }
    if (value instanceof Map) return this.#leave(this.#map(this.#enter(value)));
    if (value instanceof Set) return this.#leave(this.#set(this.#enter(value)));
    if (isError(value)) return this.#leave(this.#error(this.#enter(value)));
    if (value instanceof RegExp) return this.#regexp(value);
    if (isUrl(value)) return this.#url(value.href);
    return encodeBytes(value) ?? this.#refuse('UNSUPPORTED', `${kindOf(value)} cannot be carried`);
  }

  #array(array: readonly unknown[]): unknown {
    let copy: unknown[] | undefined;
    for (let i = 0; i < array.length; i++) {
      const item = array[i];
      const encoded = this.#at(i, item);
      if (encoded !== item) (copy ??= [...array])[i] = encoded;
    }
    const items = copy ?? array;
    return TAG.beginsLikeTag(items) && items[0] === array[0] ? [TAG.LITERAL, ...items] : items;
  }

  #members(object: Members): unknown {
    let copy: Members | undefined;
    for (const key of Object.keys(object)) {
      const member = object[key];
      const encoded = this.#at(key, member);
      // The spread makes each key its own, so that no setter of a prototype is called.
      if (encoded !== member) (copy ??= { ...object })[key] = encoded;
    }
    return copy ?? object;
  }

  #map(map: ReadonlyMap<unknown, unknown>): unknown {
    const encoded: unknown[] = [TAG.MAP];
    for (const [key, value] of map) {
      encoded.push(this.#at(encoded.length - 1, key));
      encoded.push(this.#at(encoded.length - 1, value));
    }
    return encoded;
  }

  #set(set: ReadonlySet<unknown>): unknown {
    const encoded: unknown[] = [TAG.SET];
    for (const item of set) encoded.push(this.#at(encoded.length - 1, item));
    return encoded;
  }

  #error(error: Error): unknown {
    const keys = fieldsOf(error);
    const head = [TAG.ERROR, ...headOf(error)];
    if (keys.length === 0) return head;
    const fields = keys.map((key): [string, unknown] => [
      key,
      this.#at(key, (error as unknown as Members)[key]),
    ]);
    return [...head, Object.fromEntries(fields)];
  }

  #bigint(value: bigint): unknown {
    const text = value.toString();
    if (text.length > BIGINT_DIGITS_MAX + (value < 0n ? 1 : 0)) {
      return this.#refuse('TOO_LONG', `more than ${BIGINT_DIGITS_MAX} digits`);
    }
    return [TAG.BIGINT, text];
  }

  #regexp({ source, flags }: RegExp): unknown {
    this.#regexpUnits += source.length;
    if (this.#regexpUnits > REGEXP_UNITS_MAX) {
      return this.#refuse('TOO_LONG', `more than ${REGEXP_UNITS_MAX} units of regular expressions`);
    }
    return [TAG.REGEXP, source, flags];
  }

  #url(href: string): unknown {
    if (href.length > URL_UNITS_MAX) {
      return this.#refuse('TOO_LONG', `a URL of more than ${URL_UNITS_MAX} units`);
    }
    return [TAG.LINK, href];
  }

  /** Encodes what is one step further. */
  #at(step: string | number, value: unknown): unknown {
    this.#steps[this.#containers.length - 1] = step;
    return this.encode(value);
  }

  #enter<T extends object>(container: T): T {
    if (this.#containers.includes(container)) this.#refuse('CYCLIC', 'it contains itself');
    if (this.#containers.length === DEPTH_MAX) {
      this.#refuse('TOO_DEEP', `nested deeper than ${DEPTH_MAX} levels`);
    }
    this.#containers.push(container);
    return container;
  }

  #leave(encoded: unknown): unknown {
    this.#containers.pop();
    return encoded;
  }

  #refuse(code: TransformerErrorCode, what: string): never {
    const path = pathOf(this.#containers, this.#steps, this.#containers.length);
    throw new TransformerError(code, `${path}: ${what}`);
  }
}
