import { initTRPC } from '@trpc/server';
import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  begin,
  closing,
  deferred,
  failureOf,
  freePort,
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

const t = initTRPC.create();
const router = t.router({
  double: t.procedure.input((input) => input as number).query(({ input }) => input * 2),
  ticks: t.procedure.subscription(async function* () {
    yield 'tick';
  }),
});
type Router = typeof router;

/** From here on time passes only when it is told to; what comes over sockets still comes. */
function freezeTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    now: 0,
  });
}

/** What a line waits for is `random` of the most that it might. */
function stubRandom(random: number): void {
  vi.spyOn(Math, 'random').mockReturnValue(random);
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a line whose connection is lost', () => {
  it('says so, waits, and comes back in the same session', async () => {
    freezeTime();
    stubRandom(0.5);
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    const states = statesOf(line);
    begin(line);
    const first = await server.peers.next();
    const { sessionId, secret } = helloOf(await first.welcome());
    await until(line, 'open');
    first.webSocket.terminate();
    await until(line, 'waiting');
    vi.advanceTimersByTime(250);
    const second = await server.peers.next();
    expect(helloOf(await second.welcome())).toMatchObject({ sessionId, secret, attempt: 2 });
    await until(line, 'open');
    const error = {
      code: 'OFFLINE',
      outcome: 'not-executed',
      message: WORDS,
    };
    expect(states).toEqual([
      { status: 'idle' },
      { status: 'connecting', attempt: 1 },
      { status: 'open', sessionId, resumed: 0 },
      { status: 'waiting', attempt: 0, retryAtMs: 250, error },
      { status: 'connecting', attempt: 1 },
      { status: 'open', sessionId, resumed: 1 },
    ]);
  });

  it('case 2: before it was welcomed, asks for the session that the lost welcome may have made', async () => {
    stubRandom(0);
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const call = line.client().double.query(1);
    const first = await server.peers.next();
    const { sessionId, secret } = helloOf(await first.hello());
    first.webSocket.terminate();
    const second = await server.peers.next();
    expect(helloOf(await second.welcome())).toMatchObject({ sessionId, secret, attempt: 2 });
    // Nothing was said before a welcome, so nothing is said twice.
    expect(await second.messages.next()).toEqual([
      [TAG.call, 1, 0, 'double', { timeout: 30_000 }, 1],
    ]);
    second.send([TAG.result, 1, 2]);
    expect(await call).toBe(2);
    expect(await until(line, 'open')).toMatchObject({ sessionId, resumed: 0 });
  });

  it('says a higher attempt with each hello, answered or not, and how much it has', async () => {
    stubRandom(0);
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const first = await openTo(server, line);
    const calls = [1, 2].map((n) => line.client().double.query(n));
    await first.messages.next();
    first.send([TAG.result, 1, 'one']);
    expect(await calls[0]).toBe('one');
    first.webSocket.terminate();
    const second = await server.peers.next();
    const unanswered = helloOf((await second.messages.next())[0] ?? []);
    second.webSocket.terminate();
    const third = await server.peers.next();
    const answered = helloOf(await third.welcome({ received: 2, next: 2 }));
    expect([unanswered.attempt, answered.attempt]).toEqual([2, 3]);
    expect([unanswered.received, answered.received]).toEqual([1, 1]);
    third.send([TAG.result, 3, 'two']);
    expect(await calls[1]).toBe('two');
  });

  it('writes again what the server has not received, and nothing else', async () => {
    stubRandom(0);
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const first = await openTo(server, line);
    const api = line.client();
    const calls = [1, 2].map((n) => api.double.query(n));
    await first.messages.next();
    first.webSocket.terminate();
    await until(line, 'waiting');
    calls.push(api.double.query(3));
    const second = await server.peers.next();
    await second.welcome({ received: 1 });
    expect(await second.messages.next()).toEqual([
      [TAG.call, 3, 0, 'double', { timeout: 30_000 }, 2],
      [TAG.call, 5, 0, 'double', { timeout: 30_000 }, 3],
    ]);
    second.send([TAG.result, 1, 'a'], [TAG.result, 3, 'b'], [TAG.result, 5, 'c']);
    expect(await Promise.all(calls)).toEqual(['a', 'b', 'c']);
  });

  it('takes no frame twice that the server writes again', async () => {
    stubRandom(0);
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const first = await openTo(server, line);
    const items: unknown[] = [];
    line.client().ticks.subscribe(undefined, { onData: (item) => items.push(item) });
    await first.messages.next();
    first.send([TAG.subscribed, 1], [TAG.item, 1, 0, 'a'], [TAG.item, 1, 0, 'b']);
    await vi.waitFor(() => expect(items).toEqual(['a', 'b']));
    first.webSocket.terminate();
    const second = await server.peers.next();
    expect(helloOf(await second.welcome({ received: 1, next: 2 })).received).toBe(3);
    second.send([TAG.item, 1, 0, 'a'], [TAG.item, 1, 0, 'b'], [TAG.item, 1, 0, 'c']);
    await vi.waitFor(() => expect(items).toEqual(['a', 'b', 'c']));
  });

  it('finds a server that was started again on the same port', async () => {
    stubRandom(0.01);
    const first = createServer({ router });
    const { port, url } = await listen(first);
    const line = closing(openLine<Router>({ url }));
    await line.open();
    await first.close();
    await until(line, 'connecting', ({ attempt }) => attempt >= 2);
    await listen(createServer({ router }), port);
    expect(await line.client().double.query(4)).toBe(8);
  });

  it('comes back through a network that was cut and healed', async () => {
    stubRandom(0.01);
    const { port } = await listen(createServer({ router }));
    const proxy = await TcpProxy.to(port);
    const line = closing(openLine<Router>({ url: proxy.url }));
    await line.open();
    proxy.refuse();
    proxy.cut();
    await until(line, 'waiting', ({ attempt }) => attempt >= 2);
    await proxy.accept();
    expect(await line.client().double.query(4)).toBe(8);
  });

  it('finds out by itself that the other end is gone, and goes on over another one', async () => {
    stubRandom(0.01);
    const asked = new Queue<void>();
    const gate = deferred<string>();
    const ownRouter = t.router({
      ...router._def.record,
      answer: t.procedure.query(() => {
        asked.push();
        return gate.promise;
      }),
    });
    const { port } = await listen(createServer({ router: ownRouter, keepAliveMs: 100 }));
    const proxy = await TcpProxy.to(port);
    const line = closing(openLine<typeof ownRouter>({ url: proxy.url }));
    const { sessionId } = await line.open().then(() => until(line, 'open'));
    const call = line.client().answer.query();
    await asked.next();
    proxy.blackHole();
    const { error } = await until(line, 'waiting');
    expect(error).toEqual({ code: 'OFFLINE', outcome: 'not-executed', message: WORDS });
    expect(await line.client().double.query(4)).toBe(8);
    expect(line.state.get()).toEqual({ status: 'open', sessionId, resumed: 1 });
    gate.resolve('answered');
    expect(await call).toBe('answered');
  });

  it.each(['url', 'params'] as const)(
    'while its %s is awaited again, tries once that is there',
    async (name) => {
      stubRandom(0.01);
      const first = createServer({ router });
      const { port, url } = await listen(first);
      const late = deferred<string>();
      let asked = 0;
      const options = { [name]: () => (++asked > 1 ? late.promise : url) };
      const line = closing(openLine<Router>({ url, ...options }));
      await line.open();
      await first.close();
      await until(line, 'connecting');
      const call = line.client().double.query(4);
      await settled();
      expect(line.state.get()).toEqual({ status: 'connecting', attempt: 1 });
      late.resolve(url);
      await until(line, 'waiting', ({ attempt }) => attempt >= 1);
      await listen(createServer({ router }), port);
      expect(await call).toBe(8);
    },
  );

  it('does not take for gone who is slow, but answers', async () => {
    freezeTime();
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    const peer = await openTo(server, line, { keepAliveMs: 1_000 });
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(1_000);
      if (i % 3 === 2) {
        const heard = new Promise((resolve) => peer.webSocket.once('pong', resolve));
        peer.send([6]);
        peer.webSocket.ping();
        await heard;
      }
    }
    vi.advanceTimersByTime(2_999);
    expect(line.state.get().status).toBe('open');
    vi.advanceTimersByTime(1);
    expect(line.state.get().status).toBe('waiting');
  });
});

describe('a line that finds no server', () => {
  it('tries again and again, each time after up to twice the time, and at most 30 seconds', async () => {
    freezeTime();
    stubRandom(0.5);
    const line = closing(openLine<Router>({ url: `ws://127.0.0.1:${await freePort()}/` }));
    const call = failureOf(line.client().double.query(1));
    const waits: { readonly attempt: number; readonly waitMs: number }[] = [];
    for (let i = 1; i <= 9; i++) {
      const { attempt, retryAtMs, error } = await until(
        line,
        'waiting',
        (state) => state.attempt === i,
      );
      waits.push({ attempt, waitMs: retryAtMs - Date.now() });
      expect(error).toMatchObject({ code: 'OFFLINE', outcome: 'not-executed' });
      vi.advanceTimersByTime(retryAtMs - Date.now() - 1);
      expect(line.state.get().status).toBe('waiting');
      vi.advanceTimersByTime(1);
      expect(line.state.get()).toEqual({ status: 'connecting', attempt: i + 1 });
    }
    expect(waits).toEqual([
      { attempt: 1, waitMs: 250 },
      { attempt: 2, waitMs: 500 },
      { attempt: 3, waitMs: 1_000 },
      { attempt: 4, waitMs: 2_000 },
      { attempt: 5, waitMs: 4_000 },
      { attempt: 6, waitMs: 8_000 },
      { attempt: 7, waitMs: 15_000 },
      { attempt: 8, waitMs: 15_000 },
      { attempt: 9, waitMs: 15_000 },
    ]);
    await call; // It did not hang: its own time was over.
  });

  it.each([0, 0.25, 0.999])('draws the time that it waits: %d of the most', async (random) => {
    freezeTime();
    stubRandom(random);
    const line = closing(openLine({ url: `ws://127.0.0.1:${await freePort()}/` }));
    begin(line);
    expect((await until(line, 'waiting')).retryAtMs).toBe(500 * random);
  });

  it('gives up an attempt that is not answered within 15 seconds', async () => {
    freezeTime();
    stubRandom(0.5);
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    begin(line);
    const peer = await server.peers.next();
    await peer.messages.next();
    vi.advanceTimersByTime(14_999);
    expect(line.state.get()).toEqual({ status: 'connecting', attempt: 1 });
    vi.advanceTimersByTime(1);
    expect(line.state.get()).toMatchObject({
      status: 'waiting',
      attempt: 1,
      error: { code: 'OFFLINE', outcome: 'not-executed', message: WORDS },
    });
    await peer.closed;
  });
});

describe('a line whose connections break', () => {
  it('soon after they were made, waits longer each time', async () => {
    freezeTime();
    stubRandom(0.5);
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const peer = await openTo(server, line);
      vi.advanceTimersByTime(4_999);
      peer.webSocket.terminate();
      const { retryAtMs } = await until(line, 'waiting');
      waits.push(retryAtMs - Date.now());
      vi.advanceTimersByTime(retryAtMs - Date.now());
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000]);
  });

  it('after they held for 5 seconds, begins from the shortest wait again', async () => {
    freezeTime();
    stubRandom(0.5);
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    const waits: number[] = [];
    for (const heldMs of [0, 0, 5_000, 5_000]) {
      const peer = await openTo(server, line);
      vi.advanceTimersByTime(heldMs);
      peer.webSocket.terminate();
      const { retryAtMs } = await until(line, 'waiting');
      waits.push(retryAtMs - Date.now());
      vi.advanceTimersByTime(retryAtMs - Date.now());
    }
    expect(waits).toEqual([250, 500, 250, 250]);
  });
});

describe('a line whose server says when to come back', () => {
  /** The state after a goaway with such a spread. */
  async function leftWith(spreadMs: number): Promise<ReturnType<typeof until<'waiting'>>> {
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    const peer = await openTo(server, line);
    peer.send([TAG.goaway, { spreadMs }]);
    peer.webSocket.close(4501, 'the server leaves');
    return until(line, 'waiting');
  }

  it.each([0.001, 0.5, 0.999])('after it left, waits for %d of the spread', async (random) => {
    freezeTime();
    stubRandom(random);
    expect(await leftWith(10_000)).toEqual({
      status: 'waiting',
      attempt: 0,
      retryAtMs: 10_000 * random,
      error: { code: 'OFFLINE', outcome: 'not-executed', message: 'the server leaves' },
    });
  });

  it('after it left without a spread, waits as after any loss', async () => {
    freezeTime();
    stubRandom(0.5);
    expect((await leftWith(0)).retryAtMs).toBe(250);
  });

  it('once, does not wait for that again at the next loss', async () => {
    freezeTime();
    stubRandom(0.5);
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    const first = await openTo(server, line);
    first.send([TAG.goaway, { spreadMs: 10_000 }]);
    first.webSocket.close(4501);
    await until(line, 'waiting');
    vi.advanceTimersByTime(5_000);
    const second = await openTo(server, line);
    second.webSocket.terminate();
    const { retryAtMs } = await until(line, 'waiting');
    expect(retryAtMs - Date.now()).toBe(500);
  });

  it('for a time that no timer can wait, waits as long as one can', async () => {
    freezeTime();
    stubRandom(0.5);
    expect((await leftWith(Number.MAX_SAFE_INTEGER)).retryAtMs).toBe(2 ** 31 - 1);
  });

  it('as it turned it away, comes neither before that nor exactly then', async () => {
    freezeTime();
    stubRandom(0.5);
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    begin(line);
    const peer = await server.peers.next();
    await peer.reject({ code: 'TOO_MANY', message: 'full', retry: 'later', delayMs: 60_000 });
    expect(await until(line, 'waiting')).toEqual({
      status: 'waiting',
      attempt: 1,
      retryAtMs: 60_250,
      error: {
        code: 'REJECTED',
        outcome: 'not-executed',
        message: 'full',
        retryAfterMs: 60_000,
      },
    });
    vi.advanceTimersByTime(60_249);
    expect(line.state.get().status).toBe('waiting');
    vi.advanceTimersByTime(1);
    expect(line.state.get()).toEqual({ status: 'connecting', attempt: 2 });
    await openTo(server, line);
    expect(line.state.get().status).toBe('open');
  });
});

describe('a line on a page, while it waits', () => {
  class Page extends EventTarget {
    visibilityState: 'visible' | 'hidden' = 'visible';
  }

  function stubPage(): { readonly window: EventTarget; readonly page: Page } {
    onTestFinished(() => void vi.unstubAllGlobals()); // After the line is closed.
    const window = new EventTarget();
    const page = new Page();
    vi.stubGlobal('document', page);
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
    return { window, page };
  }

  it.each(['online', 'pageshow', 'visibilitychange'])('tries at once upon %s', async (type) => {
    freezeTime();
    stubRandom(0.5);
    const { window, page } = stubPage();
    const line = closing(openLine({ url: `ws://127.0.0.1:${await freePort()}/` }));
    begin(line);
    await until(line, 'waiting');
    (type === 'visibilitychange' ? page : window).dispatchEvent(new Event(type));
    expect(line.state.get()).toEqual({ status: 'connecting', attempt: 2 });
    await until(line, 'waiting', ({ attempt }) => attempt === 2);
    expect(vi.getTimerCount()).toBe(1);
  });

  it('does not come before the time that the server named', async () => {
    freezeTime();
    stubRandom(0.5);
    const { window } = stubPage();
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    begin(line);
    const peer = await server.peers.next();
    await peer.reject({ code: 'TOO_MANY', message: 'full', retry: 'later', delayMs: 60_000 });
    await until(line, 'waiting');
    window.dispatchEvent(new Event('online'));
    vi.advanceTimersByTime(59_999);
    window.dispatchEvent(new Event('online'));
    expect(line.state.get().status).toBe('waiting');
    vi.advanceTimersByTime(1);
    expect(line.state.get()).toEqual({ status: 'connecting', attempt: 2 });
  });

  it('is not disturbed by it once it is open or closed', async () => {
    const { window } = stubPage();
    const server = await RawServer.listen();
    const line = closing(openLine({ url: server.url }));
    await openTo(server, line);
    window.dispatchEvent(new Event('online'));
    expect(line.state.get().status).toBe('open');
    await line.close();
    window.dispatchEvent(new Event('online'));
    expect(line.state.get().status).toBe('closed');
  });
});
