import { initTRPC, TRPCError } from '@trpc/server';
import { lineError, openLine } from '@openline/client';
import { createServer, type ContextOptions } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  begin,
  closing,
  deferred,
  failureOf,
  helloOf,
  listen,
  openTo,
  Queue,
  RawServer,
  settled,
  statesOf,
  TAG,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';

interface Context {
  readonly token: unknown;
  readonly gate: Promise<void>;
}
const t = initTRPC.context<Context>().create({ isDev: false });
const router = t.router({
  token: t.procedure.query(({ ctx }) => ctx.token),
  tokenLater: t.procedure.query(async ({ ctx }) => {
    await ctx.gate;
    return ctx.token;
  }),
});
type App = typeof router;

/** A line whose params are numbered, to a server that takes what `decide` does not throw at. */
async function refreshable(
  decide: (options: ContextOptions) => void | Promise<void> = () => {},
  handshakeTimeoutMs = 10_000,
) {
  const asked = new Queue<unknown>();
  const gate = deferred<void>();
  const server = createServer({
    router,
    keepAliveMs: 100,
    handshakeTimeoutMs,
    createContext: async (options) => {
      asked.push([options.reason, options.params]);
      await decide(options);
      return { token: options.params, gate: gate.promise };
    },
  });
  const proxy = await TcpProxy.to((await listen(server)).port);
  let count = 0;
  const line = closing(openLine<App>({ url: proxy.url, params: async () => ++count }));
  return { asked, gate, line, api: line.client(), proxy };
}

function refuseFresh({ reason }: ContextOptions): void {
  if (reason === 'refresh') throw new TRPCError({ code: 'UNAUTHORIZED', message: 'expired' });
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a line that is told to refresh', () => {
  it('gives fresh params over its connection, for calls that begin from then on', async () => {
    const { asked, gate, line, api } = await refreshable();
    const states = statesOf(line);
    const before = api.tokenLater.query();
    expect(await api.token.query()).toBe(1);
    await line.refresh();
    expect(await api.token.query()).toBe(2);
    gate.resolve();
    expect(await before).toBe(1);
    expect(await asked.take(2)).toEqual([
      ['open', 1],
      ['refresh', 2],
    ]);
    expect(states.map(({ status }) => status)).toEqual(['idle', 'connecting', 'open']);
  });

  it('several times at once, ends with the latest', async () => {
    const { line, api } = await refreshable();
    await line.open();
    await Promise.all([line.refresh(), line.refresh()]);
    expect(await api.token.query()).toBe(3);
  });

  it('and is refused, says so, and goes on as before', async () => {
    const { line, api } = await refreshable(refuseFresh);
    await line.open();
    const open = line.state.get();
    expect(lineError(await failureOf(line.refresh()))).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: 'expired',
    });
    expect(await api.token.query()).toBe(1);
    expect(line.state.get()).toBe(open);
  });

  it('and is not answered in the time of a handshake, is refused, and goes on as before', async () => {
    const { line, api, asked } = await refreshable(
      ({ reason }) => (reason === 'refresh' ? new Promise(() => {}) : undefined),
      200,
    );
    await line.open();
    expect(lineError(await failureOf(line.refresh()))).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: WORDS,
    });
    expect(await api.token.query()).toBe(1);
    expect(await asked.take(2)).toEqual([
      ['open', 1],
      ['refresh', 2],
    ]);
  });

  it('as somebody else, is refused, and goes on as before', async () => {
    const { line, api } = await refreshable(({ session, params }) => {
      session.identify(params === 1 ? 'ada' : 'bob');
    });
    await line.open();
    expect(lineError(await failureOf(line.refresh()))).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: WORDS,
    });
    expect(await api.token.query()).toBe(1);
  });

  it('with params that its application cannot make, says why, and goes on as before', async () => {
    const server = createServer({
      router,
      createContext: ({ params }) => ({ token: params, gate: Promise.resolve() }),
    });
    const { url } = await listen(server);
    const fault = new Error('the key store is locked');
    let count = 0;
    const params = (): number => {
      if (++count === 2) throw fault;
      return count;
    };
    const line = closing(openLine<App>({ url, params }));
    await line.open();
    expect(await failureOf(line.refresh())).toBe(fault);
    expect(await line.client().token.query()).toBe(1);
  });

  it('with params that are too large, says so, and goes on as before', async () => {
    const server = createServer({
      router,
      createContext: ({ params }) => ({ token: params, gate: Promise.resolve() }),
    });
    const { url } = await listen(server);
    const tokens = ['a', 'x'.repeat(20_000)];
    const line = closing(openLine<App>({ url, params: () => tokens.shift() }));
    await line.open();
    expect(lineError(await failureOf(line.refresh()))).toEqual({
      code: 'ENCODING',
      outcome: 'not-executed',
      message: WORDS,
    });
    expect(await line.client().token.query()).toBe('a');
  });

  it.each(['idle', 'closed'])('while it is %s, opens with fresh params', async (status) => {
    const { asked, line, api } = await refreshable();
    if (status === 'closed') {
      await line.open();
      await line.close();
      await asked.next();
    }
    await line.refresh();
    expect(line.state.get().status).toBe('open');
    const latest = status === 'closed' ? 2 : 1;
    expect(await asked.next()).toEqual(['open', latest]);
    expect([await api.token.query(), asked.length]).toEqual([latest, 0]);
  });

  it('while it is offline, is done once it has resumed with fresh params', async () => {
    const { asked, line, api, proxy } = await refreshable();
    expect(await api.token.query()).toBe(1);
    proxy.refuse();
    proxy.cut();
    await until(line, 'waiting', ({ attempt }) => attempt > 0);
    let isDone = false;
    const refreshed = line.refresh().then(() => (isDone = true));
    await settled();
    expect(isDone).toBe(false);
    await proxy.accept();
    await refreshed;
    expect(await until(line, 'open')).toMatchObject({ resumed: 1 });
    expect(await asked.take(2)).toMatchObject([
      ['open', 1],
      ['resume', expect.any(Number)],
    ]);
    expect(asked.length).toBe(0);
  });

  it('and loses its connection, is done once it has resumed with fresh params', async () => {
    const server = await RawServer.listen();
    let count = 0;
    const line = closing(openLine<App>({ url: server.url, params: () => ++count }));
    const peer = await openTo(server, line);
    void line
      .client()
      .token.query()
      .catch(() => {});
    await peer.messages.next();
    const refreshed = line.refresh();
    await settled();
    peer.webSocket.terminate();
    const next = await server.peers.next();
    expect(helloOf(await next.welcome({ received: 1 }))).toMatchObject({ attempt: 2, params: 3 });
    await refreshed;
  });

  it('and is closed before the answer, says that it was', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<App>({ url: server.url }));
    await openTo(server, line);
    const refreshed = failureOf(line.refresh());
    await settled();
    await line.close();
    expect(lineError(await refreshed)).toEqual({
      code: 'CLOSED',
      outcome: 'not-executed',
      message: 'the line is closed',
    });
  });
});

describe('a line whose params expire', () => {
  const LIFE_MS = 3_600_000;
  const ASKED_BEFORE_MS = 60_000;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('gives fresh ones when the server asks, and its session goes on', async () => {
    const { asked, line, api } = await refreshable(({ session }) => {
      session.identify('ada', { expiresAtMs: Date.now() + LIFE_MS });
    });
    const states = statesOf(line);
    expect(await api.token.query()).toBe(1);
    expect(await asked.next()).toEqual(['open', 1]);
    for (const fresh of [2, 3, 4]) {
      vi.setSystemTime(Date.now() + LIFE_MS - ASKED_BEFORE_MS);
      expect(await asked.next()).toEqual(['refresh', fresh]);
      await vi.waitFor(async () => expect(await api.token.query()).toBe(fresh), 10_000);
    }
    expect(states.map(({ status }) => status)).toEqual(['idle', 'connecting', 'open']);
  });

  it('and is refused fresh ones, comes back afresh as they do', async () => {
    const { asked, line } = await refreshable((options) => {
      refuseFresh(options);
      options.session.identify('ada', { expiresAtMs: Date.now() + LIFE_MS });
    });
    begin(line);
    const { sessionId } = await until(line, 'open');
    vi.setSystemTime(Date.now() + LIFE_MS - ASKED_BEFORE_MS);
    expect(await asked.take(2)).toEqual([
      ['open', 1],
      ['refresh', 2],
    ]);
    vi.setSystemTime(Date.now() + ASKED_BEFORE_MS);
    const { error } = await until(line, 'waiting');
    expect(error).toEqual({ code: 'OFFLINE', outcome: 'not-executed', message: WORDS });
    const next = await until(line, 'open');
    expect(next.resumed).toBe(0);
    expect(next.sessionId).not.toBe(sessionId);
  });
});

it('the frames of a refresh are those of the protocol', async () => {
  const server = await RawServer.listen();
  let count = 0;
  const line = closing(openLine<App>({ url: server.url, params: () => ++count }));
  const peer = await openTo(server, line);
  const said = new Queue<unknown>();
  peer.webSocket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString())));
  // The later params take the place of the earlier ones, and so does what becomes of them.
  const refreshed = [failureOf(line.refresh()), failureOf(line.refresh())];
  expect(await said.next()).toEqual([[TAG.params, 2, 3]]);
  peer.send([TAG.renewed, 1, 0], [TAG.renewed, 99, 0], [TAG.renewed, 2, 'no']);
  for (const refusal of await Promise.all(refreshed)) {
    expect(lineError(refusal)).toMatchObject({ code: 'REJECTED', message: 'no' });
  }
});

it('many refreshes at once cost no more than the last of them', async () => {
  const server = await RawServer.listen();
  const params = 'p'.repeat(15_000);
  const line = closing(openLine<App>({ url: server.url, params: () => params }));
  const peer = await openTo(server, line);
  const said = new Queue<number>();
  peer.webSocket.on('message', (data: Buffer) => said.push(data.length));
  const refreshed = Array.from({ length: 50 }, () => line.refresh());
  expect(await said.next()).toBeLessThan(16_384);
  peer.send([TAG.renewed, 50, 0]);
  await Promise.all(refreshed);
});
