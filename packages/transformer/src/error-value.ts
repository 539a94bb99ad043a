import { malformed } from './errors.ts';
import { isPlainObject, type Members } from './plain.ts';

/** The errors of the language, which come back as what they are. All others come as `Error`. */
const CLASSES: ReadonlyMap<string, new (message: string) => Error> = new Map<
  string,
  new (message: string) => Error
>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Class) => [
    Class.name,
    Class,
  ]),
);

const AGGREGATE = 'AggregateError';

/** A stack is not carried: it tells about files and versions of one side. The others go apart. */
const APART = new Set(['name', 'message', 'stack']);

/** Not enumerable where the language makes it. */
const HIDDEN = new Set(['cause', 'errors']);

export function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** The keys of what is carried beside name and message: own enumerable members, `cause`, `errors`. */
export function fieldsOf(error: Error): readonly string[] {
  const keys = Object.keys(error).filter((key) => !APART.has(key));
  for (const key of HIDDEN) {
    if (Object.hasOwn(error, key) && !keys.includes(key)) keys.push(key);
  }
  return keys;
}

/** Name and message, which a class may have made anything. */
export function headOf({ name, message }: Error): [name: string, message: string] {
  return [
    typeof name === 'string' ? name : 'Error',
    typeof message === 'string' ? message : String(message),
  ];
}

/** An error whose fields are still to be decoded. @throws MALFORMED */
export function createError(name: unknown, message: unknown): Error {
  if (typeof name !== 'string' || typeof message !== 'string') throw malformed('error');
  const error =
    name === AGGREGATE
      ? new AggregateError([], message)
      : new (CLASSES.get(name) ?? Error)(message);
  if (error.name !== name) define(error, 'name', name, false);
  // Where this function was called says nothing about where the error was thrown.
  error.stack = message === '' ? name : `${name}: ${message}`;
  return error;
}

/** @throws MALFORMED */
export function parseFields(fields: unknown): Members {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw malformed('fields of an error');
  }
  if (!isPlainObject(fields)) throw malformed('fields of an error');
  return fields;
}

/** @throws MALFORMED */
export function setField(error: Error, key: string, value: unknown): void {
  if (APART.has(key)) throw malformed('fields of an error');
  if (key === 'errors' && error instanceof AggregateError && !Array.isArray(value)) {
    throw malformed('errors of an AggregateError');
  }
  define(
    error,
    key,
    value,
    key !== 'cause' && !(key === 'errors' && error instanceof AggregateError),
  );
}

/** Not by assignment, which would call the setter of `__proto__`. */
function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
