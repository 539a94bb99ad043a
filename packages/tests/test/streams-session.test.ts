import { initTRPC } from '@trpc/server';
import { lineError, openLine, outcomeOf } from '@openline/client';
import { createServer, once, stream } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import {
  begin,
  closing,
  deferred,
  failureOf,
  listen,
  Queue,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';
import { aborted, eventually, leaveNoSocket } from './server-support.ts';
import { collect, counting, generate, readToFailure, take, upTo } from './streams-support.ts';

const LOST = { code: 'SESSION_LOST', outcome: 'unknown', message: WORDS };
const t = initTRPC.create({ isDev: false });

/** What outlives a server: which procedures were run, and what they wait for. */
function createWorld() {
  const runs = new Queue<string>();
  const read = new Queue<number[]>();
  const gate = deferred<undefined>();
  const tap = counting();
  const router = t.router({
    all: t.procedure.input(stream(z.number())).query(async ({ input }) => {
      runs.push('all');
      const items = await collect(input);
      read.push(items);
      await gate.promise;
      return items.length;
    }),
    some: t.procedure.input(stream(z.number())).query(async ({ input, signal }) => {
      runs.push('some');
      for await (const n of input) if (n === 3) break;
      read.push([]);
      await aborted(signal);
    }),
    save: t.procedure.input(stream(z.number())).mutation(async ({ input }) => {
      runs.push('save');
      return (await collect(input)).length;
    }),
    once: t.procedure
      .concat(once)
      .input(stream(z.number()))
      .mutation(async ({ input }) => {
        runs.push('once');
        const outcome = await readToFailure(input);
        read.push(outcome.items);
        throw outcome.error;
      }),
    list: t.procedure.query(() => {
      runs.push('list');
      return tap.items();
    }),
    both: t.procedure.query(() => ({ a: generate(1, 2), b: counting().items() })),
  });
  return { router, runs, read, gate, tap };
}
type Router = ReturnType<typeof createWorld>['router'];

/** A line to a server that can die and be started again, at the same address. */
async function restartable(options: { readonly windowMs?: number } = {}) {
  const world = createWorld();
  const startServer = () => createServer({ router: world.router, resume: options });
  let server = startServer();
  const proxy = await TcpProxy.to((await listen(server)).port);
  const line = closing(openLine<Router>({ url: proxy.url }));
  /** The server is gone without a word, and another one is at its address. */
  const restart = async (): Promise<void> => {
    server = startServer();
    proxy.turnTo((await listen(server)).port);
    proxy.cut();
  };
  return { ...world, proxy, line, api: line.client(), restart };
}

beforeEach(leaveNoSocket);
beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
});
afterEach(() => vi.restoreAllMocks());

describe('a call with a stream whose session is lost', () => {
  it.each(['all', 'save'] as const)(
    'in the middle of it ends as SESSION_LOST, and is not sent again: %s',
    async (name) => {
      const { api, line, restart, runs } = await restartable();
      const source = counting();
      const call = name === 'all' ? api.all.query(source.items()) : api.save.mutate(source.items());
      const failed = failureOf(call);
      await eventually(() => expect(source.produced).toBeGreaterThan(100));
      await restart();
      expect(lineError(await failed)).toEqual(LOST);
      await eventually(() => expect(source.isClosed).toBe(true));
      await until(line, 'open');
      expect(await line.client().save.mutate(generate(1))).toBe(1);
      expect(await runs.take(2)).toEqual([name, 'save']);
      expect(runs.length).toBe(0);
    },
  );

  it('behind its last item ends so, too: what it gave cannot be given again', async () => {
    const { api, restart, runs, read } = await restartable();
    const failed = failureOf(api.all.query(counting(40).items()));
    expect(await read.next()).toEqual(upTo(40));
    await restart();
    expect(lineError(await failed)).toEqual(LOST);
    expect(await runs.take(1)).toEqual(['all']);
    expect(runs.length).toBe(0);
  });

  it('once nobody reads it any more ends so, too', async () => {
    const { api, restart, runs, read } = await restartable();
    const source = counting();
    const failed = failureOf(api.some.query(source.items()));
    await read.next();
    await eventually(() => expect(source.isClosed).toBe(true));
    await restart();
    expect(lineError(await failed)).toEqual(LOST);
    expect(await runs.take(1)).toEqual(['some']);
    expect(runs.length).toBe(0);
  });

  it('as once is thrown SESSION_LOST, and its run is told that no more comes', async () => {
    const { api, line, proxy, runs, read } = await restartable({ windowMs: 0 });
    const source = counting();
    const failed = failureOf(api.once.mutate(source.items()));
    await eventually(() => expect(source.produced).toBeGreaterThan(100));
    proxy.cut();
    expect(lineError(await failed)).toEqual(LOST);
    const items = await read.next();
    expect(items).toEqual(upTo(items.length));
    await until(line, 'open');
    expect(await runs.take(1)).toEqual(['once']);
    expect(runs.length).toBe(0);
  });

  it('before it was written goes into the next one, and nothing of its source is lost', async () => {
    const { api, line, proxy, restart, runs, gate } = await restartable();
    gate.resolve(undefined);
    await line.open();
    const lost = until(line, 'waiting');
    proxy.refuse();
    proxy.cut();
    await lost;
    const source = counting(100);
    const calls = [api.all.query(source.items()), api.save.mutate(counting(20).items())];
    expect(source.produced).toBe(0);
    await proxy.accept();
    await restart();
    expect(await Promise.all(calls)).toEqual([100, 20]);
    expect((await runs.take(2)).sort()).toEqual(['all', 'save']);
  });
});

describe('a stream that was returned, whose session is lost,', () => {
  it('gives what had come, throws SESSION_LOST, and the call is not sent again', async () => {
    const { api, line, restart, runs, tap } = await restartable();
    const iterator = (await api.list.query())[Symbol.asyncIterator]();
    expect(await take(iterator, 300)).toEqual(upTo(300));
    await restart();
    const rest = await readToFailure({ [Symbol.asyncIterator]: () => iterator });
    expect(rest.items).toEqual(upTo(rest.items.length).map((n) => n + 300));
    expect(lineError(rest.error)).toEqual(LOST);
    expect(outcomeOf(rest.error)).toBe('unknown');
    await until(line, 'open');
    expect(await runs.take(1)).toEqual(['list']);
    expect([runs.length, tap.produced < 300 + 3 * 16_384]).toEqual([0, true]);
  });

  it('and was over before, is whole', async () => {
    const { api, restart, line } = await restartable();
    const { a, b } = await api.both.query();
    const iterator = b[Symbol.asyncIterator]();
    await take(iterator, 100);
    await restart();
    expect(
      lineError((await readToFailure({ [Symbol.asyncIterator]: () => iterator })).error),
    ).toEqual(LOST);
    expect(await collect(a)).toEqual([1, 2]);
    await until(line, 'open');
  });

  it('since its window is over, throws as well', async () => {
    const { api, proxy, tap } = await restartable({ windowMs: 0 });
    const items = await api.list.query();
    const iterator = items[Symbol.asyncIterator]();
    await take(iterator, 20);
    proxy.cut();
    const { error } = await readToFailure({ [Symbol.asyncIterator]: () => iterator });
    expect(lineError(error)).toEqual(LOST);
    await eventually(() => expect(tap.isClosed).toBe(true));
  });
});

describe('a server that leaves', () => {
  /** Two servers over one world, and a line to the first that comes to the second the next time. */
  async function twoServers() {
    const world = createWorld();
    const servers = [world, world].map(({ router }) => createServer({ router }));
    const [first, second] = servers as [(typeof servers)[0], (typeof servers)[0]];
    const urls = [(await listen(first)).url, (await listen(second)).url];
    const line = closing(
      openLine<Router>({ url: () => (urls.length > 1 ? urls.shift() : urls[0]) ?? '' }),
    );
    begin(line);
    const { sessionId } = await until(line, 'open');
    const drain = (timeoutMs = 60_000) => ({
      drained: first.drain({ timeoutMs, spreadMs: 0 }),
      moved: until(line, 'open', (state) => state.sessionId !== sessionId),
    });
    return { ...world, first, line, api: line.client(), drain };
  }

  it('keeps an upload and a stream that is read to their ends, and is drained then', async () => {
    const { api, drain, gate, runs } = await twoServers();
    const middle = deferred<undefined>();
    async function* source() {
      yield* upTo(50);
      await middle.promise;
      yield* upTo(50);
    }
    const upload = api.save.mutate(source());
    const iterator = (await api.list.query())[Symbol.asyncIterator]();
    await take(iterator, 100);
    const { drained, moved } = drain();
    await moved;
    middle.resolve(undefined);
    expect(await upload).toBe(100);
    expect(await take(iterator, 1_000)).toEqual(upTo(1_100).slice(100));
    await iterator.return?.();
    await drained;
    gate.resolve(undefined);
    expect(await api.all.query(generate(1, 2))).toBe(2);
    expect((await runs.take(3)).sort()).toEqual(['all', 'list', 'save']);
    expect(runs.length).toBe(0);
  });

  it('ends both when its time is over, and neither is sent again', async () => {
    const { api, drain, runs, line, tap } = await twoServers();
    const source = counting();
    const failed = failureOf(api.save.mutate(source.items()));
    const iterator = (await api.list.query())[Symbol.asyncIterator]();
    await take(iterator, 100);
    const { drained, moved } = drain(0);
    await Promise.all([drained, moved]);
    expect(lineError(await failed)).toEqual(LOST);
    const { error } = await readToFailure({ [Symbol.asyncIterator]: () => iterator });
    expect(lineError(error)).toEqual(LOST);
    await eventually(() => expect([source.isClosed, tap.isClosed]).toEqual([true, true]));
    expect((await runs.take(2)).sort()).toEqual(['list', 'save']);
    expect([runs.length, line.state.get().status]).toEqual([0, 'open']);
  });
});
