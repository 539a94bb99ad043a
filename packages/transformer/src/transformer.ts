import { Decoder } from './decode.ts';
import { Encoder } from './encode.ts';
import { isPlain } from './plain.ts';
import { ENVELOPE_KEY, looksLikeEnvelope } from './tags.ts';

export interface Transformer {
  /**
   * What `JSON.stringify` writes without a loss. A value that JSON carries as it is comes back
   * untouched: the same object. Any other comes as an envelope, which shares the parts that JSON
   * carries with the value.
   *
   * Carried are `Date`, `Map`, `Set`, `bigint`, `undefined`, NaN, the infinities, -0, `RegExp` (to
   * begin at 0), `URL`, `ArrayBuffer`, `DataView`, typed arrays, and errors with their name,
   * message, `cause`, `errors` and enumerable members, without their stack. What derives from one
   * of these classes arrives as that class, a Node `Buffer` as `Uint8Array`. A hole in an array
   * arrives as `undefined`, an object that is there twice as two.
   *
   * @throws a {@link TransformerError} whose message names the place: `UNSUPPORTED` for functions,
   * symbols, promises and instances of all other classes, also those that have a `toJSON`; `CYCLIC`
   * for what contains itself; `TOO_DEEP` and `TOO_LONG` above the limits, see {@link DEPTH_MAX},
   * {@link BIGINT_DIGITS_MAX}, {@link URL_UNITS_MAX} and {@link REGEXP_UNITS_MAX}.
   */
  readonly serialize: (value: unknown) => unknown;
  /**
   * The value again, from what `JSON.parse` gave. It does not change what it is given, and shares
   * parts with it. It trusts nothing: time and memory grow as the input does, no prototype is
   * changed and no code is run. What is no envelope is returned as it is, however deep. A regular
   * expression is made and not run: do not run one that a peer made whom you do not trust.
   *
   * @throws a {@link TransformerError}, and nothing else: `MALFORMED`, `UNKNOWN_TYPE`, `TOO_DEEP`
   * or `TOO_LONG`.
   */
  readonly deserialize: (value: unknown) => unknown;
}

/** The transformer, for `initTRPC.create({ transformer })` and `line.client({ transformer })`. */
export const transformer: Transformer = {
  serialize(value) {
    if (isPlain(value) && !looksLikeEnvelope(value)) return value;
    return { [ENVELOPE_KEY]: new Encoder().encode(value) };
  },
  deserialize(value) {
    return looksLikeEnvelope(value) ? new Decoder().decode(value[ENVELOPE_KEY]) : value;
  },
};
