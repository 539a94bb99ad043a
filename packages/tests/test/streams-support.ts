import { openLine, type Line } from '@openline/client';
import { createServer, type Server } from '@openline/server';
import type { AnyTRPCRouter } from '@trpc/server';
import { closing, listen } from './client-support.ts';

/** A source that tells how many items were taken of it, and whether it was closed. */
export class Tap<T> {
  /** Items that it has begun to give. */
  produced = 0;
  /** Its `finally` has run. */
  isClosed = false;
  readonly #count: number;
  readonly #itemOf: (n: number) => T;

  constructor(count: number, itemOf: (n: number) => T) {
    this.#count = count;
    this.#itemOf = itemOf;
  }

  async *items(): AsyncGenerator<T, void, undefined> {
    try {
      while (this.produced < this.#count) yield this.#itemOf(this.produced++);
    } finally {
      this.isClosed = true;
    }
  }
}

/** 0, 1, 2 and so on; without a count for ever. */
export function counting(count = Infinity): Tap<number> {
  return new Tap(count, (n) => n);
}

/** What {@link counting} gives. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

export async function* generate<T>(...items: T[]): AsyncGenerator<T, void, undefined> {
  yield* items;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** What a stream gives, and what it throws then. */
export async function readToFailure<T>(
  items: AsyncIterable<T>,
): Promise<{ readonly items: T[]; readonly error: unknown }> {
  const collected: T[] = [];
  try {
    for await (const item of items) collected.push(item);
  } catch (error) {
    return { items: collected, error };
  }
  throw new Error(`it did not fail, but gave ${collected.length} items`);
}

/** Takes so many items of a stream, which goes on behind them. */
export async function take<T>(iterator: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const result = await iterator.next();
    if (result.done === true) throw new Error(`it ended after ${taken.length} items`);
    taken.push(result.value);
  }
  return taken;
}

export interface Started<R extends AnyTRPCRouter> {
  readonly server: Pick<Server, 'close' | 'drain'>;
  readonly url: string;
  readonly port: number;
  readonly line: Line<R>;
}

/** Serves a router, and makes a line to it; both are closed when the test is over. */
export async function start<R extends AnyTRPCRouter>(
  router: R,
  options: { readonly keepAliveMs?: number } = {},
): Promise<Started<R>> {
  const server = createServer({ router, ...options } as never) as Pick<
    Server,
    'close' | 'drain' | 'listen'
  >;
  const { url, port } = await listen(server);
  return { server, url, port, line: closing(openLine<R>({ url } as never)) };
}
