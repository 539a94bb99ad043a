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
): unknown {
  return new Search(taken, depthMax).take(payload, []);
}

class Search {
  readonly #taken: TakenStream[];
  readonly #depthMax: number;
  /**
   * Members of the payload that hold no stream, by how deep they were found at least; -1 while they
   * are looked at. So a payload that refers to itself, or many times to one thing, is soon searched.
   */
  #known: Map<object, number> | undefined;

  constructor(taken: TakenStream[], depthMax: number) {
    this.#taken = taken;
    this.#depthMax = depthMax;
  }

  take(payload: unknown, path: StreamPath): unknown {
    if (typeof payload !== 'object' || payload === null) return payload;
    if (isStreamSource(payload)) {
      if (this.#taken.length >= STREAMS_MAX)
        throw new RangeError(`more than ${STREAMS_MAX} streams`);
      this.#taken.push({ path, source: payload });
      return null;
    }
    const depth = path.length;
    if (depth >= this.#depthMax) return payload;
    if (!Array.isArray(payload) && !isPlain(payload)) return payload;
    if (depth === 0) return this.#takeFrom(payload, path);
    this.#known ??= new Map();
    if ((this.#known.get(payload) ?? Infinity) <= depth) return payload;
    this.#known.set(payload, -1);
    const left = this.#takeFrom(payload, path);
    if (left === payload) this.#known.set(payload, depth);
    else this.#known.delete(payload);
    return left;
  }

  #takeFrom(container: object, path: StreamPath): object {
    let copy: object | undefined;
    for (const key of Array.isArray(container) ? container.keys() : Object.keys(container)) {
      const value = read(container, key);
      if (typeof value !== 'object' || value === null) continue;
      const left = this.take(value, [...path, key]);
      if (left === value) continue;
      copy ??= Array.isArray(container) ? [...(container as unknown[])] : { ...container };
      define(copy, key, left);
    }
    return copy ?? container;
  }
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
      // What a transformer made of the payload may not let itself be changed.
      if (!define(container as object, last, streams[index])) throw malformed('streams');
    }
  }
  return placed;
}

/** An index is one of an array, and a name is not: `length` is no member. */
function memberOf(container: unknown, key: string | number): unknown {
  const isContainer = typeof container === 'object' && container !== null;
  const isOfKind = Array.isArray(container) === (typeof key === 'number');
  if (!isContainer || !isOfKind || !Object.hasOwn(container, key)) throw malformed('streams');
  return read(container, key);
}

/** A member of any name: `__proto__` is one like the others. */
function define(container: object, key: string | number, value: unknown): boolean {
  const descriptor = { value, writable: true, enumerable: true, configurable: true };
  return Reflect.defineProperty(container, key, descriptor);
}

function read(container: object, key: string | number): unknown {
  return (container as Readonly<Record<string | number, unknown>>)[key];
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
