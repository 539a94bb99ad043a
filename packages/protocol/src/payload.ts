import { STREAM_DEPTH_MAX, STREAMS_MAX } from './constants.ts';
import { malformed } from './errors.ts';
import type { StreamPath } from './stream.ts';

/** As `ReadableStream` of the web is: so that neither DOM nor Node types are needed to read it. */
export interface ReadableStreamLike<T> {
  getReader(): {
    read(): Promise<{ done: false; value: T } | { done: true; value?: T | undefined }>;
    releaseLock(): void;
  };
  cancel(reason?: unknown): Promise<void>;
}

/** What may stand in a payload for a stream. */
export type StreamSource<T> = AsyncIterable<T> | ReadableStreamLike<T>;

/** A stream that was taken out of a payload, and where it was. */
export interface TakenStream {
  readonly path: StreamPath;
  readonly source: StreamSource<unknown>;
}

export function isStreamSource(value: unknown): value is StreamSource<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.asyncIterator in value || typeof read(value, 'getReader') === 'function';
}

/**
 * Takes the streams out of a payload: they are looked for in plain objects and arrays, so deep. Gives
 * the payload itself when there are none, and else a copy of what they were in, with `null` there.
 *
 * @throws a `RangeError` for more than 32.
 */
export function takeStreams(
  payload: unknown,
  taken: TakenStream[],
  depthMax: number = STREAM_DEPTH_MAX,
  path: StreamPath = [],
): unknown {
  if (typeof payload !== 'object' || payload === null) return payload;
  if (isStreamSource(payload)) {
    if (taken.length >= STREAMS_MAX) throw new RangeError(`more than ${STREAMS_MAX} streams`);
    taken.push({ path, source: payload });
    return null;
  }
  if (path.length >= depthMax) return payload;
  return Array.isArray(payload)
    ? takeFrom(payload, payload.keys(), taken, depthMax, path)
    : isPlain(payload)
      ? takeFrom(payload, Object.keys(payload), taken, depthMax, path)
      : payload;
}

function takeFrom<Key extends string | number>(
  container: object,
  keys: Iterable<Key>,
  taken: TakenStream[],
  depthMax: number,
  path: StreamPath,
): object {
  let copy: object | undefined;
  for (const key of keys) {
    const value = read(container, key);
    if (typeof value !== 'object' || value === null) continue;
    const left = takeStreams(value, taken, depthMax, [...path, key]);
    if (left === value) continue;
    copy ??= Array.isArray(container) ? [...(container as unknown[])] : { ...container };
    define(copy, key, left);
  }
  return copy ?? container;
}

/**
 * Puts streams where they were taken out, in the payload itself. Gives the payload, or the stream
 * that is all of it.
 *
 * @throws FRAME_MALFORMED where there is no such place.
 */
export function placeStreams(
  payload: unknown,
  paths: readonly StreamPath[],
  streams: readonly unknown[],
): unknown {
  let placed = payload;
  for (const [index, path] of paths.entries()) {
    const last = path.at(-1);
    if (last === undefined) placed = streams[index];
    else {
      const container = path.slice(0, -1).reduce<unknown>(memberOf, placed);
      memberOf(container, last);
      define(container as object, last, streams[index]);
    }
  }
  return placed;
}

function memberOf(container: unknown, key: string | number): unknown {
  if (typeof container !== 'object' || container === null || !Object.hasOwn(container, key)) {
    throw malformed('streams');
  }
  return read(container, key);
}

/** A member of any name: `__proto__` is one like the others. */
function define(container: object, key: string | number, value: unknown): void {
  const descriptor = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(container, key, descriptor);
}

function read(container: object, key: string | number): unknown {
  return (container as Readonly<Record<string | number, unknown>>)[key];
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
