/**
 * For `JSON.stringify`: gives the value as it is.
 *
 * @throws a `TypeError` that names what would arrive as an empty object, although it is none: a
 * `File`, a `FormData`, a `Map`.
 */
export function refuseLoss(_key: string, value: unknown): unknown {
  const kind = Object.prototype.toString.call(value);
  if (kind !== '[object Object]' && JSON.stringify(value) === '{}') {
    throw new TypeError(`${kind} cannot be sent`);
  }
  return value;
}
