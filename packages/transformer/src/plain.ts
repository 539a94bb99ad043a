import { DEPTH_MAX } from './limits.ts';

/** An object or array whose members are not known yet. */
export type Members = Record<string, unknown>;

/** Whether JSON gives the number back. It makes `null` of NaN and the infinities, and 0 of -0. */
export function isPlainNumber(value: number): boolean {
  return value === 0 ? 1 / value > 0 : value - value === 0;
}

/** Whether it is an object of nothing but members: `{}`, or one without a prototype. */
export function isPlainObject(value: object): value is Members {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether JSON carries the value as it is, and it is nested in at most {@link DEPTH_MAX} levels. */
export function isPlain(value: unknown, depth: number = 0): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isPlainNumber(value);
    case 'object':
      if (value === null) return true;
      if (depth === DEPTH_MAX) return false;
      if (Array.isArray(value)) return hasPlainItems(value, depth + 1);
      return isPlainObject(value) && hasPlainMembers(value, depth + 1);
    default:
      return false;
  }
}

function hasPlainItems(array: readonly unknown[], depth: number): boolean {
  for (let i = 0; i < array.length; i++) {
    if (!isPlain(array[i], depth)) return false;
  }
  return true;
}

function hasPlainMembers(object: Members, depth: number): boolean {
  for (const key of Object.keys(object)) {
    if (!isPlain(object[key], depth)) return false;
  }
  return true;
}
