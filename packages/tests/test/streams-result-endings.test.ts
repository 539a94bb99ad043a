import { setImmediate as turn } from 'node:timers/promises';
import { initTRPC, TRPCError } from '@trpc/server';
import { callOptions, lineError, outcomeOf } from '@openline/client';
import { once, stream } from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { deferred, failureOf, Queue, WORDS } from './client-support.ts';
import { aborted, eventually, leaveNoSocket } from './server-support.ts';
import { collect, counting, readToFailure, start, take, upTo } from './streams-support.ts';

const t = initTRPC.create({ isDev: false });

function createApp() {
  const taps = { a: counting(), b: counting() };
  const signals = new Queue<AbortSignal | undefined>();
  const closed = new Queue<string>();
  const gate = deferred<undefined>();
  /** Gives three items, and then waits for its signal alone. */
  async function* waiting(name: string, signal: AbortSignal | undefined) {
    try {
      yield* upTo(3);
      await aborted(signal);
    } finally {
      closed.push(name);
    }
  }
  const router = t.router({
    two: t.procedure.query(({ signal }) => {
      signals.push(signal);
      return { a: taps.a.items(), b: taps.b.items() };
    }),
    waits: t.procedure.query(({ signal }) => waiting('only', signal)),
    waitsTwice: t.procedure.query(({ signal }) => ({
      a: waiting('a', signal),
      b: waiting('b', signal),
    })),
    breaks: t.procedure.query(async function* () {
      yield* upTo(200);
      throw new TRPCError({ code: 'CONFLICT', message: 'out of paper' });
    }),
    breaksInOne: t.procedure.query(() => ({
      whole: counting(100).items(),
      broken: (async function* () {
        yield 1;
        throw new TRPCError({ code: 'CONFLICT', message: 'out of paper' });
      })(),
    })),
    unwritable: t.procedure.query(() => {
      const items = counting();
      async function* large() {
        try {
          yield 1n as unknown as number;
        } finally {
          closed.push('unwritable');
          await items.items().return();
        }
      }
      return large();
    }),
    once: t.procedure.concat(once).mutation(() => taps.a.items()),
    onceHolds: t.procedure.concat(once).mutation(() => ({ items: taps.b.items() })),
    slow: t.procedure.input(z.string()).mutation(async ({ signal }) => {
      await aborted(signal);
      return 'late';
    }),
    long: t.procedure.query(async function* () {
      yield 'before';
      await gate.promise;
      yield 'after';
    }),
    fed: t.procedure.input(stream(z.number())).query(async function* ({ input }) {
      for await (const n of input) yield n;
    }),
    follow: t.procedure.subscription(() => taps.a.items()),
  });
  return { router, taps, signals, closed, gate };
}

async function startApp() {
  const { router, ...app } = createApp();
  const { line } = await start(router, { keepAliveMs: 100 });
  return { ...app, line, api: line.client() };
}

beforeEach(leaveNoSocket);

describe('who breaks out of a stream that was returned', () => {
  it('closes its generator and not the one beside it, and no signal fires', async () => {
    const { api, taps, signals } = await startApp();
    const { a, b } = await api.two.query();
    for await (const n of a) if (n === 50) break;
    await eventually(() => expect(taps.a.isClosed).toBe(true));
    expect(taps.a.produced).toBeLessThan(50 + 2 * 16_384);
    const iterator = b[Symbol.asyncIterator]();
    expect(await take(iterator, 500)).toEqual(upTo(500));
    expect([taps.b.isClosed, (await signals.next())?.aborted]).toEqual([false, false]);
  });

  it('of the last one has the signal fire, too: nobody reads any more', async () => {
    const { api, taps, signals } = await startApp();
    const { a, b } = await api.two.query();
    for (const items of [a, b]) for await (const n of items) if (n === 20) break;
    await eventually(() => expect([taps.a.isClosed, taps.b.isClosed]).toEqual([true, true]));
    await aborted(await signals.next());
  });

  it('closes a generator that waits for nothing but its signal', async () => {
    const { api, closed } = await startApp();
    for await (const n of await api.waits.query()) if (n === 2) break;
    expect(await closed.next()).toBe('only');
  });

  it('has only ended that stream: the call has failed for nobody', async () => {
    const { api } = await startApp();
    const iterator = (await api.waits.query())[Symbol.asyncIterator]();
    await take(iterator, 1);
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('closes the stream that it is fed by', async () => {
    const { api } = await startApp();
    const gate = deferred<undefined>();
    const closed = deferred<undefined>();
    async function* source() {
      try {
        yield* upTo(10);
        await gate.promise;
      } finally {
        closed.resolve(undefined);
      }
    }
    for await (const n of await api.fed.query(source())) if (n === 9) break;
    gate.resolve(undefined);
    await closed.promise;
  });
});

describe('a caller that aborts', () => {
  it('before the result gets none, and no generator runs', async () => {
    const { api, taps } = await startApp();
    const call = api.two.query(undefined, { signal: AbortSignal.abort() });
    expect(lineError(await failureOf(call))).toEqual({
      code: 'ABORTED',
      outcome: 'not-executed',
      message: WORDS,
    });
    expect([taps.a.produced, taps.b.produced]).toEqual([0, 0]);
  });

  it('while it is read ends every stream of it, with what was there', async () => {
    const { api, taps, signals } = await startApp();
    const controller = new AbortController();
    const { a, b } = await api.two.query(undefined, { signal: controller.signal });
    const iterator = a[Symbol.asyncIterator]();
    expect(await take(iterator, 100)).toEqual(upTo(100));
    controller.abort();
    for (const items of [{ [Symbol.asyncIterator]: () => iterator }, b]) {
      const { error } = await readToFailure(items);
      expect(lineError(error)).toEqual({ code: 'ABORTED', outcome: 'unknown', message: WORDS });
      expect(error).toMatchObject({ cause: expect.objectContaining({ name: 'AbortError' }) });
    }
    await eventually(() => expect([taps.a.isClosed, taps.b.isClosed]).toEqual([true, true]));
    expect((await signals.next())?.aborted).toBe(true);
  });

  it('after it was read changes nothing', async () => {
    const { api } = await startApp();
    const controller = new AbortController();
    const items = await api.breaks.query(undefined, { signal: controller.signal });
    const { error } = await readToFailure(items);
    controller.abort();
    await turn();
    expect(await collect(items).catch((thrown: unknown) => thrown)).toBeInstanceOf(TypeError);
    expect(outcomeOf(error)).toBe('failed');
  });

  it('ends with it a generator that waits for its signal alone', async () => {
    const { api, closed } = await startApp();
    const controller = new AbortController();
    const { a, b } = await api.waitsTwice.query(undefined, { signal: controller.signal });
    for (const items of [a, b]) await take(items[Symbol.asyncIterator](), 3);
    controller.abort();
    expect((await closed.take(2)).sort()).toEqual(['a', 'b']);
  });
});

describe('a stream that was returned', () => {
  it('throws what its generator throws, behind all that it gave', async () => {
    const { api } = await startApp();
    const { items, error } = await readToFailure(await api.breaks.query());
    expect(items).toEqual(upTo(200));
    expect(error).toMatchObject({
      message: 'out of paper',
      data: { code: 'CONFLICT', path: 'breaks' },
    });
    expect([outcomeOf(error), lineError(error)]).toEqual(['failed', undefined]);
  });

  it('that throws leaves the one beside it whole', async () => {
    const { api } = await startApp();
    const { whole, broken } = await api.breaksInOne.query();
    expect((await readToFailure(broken)).error).toMatchObject({ data: { code: 'CONFLICT' } });
    expect(await collect(whole)).toEqual(upTo(100));
  });

  it('that throws does so once, and is over then', async () => {
    const { api } = await startApp();
    const iterator = (await api.breaks.query())[Symbol.asyncIterator]();
    await take(iterator, 200);
    await failureOf(iterator.next());
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('of what cannot be written throws, and its generator is closed', async () => {
    const { api, closed } = await startApp();
    const { items, error } = await readToFailure(await api.unwritable.query());
    expect(items).toEqual([]);
    expect(error).toMatchObject({ data: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(await closed.next()).toBe('unwritable');
  });

  it('has no timeout any more', async () => {
    const { api, gate } = await startApp();
    const items = await api.long.query(undefined, callOptions({ timeoutMs: 2_000 }));
    const iterator = items[Symbol.asyncIterator]();
    expect(await take(iterator, 1)).toEqual(['before']);
    // Its time is over before that of this call, at either end.
    const later = await failureOf(api.slow.mutate('a', callOptions({ timeoutMs: 2_000 })));
    expect(lineError(later)?.code).toBe('TIMEOUT');
    await eventually(async () =>
      expect(await api.slow.mutate('b', callOptions({ timeoutMs: 300 })).catch(outcomeOf)).toBe(
        'unknown',
      ),
    );
    gate.resolve(undefined);
    expect(await take(iterator, 1)).toEqual(['after']);
  });

  it.each(['once', 'onceHolds'] as const)('cannot be of a once procedure: %s', async (name) => {
    const { api, taps } = await startApp();
    const error = await failureOf(api[name].mutate());
    expect(error).toMatchObject({
      message: 'What a once procedure returns is recorded, and cannot hold a stream.',
      data: { code: 'INTERNAL_SERVER_ERROR' },
    });
    expect([taps.a.produced, taps.b.produced]).toEqual([0, 0]);
  });

  it('is thrown CLOSED where the line is closed while it is read', async () => {
    const { api, line, taps } = await startApp();
    const { a } = await api.two.query();
    const iterator = a[Symbol.asyncIterator]();
    await take(iterator, 20);
    await line.close();
    const { items, error } = await readToFailure({ [Symbol.asyncIterator]: () => iterator });
    expect(items).toEqual(upTo(items.length).map((n) => n + 20));
    expect(lineError(error)).toEqual({ code: 'CLOSED', outcome: 'unknown', message: WORDS });
    await eventually(() => expect(taps.a.isClosed).toBe(true));
  });
});

describe('a subscription', () => {
  it('that is cancelled by what it gives is closed', async () => {
    const { api, taps } = await startApp();
    const told: number[] = [];
    const subscription = api.follow.subscribe(undefined, {
      onData: (n) => {
        told.push(n);
        if (n === 10) subscription.unsubscribe();
      },
    });
    await eventually(() => expect(taps.a.isClosed).toBe(true));
    expect(told).toEqual(upTo(11));
  });
});
