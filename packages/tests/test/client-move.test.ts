import { lineError, openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { appOf, World, type App } from './client-app.ts';
import {
  begin,
  closing,
  helloOf,
  listen,
  Queue,
  RawServer,
  settled,
  statesOf,
  TAG,
  until,
  WORDS,
} from './client-support.ts';

const LOST = { code: 'SESSION_LOST', outcome: 'unknown', message: WORDS };

/** Two servers over one world, and a line to the first that comes to the second the next time. */
async function twoServers() {
  const world = new World();
  const servers = [createServer({ router: appOf(world) }), createServer({ router: appOf(world) })];
  const [first, second] = servers as [(typeof servers)[0], (typeof servers)[0]];
  const urls = [(await listen(first)).url, (await listen(second)).url];
  const line = closing(openLine<App>({ url: () => urls.shift() ?? 'ws://127.0.0.1:1/' }));
  await line.open();
  const { sessionId } = await until(line, 'open');
  /** Has the first server leave. `moved`: the line is in a session of the second. */
  const drain = () => ({
    drained: first.drain({ timeoutMs: 60_000, spreadMs: 0 }),
    moved: until(line, 'open', (state) => state.sessionId !== sessionId),
  });
  return { world, first, second, line, api: line.client(), drain };
}

/** A line in a session of a server of the test's own. */
async function rawLine() {
  const server = await RawServer.listen();
  const line = closing(openLine<App>({ url: server.url, timeoutMs: Infinity }));
  begin(line);
  const peer = await server.peers.next();
  const first = helloOf(await peer.welcome());
  await until(line, 'open');
  return { server, line, peer, first, api: line.client() };
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a line whose server leaves while another one is there', () => {
  it('case 5: is open all the time, and in another session', async () => {
    const { line, drain } = await twoServers();
    const states = statesOf(line);
    const { drained, moved } = drain();
    await moved;
    await drained;
    const sessionId: unknown = expect.any(String);
    expect(states).toEqual([
      { status: 'open', sessionId, resumed: 0 },
      { status: 'open', sessionId, resumed: 0 },
    ]);
  });

  it('case 5: ends its calls under way where they are, and begins new ones at the other', async () => {
    const { world, api, drain, first } = await twoServers();
    const calls = [api.ask.query('a'), api.act.mutate('b'), api.pay.mutate('c')];
    await world.started.take(3);
    const { drained, moved } = drain();
    await moved;
    const next = api.act.mutate('d');
    expect(await world.started.next()).toBe('d');
    for (const input of ['a', 'b', 'c', 'd']) world.answer(input);
    expect(await Promise.all(calls)).toEqual(['a done', 'b done', 'c done']);
    expect(await next).toBe('d done');
    await drained; // Nothing is left there: it does not wait for its deadline.
    await first.close();
    expect([world.runs, world.aborted.length]).toEqual([['a', 'b', 'c', 'd'], 0]);
  });

  it('case 5: moves its subscriptions with ids, without a missed or a doubled item', async () => {
    const { world, api, drain, line } = await twoServers();
    const items: unknown[] = [];
    const errors: unknown[] = [];
    api.tracked.subscribe(undefined, {
      onData: ({ data }) => items.push(data),
      onError: (error) => errors.push(error),
      onConnectionStateChange: ({ error }) => error !== null && errors.push(error),
    });
    await world.started.next();
    let published = 0;
    const publish = (): void => world.publish(`${++published}`);
    for (let i = 0; i < 5; i++) publish();
    await vi.waitFor(() => expect(items.length).toBe(5));
    const sessionIdNow = (): string | undefined => {
      const state = line.state.get();
      return state.status === 'open' ? state.sessionId : undefined;
    };
    const before = sessionIdNow();
    const { drained } = drain();
    while (sessionIdNow() === before) {
      publish();
      await settled();
    }
    for (let i = 0; i < 5; i++) publish();
    await drained;
    publish();
    await vi.waitFor(() => expect(items.length).toBe(published));
    expect(items).toEqual(Array.from({ length: published }, (_, i) => `${i + 1}`));
    expect(errors).toEqual([]);
    expect(line.state.get().status).toBe('open');
    expect(await world.started.next()).toMatch(/^tracked from \d+$/);
  });

  it('case 5: leaves those without ids there to the end, and then says that some may be missing', async () => {
    const { world, api, drain, first, line } = await twoServers();
    const items = new Queue<string>();
    const told: unknown[] = [];
    api.untracked.subscribe(undefined, {
      onData: (item) => items.push(item),
      onConnectionStateChange: ({ error }) => error !== null && told.push(lineError(error)),
    });
    expect(await world.started.next()).toBe('untracked');
    await vi.waitFor(() => expect(world.readers).toBe(1));
    const { drained, moved } = drain();
    await moved;
    world.publish('still from the first');
    expect(await items.next()).toBe('still from the first');
    expect([told, world.started.length]).toEqual([[], 0]);
    await first.close(); // As at the deadline.
    await drained;
    expect(await world.started.next()).toBe('untracked');
    await vi.waitFor(() => expect(world.readers).toBe(1));
    world.publish('from the second');
    expect(await items.next()).toBe('from the second');
    expect(told).toEqual([LOST]);
    expect(line.state.get().status).toBe('open');
  });

  it('case 5: ends as unknown what is still under way there at the deadline', async () => {
    const { world, api, drain, first } = await twoServers();
    const call = api.act.mutate('a').catch(lineError);
    await world.started.next();
    const { drained, moved } = drain();
    await moved;
    await first.close();
    await drained;
    expect(await call).toEqual(LOST);
    expect(world.runs).toEqual(['a']);
  });

  it('can be closed while it is in two sessions, and leaves nothing behind', async () => {
    const { world, api, drain, line } = await twoServers();
    const call = api.act.mutate('a').catch(lineError);
    await world.started.next();
    const { drained, moved } = drain();
    await moved;
    await line.close();
    expect(await call).toEqual({ code: 'CLOSED', outcome: 'unknown', message: WORDS });
    expect(await world.aborted.next()).toBe('a');
    await drained;
  });
});

describe('a line that is told to go', () => {
  it('has its next connection before it leaves the one that it has', async () => {
    const { server, line, peer, first, api } = await rawLine();
    api.tracked.subscribe(undefined, { onData: () => {} });
    await peer.messages.next();
    peer.send([TAG.subscribed, 1], [TAG.item, 1, '7', { id: '7', data: 'seven' }]);
    const call = api.act.mutate('a');
    await peer.messages.next();
    peer.send([TAG.goaway, { spreadMs: 0 }]);
    const other = await server.peers.next();
    const hello = helloOf(await other.hello());
    expect(hello).toMatchObject({ attempt: 1, received: 0 });
    expect(hello.sessionId).not.toBe(first.sessionId);
    await settled();
    expect([peer.messages.length, line.state.get()]).toEqual([
      0,
      { status: 'open', sessionId: first.sessionId, resumed: 0 },
    ]);

    other.admit();
    expect(await other.messages.next()).toEqual([[TAG.call, 1, 2, 'tracked', { after: '7' }]]);
    expect(await peer.messages.next()).toEqual([[TAG.cancel, 1]]);
    peer.send([TAG.end, 1]);
    let isClosed = false;
    void peer.closed.then(() => (isClosed = true));
    await settled();
    expect(isClosed).toBe(false);
    peer.send([TAG.result, 3, 'done']);
    expect(await call).toBe('done');
    expect(await peer.closed).toBe(1_000);
  });

  it('takes no item any more from where it leaves, once it follows elsewhere', async () => {
    const { server, peer, api } = await rawLine();
    const items = new Queue<unknown>();
    api.tracked.subscribe(undefined, { onData: ({ data }) => items.push(data) });
    await peer.messages.next();
    peer.send([TAG.subscribed, 1], [TAG.item, 1, '1', { id: '1', data: 'one' }]);
    expect(await items.next()).toBe('one');
    peer.send([TAG.goaway, { spreadMs: 0 }]);
    const other = await server.peers.next();
    await other.welcome();
    await peer.messages.next();
    peer.send([TAG.item, 1, '2', { id: '2', data: 'two' }]);
    await other.messages.next();
    other.send([TAG.subscribed, 1], [TAG.item, 1, '2', { id: '2', data: 'two' }]);
    expect(await items.next()).toBe('two');
    other.send([TAG.item, 1, '3', { id: '3', data: 'three' }]);
    expect(await items.next()).toBe('three');
    expect(items.length).toBe(0);
  });

  it('stays while nobody takes it elsewhere, and keeps trying', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const { server, line, peer, first, api } = await rawLine();
    peer.send([TAG.goaway, { spreadMs: 0 }]);
    const leaving = { code: 'GOING_AWAY', message: 'leaving', retry: 'later', delayMs: 1_000 };
    await vi.waitFor(() => expect(server.peers.length).toBe(1));
    for (let i = 0; i < 3; i++) {
      const other = await server.peers.next();
      await other.reject(leaving);
      await other.closed;
      vi.advanceTimersByTime(999);
      await settled();
      expect(server.peers.length).toBe(0);
      vi.advanceTimersByTime(1);
    }
    expect(line.state.get()).toEqual({ status: 'open', sessionId: first.sessionId, resumed: 0 });
    const call = api.act.mutate('a');
    await peer.messages.next();
    peer.send([TAG.result, 1, 'done']);
    expect(await call).toBe('done');
  });

  it('and loses its connection before there is another, resumes the session that it has', async () => {
    const { server, line, peer, first, api } = await rawLine();
    const call = api.act.mutate('a');
    await peer.messages.next();
    peer.send([TAG.goaway, { spreadMs: 0 }]);
    const other = await server.peers.next();
    await other.hello();
    const states = statesOf(line);
    peer.webSocket.terminate();
    const next = await server.peers.next();
    expect(helloOf(await next.welcome({ received: 1 }))).toMatchObject({
      sessionId: first.sessionId,
      attempt: 2,
    });
    next.send([TAG.result, 1, 'done']);
    expect(await call).toBe('done');
    expect(states.slice(1)).toEqual([
      {
        status: 'waiting',
        attempt: 0,
        retryAtMs: expect.any(Number) as number,
        error: { code: 'OFFLINE', outcome: 'not-executed', message: WORDS },
      },
      { status: 'connecting', attempt: 1 },
      { status: 'open', sessionId: first.sessionId, resumed: 1 },
    ]);
  });

  it('from the session that it moved to, moves on', async () => {
    const { server, line, peer } = await rawLine();
    peer.send([TAG.goaway, { spreadMs: 0 }]);
    const second = await server.peers.next();
    await second.welcome();
    expect(await peer.closed).toBe(1_000);
    second.send([TAG.goaway, { spreadMs: 0 }]);
    const third = await server.peers.next();
    const { sessionId } = helloOf(await third.welcome());
    expect(await second.closed).toBe(1_000);
    expect(line.state.get()).toEqual({ status: 'open', sessionId, resumed: 0 });
  });
});
