import { digestOf } from './digest.ts';

/** The same for inputs that differ only in the order of their members. */
export function requestHashOf(path: string, input: unknown): string {
  return digestOf(JSON.stringify(path) + textOf(input));
}

function textOf(input: unknown): string {
  // A function, since a date's own `toJSON` has been at `value` already.
  const text = JSON.stringify(input, function (this: Record<string, unknown>, key, value: unknown) {
    return comparable(this[key], value);
  }) as string | undefined;
  return text ?? '';
}

/** What only binary codecs carry stands under a name of its kind, so that no two inputs are alike. */
function comparable(given: unknown, value: unknown): unknown {
  if (typeof given === 'bigint') return { '\0bigint': given.toString() };
  if (typeof given === 'number') return Number.isFinite(given) ? given : { '\0number': `${given}` };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return value;
  if (given instanceof Date) return { '\0date': given.getTime() };
  if (given instanceof Map) return { '\0map': [...given] };
  if (given instanceof Set) return { '\0set': [...given] };
  if (ArrayBuffer.isView(given)) {
    const { buffer, byteOffset, byteLength } = given;
    return {
      [`\0${given.constructor.name}`]: Buffer.from(buffer, byteOffset, byteLength).toString(
        'base64',
      ),
    };
  }
  return Object.fromEntries(Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1)));
}
