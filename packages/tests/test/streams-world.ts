import { initTRPC } from '@trpc/server';
import { createServer, stream, type SessionLimits } from '@openline/server';
import { expect } from 'vitest';
import * as z from 'zod';
import { connect, eventually, Follower, Gate } from './server-support.ts';
import { collect, counting, Tap, upTo } from './streams-support.ts';

/** Tags of the frames of streams, as the SPEC numbers them. */
export const BLOCKED = 12;
export const INPUT = 40;
export const CLOSE = 41;
export const STOP = 42;
export const RETURNED = 43;

/** The size of an item of `flood` and of `follow`. */
export const ITEM_LENGTH = 1_000;

export interface StreamWorld {
  readonly url: string;
  /** `paused` reads its input from when it is open. */
  readonly gate: Gate;
  /** What `flood` and `follow` give. */
  readonly flood: Tap<string>;
  /** How many procedures were run. */
  readonly runs: number;
  /** The good client is where it was, and what it was in the middle of goes on. */
  expectUntouched(): Promise<void>;
}

/** A server with streams, and a good client that is in the middle of one each way. */
export async function createStreamWorld(limits: Partial<SessionLimits> = {}): Promise<StreamWorld> {
  const gate = new Gate();
  const untouched = new Gate();
  const flood = new Tap(Infinity, () => 'a'.repeat(ITEM_LENGTH));
  const state = { runs: 0 };
  const t = initTRPC.create({ isDev: false });
  const counted = t.procedure.use(({ next }) => {
    state.runs++;
    return next();
  });
  const router = t.router({
    echo: counted.input((input) => input).query(({ input }) => input),
    ignore: counted.query(() => 'ignored'),
    count: counted
      .input(stream(z.unknown()))
      .mutation(async ({ input }) => (await collect(input)).length),
    paused: counted.input(stream(z.unknown())).mutation(async ({ input }) => {
      await gate.promise;
      return (await collect(input)).length;
    }),
    /** Reads the stream at `a`, and says what else is there. */
    atA: counted
      .input((input) => input as { readonly a: AsyncIterable<unknown> })
      .mutation(async ({ input }) => [Object.keys(input), await collect(input.a)]),
    flood: counted.query(() => ({ items: flood.items() })),
    follow: counted.subscription(() => flood.items()),
    goodEcho: t.procedure.input(stream(z.number())).query(({ input }) => input),
    goodItems: t.procedure.subscription(() => counting(100).items()),
  });
  const { line, url } = await connect(createServer({ router, limits }));
  const api = line.client();
  async function* goodInput() {
    yield* upTo(100);
    await untouched.promise;
    yield* upTo(100);
  }
  const items = await api.goodEcho.query(goodInput());
  const opened = line.state.get();

  return Object.assign(state, {
    ...{ url, gate, flood },
    async expectUntouched(): Promise<void> {
      untouched.open();
      expect(await collect(items)).toEqual([...upTo(100), ...upTo(100)]);
      const follower = new Follower<number>();
      api.goodItems.subscribe(undefined, follower.callbacks);
      await eventually(() => expect(follower.log).toEqual(['started', ...upTo(100), 'complete']));
      expect(line.state.get()).toBe(opened);
      expect(opened.status).toBe('open');
    },
  });
}
