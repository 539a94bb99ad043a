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
export function isPlain(value: unknown): boolean {
  return isLeaf(value) || (typeof value === 'object' && holdsPlain(value as object, 0));
}

function isLeaf(value: unknown): boolean {
  return (
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    value === null ||
    (typeof value === 'number' && isPlainNumber(value))
  );
}

/* Every call takes this walk, and its form was chosen by `pnpm bench`: one function, a loop each. */
function holdsPlain(value: object, depth: number): boolean {
  if (depth === DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (isLeaf(item)) continue;
      if (typeof item !== 'object' || !holdsPlain(item as object, depth + 1)) return false;
    }
    return true;
  }
  if (!isPlainObject(value)) return false;
  // Faster than by `Object.keys`. Inherited members are looked at as well: where somebody gave all
  // objects one that is not plain, plain ones get an envelope that they do not need.
  for (const key in value) {
    const member = value[key];
    if (isLeaf(member)) continue;
    if (typeof member !== 'object' || !holdsPlain(member as object, depth + 1)) return false;
  }
  return true;
}
