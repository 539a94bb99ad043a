import { initTRPC, tracked, TRPCError } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { callOptions, lineError, openLine, outcomeOf } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { collectUncaught } from '../../client/test/uncaught.ts';
import {
  closing,
  freePort,
  listen,
  openTo,
  type Peer,
  Queue,
  RawServer,
  settled,
  TAG,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';

/** A router whose subscriptions tell when they begin and when they are over. */
function createApp() {
  const begun = new Queue<unknown>();
  const over = new Queue<string>();
  const said = new Queue<string>();
  const t = initTRPC.create({ isDev: false });
  const router = t.router({
    echo: t.procedure.input((input) => input).query(({ input }) => input),
    count: t.procedure.input(Number).subscription(async function* ({ input }) {
      for (let i = 1; i <= input; i++) yield i;
    }),
    observed: t.procedure.subscription(() =>
      observable<string>((observer) => {
        observer.next('a');
        observer.next('b');
        observer.complete();
      }),
    ),
    fail: t.procedure.subscription(async function* () {
      yield 1;
      throw new TRPCError({ code: 'CONFLICT', message: 'no more' });
    }),
    /** Gives what is said, and stays. */
    follow: t.procedure
      .input((input) => input as { readonly lastEventId?: string } | undefined)
      .subscription(async function* ({ input, signal }) {
        begun.push(input?.lastEventId);
        try {
          yield 'first';
          const isOver = new Promise<undefined>((resolve) => {
            signal?.addEventListener('abort', () => resolve(undefined));
          });
          for (;;) {
            const item = await Promise.race([said.next(), isOver]);
            if (item === undefined) return;
            yield item;
          }
        } finally {
          over.push('follow');
        }
      }),
    letters: t.procedure
      .input((input) => input as { readonly lastEventId?: string } | undefined)
      .subscription(async function* ({ input, signal }) {
        begun.push(input?.lastEventId);
        yield tracked('7', 'tracked');
        yield 'untracked';
        await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      }),
    silent: t.procedure.subscription(async ({ signal }): Promise<AsyncIterable<string>> => {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      over.push('silent');
      throw new Error('aborted');
    }),
  });
  return { router, begun, over, said };
}
type Router = ReturnType<typeof createApp>['router'];

/** What a subscriber is told, in order, as words. */
function recorder() {
  const told = new Queue<unknown>();
  const error = (value: unknown) => lineError(value)?.code ?? (value as Error).message;
  return {
    told,
    callbacks: {
      onStarted: () => told.push('started'),
      onData: (data: unknown) => told.push({ data }),
      onError: (cause: unknown) => told.push({ error: error(cause) }),
      onStopped: () => told.push('stopped'),
      onComplete: () => told.push('complete'),
      onConnectionStateChange: (state: { readonly state: string; readonly error: unknown }) =>
        told.push(state.error === null ? state.state : `${state.state}: ${error(state.error)}`),
    },
  };
}

async function rawLine(limits?: Parameters<Peer['welcome']>[0]) {
  const server = await RawServer.listen();
  const line = closing(openLine<Router>({ url: server.url }));
  const peer = await openTo(server, line, limits);
  return { server, line, peer, api: line.client() };
}

async function appLine() {
  const app = createApp();
  const { port, url } = await listen(createServer({ router: app.router }));
  const line = closing(openLine<Router>({ url }));
  return { ...app, port, line, api: line.client() };
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a subscription', () => {
  it('is told of the connection, its start, each item, and its end, in that order', async () => {
    const { api } = await appLine();
    const { told, callbacks } = recorder();
    api.count.subscribe(2, callbacks);
    expect(await told.take(7)).toEqual([
      'connecting',
      'pending',
      'started',
      { data: 1 },
      { data: 2 },
      'stopped',
      'complete',
    ]);
  });

  it('on an open line, is told that it is', async () => {
    const { api, line } = await appLine();
    await line.open();
    const { told, callbacks } = recorder();
    api.count.subscribe(0, callbacks);
    expect(await told.take(4)).toEqual(['pending', 'started', 'stopped', 'complete']);
  });

  it('may be an observable on the server', async () => {
    const { api } = await appLine();
    const { told, callbacks } = recorder();
    api.observed.subscribe(undefined, callbacks);
    expect((await told.take(7)).slice(2)).toEqual([
      'started',
      { data: 'a' },
      { data: 'b' },
      'stopped',
      'complete',
    ]);
  });

  it('that fails, ends with the error of its procedure', async () => {
    const { api } = await appLine();
    const error = await new Promise((onError) => {
      api.fail.subscribe(undefined, { onError });
    });
    expect(error).toMatchObject({ message: 'no more', data: { code: 'CONFLICT', path: 'fail' } });
    expect([lineError(error), outcomeOf(error)]).toEqual([undefined, 'failed']);
  });

  it('that is ended by its reader, reaches the procedure', async () => {
    const { api, begun, over } = await appLine();
    const { told, callbacks } = recorder();
    const subscription = api.follow.subscribe(undefined, callbacks);
    await begun.next();
    subscription.unsubscribe();
    expect(await over.next()).toBe('follow');
    expect(await api.echo.query('alive')).toBe('alive');
    expect(await told.take(told.length)).not.toContain('complete');
  });

  it('that is ended by its reader before it was written, never is', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    line
      .client()
      .count.subscribe(1, { onData: () => {} })
      .unsubscribe();
    void line
      .client()
      .echo.query('next')
      .catch(() => {});
    const peer = await server.peers.next();
    await peer.welcome();
    expect(await peer.messages.next()).toEqual([
      [TAG.call, 3, 0, 'echo', { timeout: 30_000 }, 'next'],
    ]);
  });

  it('that is ended by its reader at an item, is given no more of the same message', async () => {
    const { api, peer } = await rawLine();
    const items: unknown[] = [];
    const subscription = api.count.subscribe(3, {
      onData: (item) => {
        items.push(item);
        subscription.unsubscribe();
      },
    });
    await peer.messages.next();
    peer.send([TAG.subscribed, 1], [TAG.item, 1, 0, 1], [TAG.item, 1, 0, 2]);
    expect(await peer.messages.next()).toEqual([[TAG.cancel, 1]]);
    expect(items).toEqual([1]);
  });

  it.each(['before', 'after'])('whose signal aborts %s it was made, is over', async (when) => {
    const { api, begun, over } = await appLine();
    const { told, callbacks } = recorder();
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    api.follow.subscribe(undefined, { ...callbacks, signal: controller.signal });
    if (when === 'after') {
      await begun.next();
      await told.take(3);
      controller.abort();
      expect(await over.next()).toBe('follow');
    }
    expect((await told.take(told.length)).filter((what) => typeof what === 'string')).toEqual([
      'complete',
    ]);
  });

  it('is completed when the line is closed', async () => {
    const { api, line, begun } = await appLine();
    const { told, callbacks } = recorder();
    api.follow.subscribe(undefined, callbacks);
    await begun.next();
    while ((await told.next()) !== 'started') continue;
    await line.close();
    expect((await told.take(told.length)).at(-1)).toBe('complete');
  });

  describe('whose connection is lost', () => {
    it('is told of it, and goes on where it was when there is another', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { port, begun, over, said } = await appLine();
      const proxy = await TcpProxy.to(port);
      const line = closing(openLine<Router>({ url: proxy.url }));
      const { told, callbacks } = recorder();
      line.client().follow.subscribe(undefined, callbacks);
      await begun.next();
      expect(await told.take(4)).toEqual(['connecting', 'pending', 'started', { data: 'first' }]);
      proxy.cut();
      expect(await told.take(3)).toEqual(['connecting: OFFLINE', 'pending', 'started']);
      said.push('second');
      expect(await told.next()).toEqual({ data: 'second' });
      expect([told.length, begun.length, over.length]).toEqual([0, 0, 0]);
    });

    it('is given what was said while nobody was there, each item once', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { port, said } = await appLine();
      const proxy = await TcpProxy.to(port);
      const line = closing(openLine<Router>({ url: proxy.url }));
      const items = new Queue<string>();
      line.client().follow.subscribe(undefined, { onData: (item) => items.push(item) });
      expect(await items.next()).toBe('first');
      proxy.refuse();
      proxy.cut();
      await until(line, 'waiting', ({ attempt }) => attempt > 0);
      for (const item of ['a', 'b', 'c']) said.push(item);
      await settled();
      await proxy.accept();
      expect(await items.take(3)).toEqual(['a', 'b', 'c']);
      said.push('d');
      expect(await items.next()).toBe('d');
    });

    it('is told of each attempt that fails', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const line = closing(openLine<Router>({ url: `ws://127.0.0.1:${await freePort()}/` }));
      const { told, callbacks } = recorder();
      line.client().follow.subscribe(undefined, callbacks);
      expect(await told.take(3)).toEqual([
        'connecting',
        'connecting: OFFLINE',
        'connecting: OFFLINE',
      ]);
    });

    it('is made again by a server that was started again', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0.01);
      const first = createServer({ router: createApp().router });
      const { port, url } = await listen(first);
      const line = closing(openLine<Router>({ url }));
      const { told, callbacks } = recorder();
      line.client().follow.subscribe(undefined, callbacks);
      await told.take(4);
      await first.close();
      const second = createApp();
      await listen(createServer({ router: second.router }), port);
      await second.begun.next();
      await until(line, 'open');
      expect(line.state.get().status).toBe('open');
    });

    it('says nothing of a last id: the server knows what it has said', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { api, peer, server } = await rawLine();
      const items = new Queue<unknown>();
      api.letters.subscribe({}, { onData: (item) => items.push(item) });
      await peer.messages.next();
      peer.send([TAG.subscribed, 1], [TAG.item, 1, 'a', 1]);
      await items.next();
      peer.webSocket.terminate();
      const next = await server.peers.next();
      await next.welcome({ received: 1, next: 3 });
      next.send([TAG.item, 1, 'b', 2]);
      expect(await items.next()).toBe(2);
      expect(next.messages.length).toBe(0);
    });
  });

  describe('whose session is gone', () => {
    it('is told that items may be missing where it has no id, and is made again', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { server, api, peer } = await rawLine();
      const { told, callbacks } = recorder();
      api.follow.subscribe(undefined, callbacks);
      await peer.messages.next();
      peer.send([TAG.subscribed, 1], [TAG.item, 1, 0, 'a']);
      expect(await told.take(3)).toEqual(['pending', 'started', { data: 'a' }]);
      peer.webSocket.terminate();
      const next = await server.peers.next();
      await next.gone();
      await next.welcome();
      expect(await next.messages.next()).toEqual([[TAG.call, 1, 2, 'follow', 0]]);
      next.send([TAG.subscribed, 1], [TAG.item, 1, 0, 'b']);
      expect(await told.take(5)).toEqual([
        'connecting: OFFLINE',
        'connecting: SESSION_LOST',
        'pending',
        'started',
        { data: 'b' },
      ]);
    });

    it('goes on from the last id, which items without one leave as it is', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { port, begun } = await appLine();
      const proxy = await TcpProxy.to(port);
      const line = closing(openLine<Router>({ url: proxy.url }));
      const { told, callbacks } = recorder();
      line.client().letters.subscribe(undefined, callbacks);
      expect(await told.take(5)).toEqual([
        'connecting',
        'pending',
        'started',
        { data: { id: '7', data: 'tracked' } },
        { data: 'untracked' },
      ]);
      const second = await appLine();
      proxy.turnTo(second.port);
      proxy.cut();
      expect(await told.take(5)).toEqual([
        'connecting: OFFLINE',
        'pending',
        'started',
        { data: { id: '7', data: 'tracked' } },
        { data: 'untracked' },
      ]);
      expect([await begun.next(), await second.begun.next()]).toEqual([undefined, '7']);
    });

    it('says the last id beside its input, however often', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { api, peer, server } = await rawLine();
      api.letters.subscribe({}, { onData: () => {} });
      expect(await peer.messages.next()).toEqual([[TAG.call, 1, 2, 'letters', 0, {}]]);
      peer.send([TAG.subscribed, 1], [TAG.item, 1, 'a', 1], [TAG.item, 1, '', 2]);
      let last = peer;
      for (let i = 0; i < 3; i++) {
        last.webSocket.close(4_310);
        last = await server.peers.next();
        await last.welcome();
        const call = [TAG.call, 1, 2, 'letters', { after: '' }, {}];
        expect(await last.messages.next()).toEqual([call]);
      }
    });
  });

  describe('read with for await', () => {
    it('gives each item, and ends', async () => {
      const { api } = await appLine();
      const items: number[] = [];
      for await (const item of api.count.subscribe(3)) items.push(item);
      expect(items).toEqual([1, 2, 3]);
    });

    it('gives the id and the data of tracked items', async () => {
      const { api } = await appLine();
      for await (const item of api.letters.subscribe(undefined)) {
        expect(item).toEqual({ id: '7', data: 'tracked' });
        break;
      }
    });

    it('reaches the procedure when it is left', async () => {
      const { api, over } = await appLine();
      for await (const item of api.follow.subscribe(undefined)) {
        expect(item).toBe('first');
        break;
      }
      expect(await over.next()).toBe('follow');
    });

    it('throws the error of its procedure', async () => {
      const { api } = await appLine();
      const items: unknown[] = [];
      const read = async (): Promise<void> => {
        for await (const item of api.fail.subscribe()) items.push(item);
      };
      await expect(read()).rejects.toMatchObject({ data: { code: 'CONFLICT' } });
      expect(items).toEqual([1]);
    });

    it('is ended by its signal, which reaches the procedure', async () => {
      const { api, over } = await appLine();
      const controller = new AbortController();
      const items: unknown[] = [];
      for await (const item of api.follow.subscribe(undefined, { signal: controller.signal })) {
        items.push(item);
        controller.abort();
      }
      expect(items).toEqual(['first']);
      expect(await over.next()).toBe('follow');
    });

    it('goes on over another connection', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { port, said } = await appLine();
      const proxy = await TcpProxy.to(port);
      const line = closing(openLine<Router>({ url: proxy.url }));
      const items: unknown[] = [];
      for await (const item of line.client().follow.subscribe(undefined)) {
        items.push(item);
        if (items.length === 4) break;
        proxy.cut();
        said.push(`after cut ${items.length}`);
      }
      expect(items).toEqual(['first', 'after cut 1', 'after cut 2', 'after cut 3']);
    });

    it('ends when the line is closed', async () => {
      const { api, line } = await appLine();
      const items: unknown[] = [];
      for await (const item of api.follow.subscribe(undefined)) {
        items.push(item);
        void line.close();
      }
      expect(items).toEqual(['first']);
    });
  });

  describe('with a timeout', () => {
    it('ends as TIMEOUT where it does not begin in time, and reaches the procedure', async () => {
      const { api, over } = await appLine();
      const error = await new Promise((onError) => {
        api.silent.subscribe(undefined, { onError, ...callOptions({ timeoutMs: 50 }) });
      });
      expect(lineError(error)).toEqual({
        code: 'TIMEOUT',
        outcome: 'unknown',
        message: WORDS,
      });
      expect(await over.next()).toBe('silent');
    });

    it('lasts as long as it likes once it has begun', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      const { api, peer } = await rawLine();
      const { told, callbacks } = recorder();
      api.follow.subscribe(undefined, { ...callbacks, ...callOptions({ timeoutMs: 50 }) });
      // The server is not told: to it, the time of a subscription would be all of its time.
      expect(await peer.messages.next()).toEqual([[TAG.call, 1, 2, 'follow', 0]]);
      peer.send([TAG.subscribed, 1]);
      expect(await told.take(2)).toEqual(['pending', 'started']);
      vi.advanceTimersByTime(1_000_000);
      peer.send([TAG.item, 1, 0, 'late']);
      expect(await told.next()).toEqual({ data: 'late' });
    });

    it('of none, waits for ever', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      const { api, peer } = await rawLine();
      const { told, callbacks } = recorder();
      api.follow.subscribe(undefined, callbacks);
      await peer.messages.next();
      vi.advanceTimersByTime(1_000_000);
      peer.send([TAG.subscribed, 1]);
      expect(await told.take(2)).toEqual(['pending', 'started']);
    });
  });

  describe('whose reader throws', () => {
    it.each(['onConnectionStateChange', 'onStarted', 'onData', 'onStopped', 'onComplete'] as const)(
      'in %s, breaks nothing: neither its own later items nor other calls',
      async (name) => {
        const { api } = await appLine();
        const { told, callbacks } = recorder();
        const other = recorder();
        const fault = new Error(`in ${name}`);
        const uncaught = await collectUncaught(async () => {
          api.count.subscribe(2, {
            ...callbacks,
            [name]: (value: never) => {
              callbacks[name](value);
              throw fault;
            },
          });
          api.count.subscribe(2, other.callbacks);
          await other.told.take(7);
          expect(await api.echo.query('alive')).toBe('alive');
        });
        expect(uncaught).not.toEqual([]);
        expect(new Set(uncaught)).toEqual(new Set([fault]));
        expect(told.length).toBe(7);
      },
    );

    it('in onError, breaks nothing', async () => {
      const { api } = await appLine();
      const fault = new Error('in onError');
      const uncaught = await collectUncaught(async () => {
        await new Promise<void>((resolve) => {
          api.fail.subscribe(undefined, {
            onError: () => {
              resolve();
              throw fault;
            },
          });
        });
        expect(await api.echo.query('alive')).toBe('alive');
      });
      expect(uncaught).toEqual([fault]);
    });
  });
});
