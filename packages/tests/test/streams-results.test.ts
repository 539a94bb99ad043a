import { initTRPC } from '@trpc/server';
import { stream } from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventually, leaveNoSocket, RUNNER_PATHS, runBy } from './server-support.ts';
import { collect, counting, generate, start, take, upTo } from './streams-support.ts';

function routerBy(path: (typeof RUNNER_PATHS)[number]) {
  const t = runBy(path, initTRPC.create());
  const taps = { a: counting(100), b: counting(100) };
  const router = t.router({
    numbers: t.procedure.input(z.number()).query(({ input }) => counting(input).items()),
    fromMutation: t.procedure.mutation(async function* () {
      yield 'a';
      yield 'b';
    }),
    two: t.procedure.query(() => ({
      name: 'both',
      a: taps.a.items(),
      b: taps.b.items(),
      nothing: null,
    })),
    readable: t.procedure.query(
      () =>
        new ReadableStream<number>({
          start(controller) {
            for (const n of upTo(100)) controller.enqueue(n);
            controller.close();
          },
        }),
    ),
    none: t.procedure.query(() => ({ items: generate<string>() })),
    odd: t.procedure.query(() => generate(undefined, null, { a: undefined })),
    deeper: t.procedure.query(() => ({ below: { items: generate(1) } })),
    ofErrors: t.procedure
      .errors(({ shape }) => shape)
      .query(async function* () {
        yield 1;
        yield 2;
      }),
    doubled: t.procedure.input(stream(z.number())).query(async function* ({ input }) {
      for await (const n of input) yield n * 2;
    }),
  });
  return { router, taps };
}

beforeEach(leaveNoSocket);

describe.each(RUNNER_PATHS)('what a procedure returns, by %s,', (path) => {
  const startApi = async () => {
    const { router, taps } = routerBy(path);
    return { api: (await start(router)).line.client(), taps };
  };

  it('may be a stream of 10,000 items, which come once and in order', async () => {
    const { api } = await startApi();
    expect(await collect(await api.numbers.query(10_000))).toEqual(upTo(10_000));
  });

  it('may be a stream of a mutation', async () => {
    const { api } = await startApi();
    expect(await collect(await api.fromMutation.mutate())).toEqual(['a', 'b']);
  });

  it('may be a ReadableStream', async () => {
    const { api } = await startApi();
    expect(await collect(await api.readable.query())).toEqual(upTo(100));
  });

  it('may be an empty stream', async () => {
    const { api } = await startApi();
    expect(await collect((await api.none.query()).items)).toEqual([]);
  });

  it('may be a stream of nothing in particular', async () => {
    const { api } = await startApi();
    expect(await collect(await api.odd.query())).toEqual([undefined, null, {}]);
  });

  it('may be a stream whose errors have a type', async () => {
    const { api } = await startApi();
    expect(await collect(await api.ofErrors.query())).toEqual([1, 2]);
  });

  it.each([
    ['in order', ['a', 'b']],
    ['in the other order', ['b', 'a']],
  ] as const)('may hold two streams, which are read %s', async (_how, names) => {
    const { api } = await startApi();
    const both = await api.two.query();
    expect([both.name, both.nothing]).toEqual(['both', null]);
    for (const name of names) expect(await collect(both[name])).toEqual(upTo(100));
  });

  it('may hold two streams, which are read in turns', async () => {
    const { api } = await startApi();
    const { a, b } = await api.two.query();
    const iterators = [a[Symbol.asyncIterator](), b[Symbol.asyncIterator]()];
    for (const n of upTo(100)) {
      for (const iterator of iterators) expect(await take(iterator, 1)).toEqual([n]);
    }
  });

  it('may hold two streams, of which one is left: it waits, and the other is whole', async () => {
    const { api, taps } = await startApi();
    const { a, b } = await api.two.query();
    expect(await collect(b)).toEqual(upTo(100));
    expect([taps.a.produced, taps.a.isClosed]).toEqual([16, false]);
    await a[Symbol.asyncIterator]().return?.();
    await eventually(() => expect(taps.a.isClosed).toBe(true));
    expect(taps.a.produced).toBe(16);
  });

  it('holds no streams below its own members', async () => {
    const { api } = await startApi();
    expect(await api.deeper.query()).toEqual({ below: { items: {} } });
  });

  it('may be made of a stream that comes in, both directions at once', async () => {
    const { api } = await startApi();
    const source = counting();
    const iterator = (await api.doubled.query(source.items()))[Symbol.asyncIterator]();
    expect(await take(iterator, 2_000)).toEqual(upTo(2_000).map((n) => n * 2));
    expect(source.isClosed).toBe(false);
    await iterator.return?.();
    await eventually(() => expect(source.isClosed).toBe(true));
  });
});

describe('a stream that was returned', () => {
  it('is iterated once, and says so the second time', async () => {
    const { line } = await start(routerBy('the quick path').router);
    const items = await line.client().numbers.query(3);
    expect(await collect(items)).toEqual([0, 1, 2]);
    await expect(collect(items)).rejects.toThrow(new TypeError('a stream can be iterated once'));
  });

  it('gives to who asks ahead what who asks one by one gets, and ends for both', async () => {
    const { line } = await start(routerBy('the quick path').router);
    const iterator = (await line.client().numbers.query(3))[Symbol.asyncIterator]();
    const asked = upTo(5).map(() => iterator.next());
    expect(await Promise.all(asked)).toEqual([
      ...upTo(3).map((value) => ({ done: false, value })),
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  it('may be given on as the input of another call', async () => {
    const { line } = await start(routerBy('the quick path').router);
    const api = line.client();
    const numbers = await api.numbers.query(1_000);
    const doubled = await api.doubled.query(numbers);
    expect(await collect(doubled)).toEqual(upTo(1_000).map((n) => n * 2));
  });

  it('goes on when whoever asked for it has what it is in', async () => {
    const { line } = await start(routerBy('the quick path').router);
    const api = line.client();
    const all = await Promise.all(upTo(20).map(() => api.numbers.query(50)));
    for (const items of all.reverse()) expect(await collect(items)).toEqual(upTo(50));
  });
});
