// What README's table says of stock tRPC over WebSockets: when tRPC changes it, the table must too.
import { EventEmitter, on, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import { applyWSSHandler, type CreateWSSContextFnOptions } from '@trpc/server/adapters/ws';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { freePort, Queue, settled } from './client-support.ts';
import { aborted, eventually, failureOf, Gate } from './server-support.ts';

/** Of what a paused reader does not read: more than any buffer of an operating system takes. */
const ITEMS = 2_000;
const ITEM = 'x'.repeat(65_536);

/** A router that tells what runs in it. */
function createApp() {
  const t = initTRPC.create({ isDev: false });
  const signals = new Queue<AbortSignal | undefined>();
  const emitter = new EventEmitter();
  const answer = new Gate<string>();
  let yielded = 0;
  const router = t.router({
    ping: t.procedure.query(() => 'pong'),
    hold: t.procedure.query(({ signal }) => (signals.push(signal), answer.promise)),
    holdChange: t.procedure.mutation(({ signal }) => (signals.push(signal), answer.promise)),
    holdFeed: t.procedure.subscription(async function* ({ signal }) {
      yield 'started';
      signals.push(signal);
      await aborted(signal);
    }),
    feed: t.procedure.subscription(async function* ({ signal }) {
      const items = on(emitter, 'item', { signal });
      yield 'listening';
      for await (const [item] of items) yield item as string;
    }),
    flood: t.procedure.subscription(async function* () {
      for (; yielded < ITEMS; yielded++) yield ITEM;
    }),
  });
  return { router, signals, emitter, answer, yielded: () => yielded };
}
type App = ReturnType<typeof createApp>;

type CreateContext = (options: CreateWSSContextFnOptions) => object | Promise<object>;

/** Serves it with `applyWSSHandler` until the test is finished. */
async function serve(app: App, createContext: CreateContext = () => ({}), port = 0) {
  const wss = new WebSocketServer({ port, host: '127.0.0.1' });
  let connections = 0;
  wss.on('connection', () => void connections++);
  onTestFinished(() => {
    for (const socket of wss.clients) socket.terminate();
    wss.close();
  });
  await once(wss, 'listening');
  const handler = applyWSSHandler({ wss, router: app.router, createContext });
  return {
    handler,
    wss,
    url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}`,
    connections: () => connections,
    cut: () => wss.clients.forEach((socket) => socket.terminate()),
  };
}

type ClientOptions = Partial<Parameters<typeof createWSClient>[0]>;

const WITHOUT_DELAY: ClientOptions = { retryDelayMs: () => 0 };

/** A client as its documentation makes it, but that it tries again without a delay by default. */
function connect(url: string, options = WITHOUT_DELAY) {
  const client = createWSClient({
    url,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    ...options,
  });
  // Closing waits for calls under way, and some of these never end.
  onTestFinished(() => {
    client.close().catch(() => {});
    client.connection?.ws.close();
  });
  const states: string[] = [];
  client.connectionState.subscribe({ next: ({ state }) => states.push(state) });
  const api = createTRPCClient<App['router']>({ links: [wsLink({ client })] });
  return { client, api, states };
}

/** What a promise has come to so far. */
function watch(promise: Promise<unknown>): () => string {
  let state = 'pending';
  promise.then(
    () => (state = 'answered'),
    () => (state = 'failed'),
  );
  return () => state;
}

afterEach(() => {
  vi.useRealTimers();
});

describe('over stock wsLink and applyWSSHandler', () => {
  it('a lost connection fails the calls, and what no id tracks is gone', async () => {
    const app = createApp();
    const { url, cut } = await serve(app);
    const { api } = connect(url);
    const items = new Queue<string>();
    api.feed.subscribe(undefined, { onData: (item) => items.push(item) });
    expect(await items.next()).toBe('listening');
    const call = failureOf(api.hold.query());
    await app.signals.next();
    app.emitter.emit('item', 'before');
    expect(await items.next()).toBe('before');

    cut();
    await eventually(() => expect(app.emitter.listenerCount('item')).toBe(0));
    app.emitter.emit('item', 'while away');
    expect(await call).toBeInstanceOf(TRPCClientError);
    expect(await items.next()).toBe('listening');
    app.emitter.emit('item', 'after');
    expect(await items.next()).toBe('after');
  });

  it('the error of a lost call says nothing: it is the same whether or not the call ran', async () => {
    const app = createApp();
    const { url, cut } = await serve(app);
    const ran = failureOf(connect(url).api.holdChange.mutate());
    await app.signals.next();
    cut();

    const deaf = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => deaf.close());
    await once(deaf, 'listening');
    deaf.on('connection', (socket) => socket.on('message', () => socket.terminate()));
    const notExecuted = failureOf(
      connect(`ws://127.0.0.1:${(deaf.address() as AddressInfo).port}`).api.holdChange.mutate(),
    );

    const told = [await ran, await notExecuted].map((error) => {
      const { message, shape, data } = error as TRPCClientError<App['router']>;
      return { message, shape, data };
    });
    expect(told).toEqual(
      [1, 2].map(() => ({ message: 'Unknown error', shape: undefined, data: undefined })),
    );
  });

  it('clients that are told to go elsewhere all come back at once', async () => {
    const { url, handler, connections } = await serve(createApp());
    for (let i = 0; i < 20; i++) connect(url, {});
    await eventually(() => expect(connections()).toBe(20));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    handler.broadcastReconnectNotification();
    // No time passes here: what is due now is all that is done.
    while (connections() < 40) {
      await settled();
      vi.advanceTimersByTime(0);
    }
  });

  it('the signal of a query or a mutation fires neither on abort nor on loss', async () => {
    const app = createApp();
    const { url, cut } = await serve(app);
    const { api } = connect(url);
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      failureOf(api.hold.query(undefined, { signal })),
      failureOf(api.holdChange.mutate(undefined, { signal })),
    ];
    const signals = await app.signals.take(2);
    controller.abort();
    await Promise.all(calls);
    await api.ping.query(); // What the abort had the client say has come before this.
    expect(signals.map((it) => it?.aborted)).toEqual([false, false]);

    const lost = [failureOf(api.hold.query()), failureOf(api.holdChange.mutate())];
    api.holdFeed.subscribe(undefined, {});
    signals.push(...(await app.signals.take(3)));
    cut();
    await Promise.all(lost);
    await aborted(signals[4]); // That of a subscription does.
    expect(signals.map((it) => it?.aborted)).toEqual([false, false, false, false, true]);
  });

  it('a call while offline waits for ever', async () => {
    const port = await freePort();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { api } = connect(`ws://127.0.0.1:${port}`, {});
    const call = api.ping.query();
    const state = watch(call);
    for (let minutes = 0; minutes < 60; minutes++) {
      await vi.advanceTimersByTimeAsync(60_000);
      await settled();
    }
    expect(state()).toBe('pending');
    // It is not forgotten either.
    const server = await serve(createApp(), undefined, port);
    while (server.connections() === 0) {
      await vi.advanceTimersByTimeAsync(1_000);
      await settled();
    }
    while (state() === 'pending') {
      await vi.advanceTimersByTimeAsync(1);
      await settled();
    }
    expect(await call).toBe('pong');
  });

  describe('a client that createContext refuses', () => {
    const refused = () => new TRPCError({ code: 'UNAUTHORIZED', message: 'not you' });

    /** Its states are all that it is told of the refusals, and there is no end to them. */
    async function expectEndless({ connections }: { connections: () => number }, states: string[]) {
      const before = connections();
      await eventually(() => expect(connections()).toBeGreaterThan(before + 10));
      expect(new Set(states)).toEqual(new Set(['connecting', 'pending']));
    }

    it('after its call has come gets the error for the call, and comes back for ever', async () => {
      const called = new Gate();
      const server = await serve(createApp(), async ({ res }) => {
        res.on('message', () => called.open());
        await called.promise;
        throw refused();
      });
      const { api, states } = connect(server.url);
      expect(await failureOf(api.ping.query())).toMatchObject({
        message: 'not you',
        data: { code: 'UNAUTHORIZED' },
      });
      await expectEndless(server, states);
    });

    it('for its connectionParams gets an error, of the server or one that says nothing, and comes back for ever', async () => {
      const server = await serve(createApp(), ({ info }) => {
        if (info.connectionParams?.['token'] !== 'right') throw refused();
        return {};
      });
      const connectionParams = () => ({ token: 'wrong' });
      const { api, states } = connect(server.url, { ...WITHOUT_DELAY, connectionParams });
      const error = await failureOf(api.ping.query());
      expect(error).toBeInstanceOf(TRPCClientError);
      // Which of the two it is depends on whether the answer or the end of the connection comes first.
      expect([undefined, 'UNAUTHORIZED']).toContain(
        (error as TRPCClientError<App['router']>).data?.code,
      );
      await expectEndless(server, states);
    });

    it('before its call can be sent gets no end of the call, and comes back for ever', async () => {
      const server = await serve(createApp(), () => {
        throw refused();
      });
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const { client, api, states } = connect(server.url);
      const state = watch(api.ping.query());
      // A call is sent a turn of the timers after the connection is open. By then it is closed.
      const hasSocket = () =>
        (client.connection?.ws.readyState ?? WebSocket.CLOSED) < WebSocket.CLOSED;
      while (server.connections() < 20) {
        await settled();
        if (!hasSocket()) vi.advanceTimersByTime(0);
      }
      expect(new Set(states)).toEqual(new Set(['connecting', 'pending']));
      expect(state()).toBe('pending');
    });
  });

  it('the server buffers all that a reader has not read, and the generator does not wait', async () => {
    const app = createApp();
    const { url, wss } = await serve(app);
    const reader = new WebSocket(url);
    await once(reader, 'open');
    onTestFinished(() => reader.terminate());
    reader.send('{"id":1,"method":"subscription","params":{"path":"flood"}}');
    reader.pause();
    await eventually(() => expect(app.yielded()).toBe(ITEMS));
    const [socket] = wss.clients;
    expect(socket!.bufferedAmount).toBeGreaterThan(100e6);
  });

  it('a call is sent after a turn of the timers', async () => {
    const app = createApp();
    const { url, wss } = await serve(app);
    const { client, api } = connect(url);
    await api.ping.query();
    const heard = new Queue<'ping' | 'call'>();
    const [socket] = wss.clients;
    socket!.on('ping', () => heard.push('ping')).on('message', () => heard.push('call'));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const call = api.ping.query();
    await settled();
    (client.connection!.ws as unknown as WebSocket).ping();
    expect(await heard.next()).toBe('ping');
    vi.advanceTimersByTime(1);
    expect(await heard.next()).toBe('call');
    expect(await call).toBe('pong');
  });
});
