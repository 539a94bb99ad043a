import { initTRPC, TRPCError } from '@trpc/server';
import { callOptions, lineError, openLine, outcomeOf } from '@openline/client';
import { createServer, memoryJournal, once, type Journal } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { World } from './client-app.ts';
import {
  begin,
  closing,
  helloOf,
  listen,
  Queue,
  RawServer,
  settled,
  TAG,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';

const LOST = { code: 'SESSION_LOST', outcome: 'unknown', message: WORDS };

const t = initTRPC.create({ isDev: false });
function routerOf(world: World) {
  const marked = t.procedure.concat(once).input(String);
  return t.router({
    pay: marked.mutation(({ input, signal }) => world.run(input, signal)),
    fail: marked.mutation(async ({ input, signal }) => {
      throw new TRPCError({ code: 'CONFLICT', message: await world.run(input, signal) });
    }),
    plain: t.procedure.input(String).mutation(({ input, signal }) => world.run(input, signal)),
  });
}
type App = ReturnType<typeof routerOf>;

/**
 * Servers over one world, and a line to the first. They have one journal, as they would in one
 * process or over one store; or each its own.
 */
async function servers(
  options: { readonly journal?: 'own'; readonly ttlMs?: number; readonly windowMs?: number } = {},
) {
  const { journal, ttlMs, windowMs } = options;
  const world = new World();
  const shared = memoryJournal({ ttlMs });
  const start = async (kept: Journal): Promise<number> => {
    const server = createServer({
      router: routerOf(world),
      journal: kept,
      resume: { windowMs },
      keepAliveMs: 100,
      createContext: ({ session, params }): object => {
        if (typeof params === 'string') session.identify(params);
        return {};
      },
    });
    return (await listen(server)).port;
  };
  const proxy = await TcpProxy.to(await start(shared));
  const lineOf = (name?: string) => closing(openLine<App>({ url: proxy.url, params: name }));
  /** The session is gone with its connection: the next one is made elsewhere. */
  const loseSession = async (): Promise<void> => {
    proxy.turnTo(await start(journal === 'own' ? memoryJournal() : shared));
    proxy.cut();
  };
  return { world, proxy, lineOf, loseSession };
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a mutation marked once, whose session is gone while the journal lives', () => {
  it('case 32: waits for its one run, and ends with its result', async () => {
    const { world, lineOf, loseSession } = await servers();
    const line = lineOf();
    const call = line.client().pay.mutate('a');
    await world.started.next();
    await loseSession();
    await until(line, 'waiting');
    await until(line, 'open');
    await loseSession();
    await until(line, 'waiting');
    await until(line, 'open');
    world.answer('a', 'paid');
    expect(await call).toBe('paid');
    expect([world.runs, world.aborted.length]).toEqual([['a'], 0]);
  });

  it('case 32: finds its one run again on the same server, after the window', async () => {
    const { world, proxy, lineOf } = await servers({ windowMs: 200 });
    const line = lineOf();
    const api = line.client();
    const calls = [api.pay.mutate('a'), api.plain.mutate('b').catch(lineError)];
    await world.started.take(2);
    proxy.refuse();
    proxy.cut();
    expect(await world.aborted.next()).toBe('b'); // The session is over.
    await until(line, 'waiting');
    await proxy.accept();
    expect(await until(line, 'open')).toMatchObject({ resumed: 0 });
    expect(await calls[1]).toEqual(LOST);
    world.answer('a', 'paid');
    expect(await calls[0]).toBe('paid');
    expect([world.runs.sort(), world.aborted.length]).toEqual([['a', 'b'], 0]);
  });

  it('case 32: ends with the result that its one run has had meanwhile', async () => {
    const { world, proxy, lineOf, loseSession } = await servers();
    const call = lineOf().client().pay.mutate('a');
    await world.started.next();
    proxy.refuse();
    proxy.cut();
    world.answer('a', 'paid');
    await settled();
    await loseSession();
    await proxy.accept();
    expect(await call).toBe('paid');
    expect(world.runs).toEqual(['a']);
  });

  it('case 33: ends with the error of its one run, as it was answered', async () => {
    const { world, lineOf, loseSession } = await servers();
    const call = lineOf()
      .client()
      .fail.mutate('a')
      .catch((error: unknown) => error);
    await world.started.next();
    await loseSession();
    world.answer('a', 'sold out');
    const error = await call;
    expect(error).toMatchObject({ message: 'sold out', data: { code: 'CONFLICT', path: 'fail' } });
    expect([outcomeOf(error), lineError(error)]).toEqual(['failed', undefined]);
    expect(world.runs).toEqual(['a']);
  });

  it('runs once where it is sure that it never did', async () => {
    const { world, proxy, lineOf, loseSession } = await servers();
    const line = lineOf();
    await line.open();
    proxy.strand();
    const call = line.client().pay.mutate('a');
    await settled(); // It is written, and nobody is there.
    await loseSession();
    world.answer('a', 'paid');
    expect(await call).toBe('paid');
    expect(world.runs).toEqual(['a']);
  });

  it('ends at its own time, as unknown, although its run goes on', async () => {
    const { world, lineOf, loseSession } = await servers();
    const options = callOptions({ timeoutMs: 200 });
    const call = lineOf().client().pay.mutate('a', options).catch(lineError);
    await world.started.next();
    await loseSession();
    expect(await call).toEqual({ code: 'TIMEOUT', outcome: 'unknown', message: WORDS });
    expect(world.runs).toEqual(['a']);
  });
});

describe('a mutation whose session is gone', () => {
  it('case 32: is unknown where the journal is another one, and is not run again', async () => {
    const { world, lineOf, loseSession } = await servers({ journal: 'own' });
    const line = lineOf();
    const call = line.client().pay.mutate('a').catch(lineError);
    await world.started.next();
    await loseSession();
    expect(await call).toEqual(LOST);
    expect(line.state.get().status).toBe('open');
    expect(world.runs).toEqual(['a']);
  });

  it.each([
    { ageMs: 59_999, end: 'paid' },
    { ageMs: 60_000, end: LOST },
  ])(
    'case 32: $ageMs ms after it was sent, where records are kept for 60,000, ends as $end',
    async ({ ageMs, end }) => {
      vi.useFakeTimers({ toFake: ['performance'] });
      const { world, proxy, lineOf, loseSession } = await servers({ ttlMs: 60_000 });
      const options = callOptions({ timeoutMs: Infinity });
      const call = lineOf().client().pay.mutate('a', options).catch(lineError);
      await world.started.next();
      proxy.refuse();
      proxy.cut();
      world.answer('a', 'paid');
      await settled();
      vi.advanceTimersByTime(ageMs);
      await loseSession();
      await proxy.accept();
      expect(await call).toEqual(end);
      expect(world.runs).toEqual(['a']);
    },
  );

  it('is unknown where it is not marked, and is not run again', async () => {
    const { world, lineOf, loseSession } = await servers();
    const call = lineOf().client().plain.mutate('a').catch(lineError);
    await world.started.next();
    await loseSession();
    expect(await call).toEqual(LOST);
    expect(world.runs).toEqual(['a']);
  });
});

describe('an idempotency key', () => {
  const KEY = callOptions({ idempotencyKey: 'order-7' });

  it('makes one of two calls, also over two sessions of one client', async () => {
    const { world, lineOf } = await servers();
    world.answer('a', 'paid');
    const [first, second] = [lineOf('ada').client(), lineOf('ada').client()];
    expect(await first.pay.mutate('a', KEY)).toBe('paid');
    expect(await first.pay.mutate('a', KEY)).toBe('paid');
    expect(await second.pay.mutate('a', KEY)).toBe('paid');
    expect(world.runs).toEqual(['a']);
  });

  it.each([
    { what: 'input', path: 'pay', input: 'b' },
    { what: 'path', path: 'fail', input: 'a' },
  ] as const)(
    'case 33: is refused with another $what, which is not executed',
    async ({ path, input }) => {
      const { world, lineOf } = await servers();
      world.answer('a', 'paid');
      await lineOf('ada').client().pay.mutate('a', KEY);
      const api = lineOf('ada').client();
      expect(await api[path].mutate(input, KEY).catch(lineError)).toEqual({
        code: 'KEY_REUSED',
        outcome: 'not-executed',
        message: WORDS,
      });
      expect(world.runs).toEqual(['a']);
    },
  );

  it('case 33: is another one for somebody else', async () => {
    const { world, lineOf } = await servers();
    world.answer('a', 'paid');
    await lineOf('ada').client().pay.mutate('a', KEY);
    await lineOf('bob').client().pay.mutate('a', KEY);
    expect(world.runs).toEqual(['a', 'a']);
  });

  it('goes with the call into the next session', async () => {
    const { world, lineOf, loseSession } = await servers();
    const line = lineOf('ada');
    const call = line.client().pay.mutate('a', KEY);
    await world.started.next();
    await loseSession();
    await until(line, 'waiting');
    await until(line, 'open');
    world.answer('a', 'paid');
    expect(await call).toBe('paid');
    expect(await line.client().pay.mutate('a', KEY)).toBe('paid');
    expect(world.runs).toEqual(['a']);
  });
});

describe('what a line says of a mutation that may have run', () => {
  /** A line that has written a mutation, in a session of a server with such a journal. */
  async function written(journal: string | undefined, input = 'a') {
    const server = await RawServer.listen();
    const line = closing(openLine<App>({ url: server.url, timeoutMs: Infinity }));
    begin(line);
    const peer = await server.peers.next();
    const terms = { journal, payloadBytesMax: 1_048_576 };
    const { secret } = helloOf(await peer.welcome(terms));
    await until(line, 'open');
    vi.useFakeTimers({ toFake: ['performance'] });
    const ended = new Queue<unknown>();
    void line
      .client()
      .pay.mutate(input)
      .then(
        (result) => ended.push(result),
        (error: unknown) => ended.push(lineError(error)),
      );
    await (input.length < 65_000 ? peer.messages.next() : peer.pieces.take(2));
    return { server, peer, secret, ended };
  }

  it('case 35: is where it was sent first, and how long ago, in each session that follows', async () => {
    const { server, peer, secret, ended } = await written('first');
    let last = peer;
    for (const [i, journal] of ['first', 'second', 'third'].entries()) {
      last.webSocket.terminate();
      last = await server.peers.next();
      await last.gone();
      vi.advanceTimersByTime(100);
      await last.welcome({ journal });
      const again = [secret, 1, 'first', 100 * (i + 1)];
      expect(await last.messages.next()).toEqual([[TAG.call, 3, 1, 'pay', { again }, 'a']]);
    }
    last.send([TAG.result, 3, 'paid']);
    expect(await ended.next()).toBe('paid');
  });

  it.each(['BUSY', 'KEY_REUSED', 'NO_ANSWERER'])(
    'is not that it did not run, where the next server refuses it as %s',
    async (code) => {
      const { server, peer, ended } = await written('first');
      peer.webSocket.terminate();
      const next = await server.peers.next();
      await next.gone();
      await next.welcome({ journal: 'first' });
      await next.messages.next();
      next.send([TAG.error, 3, code]);
      expect(await ended.next()).toEqual({ code, outcome: 'unknown', message: WORDS });
    },
  );

  it('is not that it did not run either, where the next server takes no input so large', async () => {
    const { server, peer, ended } = await written('first', 'x'.repeat(70_000));
    peer.webSocket.terminate();
    const next = await server.peers.next();
    await next.gone();
    await next.welcome({ journal: 'first' });
    expect(await ended.next()).toEqual({
      code: 'PAYLOAD_TOO_LARGE',
      outcome: 'unknown',
      message: WORDS,
    });
  });

  it('is nothing where the next server keeps no journal: it ends as unknown', async () => {
    const { server, peer, ended } = await written('first');
    peer.webSocket.terminate();
    const next = await server.peers.next();
    await next.gone();
    await next.welcome();
    expect(await ended.next()).toEqual(LOST);
    expect(next.messages.length).toBe(0);
  });

  it('is nothing where the first server kept no journal: it ends as unknown', async () => {
    const { server, peer, ended } = await written(undefined);
    peer.webSocket.terminate();
    const next = await server.peers.next();
    await next.gone();
    expect(await ended.next()).toEqual(LOST);
    await next.welcome({ journal: 'second' });
    await settled();
    expect(next.messages.length).toBe(0);
  });

  it('case 9: is nothing where the first server had not received it: it is simply sent', async () => {
    const { server, peer, ended } = await written('first');
    peer.webSocket.terminate();
    const next = await server.peers.next();
    await next.gone(0);
    await next.welcome({ journal: 'second' });
    expect(await next.messages.next()).toEqual([[TAG.call, 1, 1, 'pay', 0, 'a']]);
    next.send([TAG.result, 1, 'paid']);
    expect(await ended.next()).toBe('paid');
  });
});
