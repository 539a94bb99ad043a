/**
 * The one key of an envelope. A value that holds rich ones goes as `{ "~": value }`, in which each
 * rich one is an array that begins with its tag. Anything else is plain, and means itself.
 */
export const ENVELOPE_KEY = '~';

/** What all tags begin with. */
const TAG_SIGN = 126; // "~"

/*
 * [LITERAL, ...items]           a user's array that begins like a tagged one
 * [UNDEFINED]
 * [NUMBER, text]                "NaN", "Infinity", "-Infinity", "-0"
 * [BIGINT, text]                decimal
 * [DATE, milliseconds | null]   null: an invalid date
 * [REGEXP, source, flags]
 * [URL, href]
 * [BYTES, base64, type?]        without a type a Uint8Array
 * [MAP, key, value, key, …]
 * [SET, item, …]
 * [ERROR, name, message, fields?]
 *
 * They go over the wire: add, never change or reuse.
 */
export const LITERAL = '~';
export const UNDEFINED = '~u';
export const NUMBER = '~n';
export const BIGINT = '~i';
export const DATE = '~d';
export const REGEXP = '~r';
export const LINK = '~l';
export const BYTES = '~b';
export const MAP = '~m';
export const SET = '~s';
export const ERROR = '~e';

/** Whether an array within an envelope is a tagged value, and one of a user has to be escaped. */
export function beginsLikeTag(array: readonly unknown[]): boolean {
  const first = array[0];
  return typeof first === 'string' && first.charCodeAt(0) === TAG_SIGN;
}

/** Whether a value is an envelope, or one of a user that looks like it. */
export function looksLikeEnvelope(value: unknown): value is { readonly '~': unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    // Asked first because it is cheap: nearly every call ends here.
    (value as { readonly '~'?: unknown })[ENVELOPE_KEY] !== undefined &&
    Object.hasOwn(value, ENVELOPE_KEY) &&
    !Array.isArray(value) &&
    Object.keys(value).length === 1
  );
}
