import { malformed } from './errors.ts';

/* Members of frames that any peer may have written. Each is refused by the name of `what` it should be. */

/** A safe integer of at least `min`. @throws FRAME_MALFORMED */
export function parseInteger(value: unknown, min: number, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < min) {
    throw malformed(what);
  }
  return value as number;
}

/** @throws FRAME_MALFORMED, also for a text of more than `lengthMax` UTF-16 code units. */
export function parseText(value: unknown, what: string, lengthMax: number = Infinity): string {
  if (typeof value !== 'string' || value.length > lengthMax) throw malformed(what);
  return value;
}

/** An object with members of which nothing is known yet. @throws FRAME_MALFORMED */
export function parseObject(value: unknown, what: string): { readonly [name: string]: unknown } {
  // A codec may bring maps, dates and bytes.
  if (Object.prototype.toString.call(value) !== '[object Object]') throw malformed(what);
  return value as { readonly [name: string]: unknown };
}
