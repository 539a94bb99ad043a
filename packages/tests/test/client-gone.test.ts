import { lineError, openLine, outcomeOf, type Line, type LineState } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { appOf, World, type App } from './client-app.ts';
import {
  begin,
  closing,
  helloOf,
  listen,
  type Peer,
  Queue,
  RawServer,
  settled,
  statesOf,
  TAG,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';

const LOST = { code: 'SESSION_LOST', outcome: 'unknown', message: WORDS };

/**
 * A line to a server that can die and be started again: what was published outlives it, and so does
 * the address.
 */
async function world(options: { readonly keepAliveMs?: number; readonly windowMs?: number } = {}) {
  const made = new World();
  const { keepAliveMs, windowMs } = options;
  const start = async (): Promise<number> => {
    const server = createServer({ router: appOf(made), keepAliveMs, resume: { windowMs } });
    return (await listen(server)).port;
  };
  const proxy = await TcpProxy.to(await start());
  const line = closing(openLine<App>({ url: proxy.url }));
  /** The server is gone without a word, and another one is at its address. */
  const restart = async (): Promise<void> => {
    proxy.turnTo(await start());
    proxy.cut();
  };
  return { world: made, proxy, line, api: line.client(), restart };
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a line whose server died and was started again', () => {
  it('is in another session', async () => {
    const { line, restart } = await world();
    const states = statesOf(line);
    await line.open();
    await restart();
    await until(line, 'waiting');
    await until(line, 'open');
    const opened = states.filter(({ status }) => status === 'open');
    const sessionId: unknown = expect.any(String);
    expect(opened).toEqual([
      { status: 'open', sessionId, resumed: 0 },
      { status: 'open', sessionId, resumed: 0 },
    ]);
    expect(opened[0]).not.toEqual(opened[1]);
  });

  it('case 34: asks its queries again, each until it has an answer, and not after', async () => {
    const { world: made, line, api, restart } = await world();
    const calls = ['a', 'b'].map((input) => api.ask.query(input));
    await made.started.take(2);
    made.answer('a');
    expect(await calls[0]).toBe('a done');
    await restart();
    expect(await made.started.next()).toBe('b');
    await restart();
    expect(await made.started.next()).toBe('b');
    made.answer('b');
    expect(await calls[1]).toBe('b done');
    await until(line, 'open');
    expect(made.runs).toEqual(['a', 'b', 'b', 'b']);
  });

  it.each(['tracked', 'mixed'] as const)(
    'takes its subscriptions with ids up where they were: %s',
    async (name) => {
      const { world: made, api, restart } = await world();
      const items = new Queue<unknown>();
      const errors: unknown[] = [];
      api[name].subscribe(undefined, {
        onData: (item: unknown) => items.push(item),
        onError: (error) => errors.push(error),
      });
      const behind = (item: string): readonly unknown[] =>
        name === 'mixed' ? [`after ${item}`] : [];
      const expected = (id: string, item: string) => [{ id, data: item }, ...behind(item)];
      made.publish('a', 'b');
      const both = [...expected('1', 'a'), ...expected('2', 'b')];
      expect(await items.take(both.length)).toEqual(both);
      await restart();
      made.publish('c');
      const third = expected('3', 'c');
      expect(await items.take(third.length)).toEqual(third);
      await restart();
      made.publish('d');
      const fourth = expected('4', 'd');
      expect(await items.take(fourth.length)).toEqual(fourth);
      expect(await made.started.take(3)).toEqual([
        `${name} from the start`,
        `${name} from 2`,
        `${name} from 3`,
      ]);
      expect([items.length, errors]).toEqual([0, []]);
    },
  );

  it.each(['untracked', 'observed'] as const)(
    'tells its subscriptions without ids that items may be missing, and goes on: %s',
    async (name) => {
      const { world: made, api, restart } = await world();
      const items = new Queue<string>();
      const told: unknown[] = [];
      api[name].subscribe(undefined, {
        onData: (item) => items.push(item),
        onConnectionStateChange: ({ error }) => told.push(lineError(error)),
      });
      await made.started.next();
      made.publish('before');
      expect(await items.next()).toBe('before');
      const { readers } = made;
      await restart();
      made.publish('missed');
      expect(await made.started.next()).toBe(name);
      await vi.waitFor(() => expect(made.readers).toBeGreaterThan(readers));
      made.publish('after');
      expect(await items.next()).toBe('after');
      expect(told).toContainEqual(LOST);
    },
  );

  it('ends its mutations that may have run as unknown, and does not run them again', async () => {
    const { world: made, api, restart } = await world();
    const call = api.act.mutate('a').catch(lineError);
    await made.started.next();
    await restart();
    expect(await call).toEqual(LOST);
    const next = api.act.mutate('next');
    expect(await made.started.next()).toBe('next');
    made.answer('next');
    await next;
    expect(made.runs).toEqual(['a', 'next']);
  });

  it('runs its mutations once that never left', async () => {
    const { world: made, proxy, api, restart, line } = await world();
    const lost = api.act.mutate('lost').catch(outcomeOf);
    await made.started.next();
    proxy.refuse();
    proxy.cut();
    await until(line, 'waiting', ({ attempt }) => attempt > 0);
    const calls = ['a', 'b'].map((input) => api.act.mutate(input));
    for (const input of ['a', 'b']) made.answer(input);
    await restart();
    await proxy.accept();
    expect(await Promise.all(calls)).toEqual(['a done', 'b done']);
    expect(await lost).toBe('unknown');
    expect(made.runs).toEqual(['lost', 'a', 'b']);
  });
});

describe('a session that its server gave up', () => {
  it('case 9: has its calls run in the next one that the server says it had not received', async () => {
    const { world: made, proxy, api, line } = await world({ keepAliveMs: 100, windowMs: 200 });
    const received = api.act.mutate('received').catch(outcomeOf);
    await made.started.next();
    proxy.strand(); // The server has lost its client; the client is not told.
    const unreceived = api.act.mutate('unreceived').catch(outcomeOf);
    await settled();
    expect(line.state.get().status).toBe('open'); // So it was written.
    made.answer('unreceived');
    expect(await made.aborted.next()).toBe('received');
    proxy.cut();
    expect(await Promise.all([received, unreceived])).toEqual(['unknown', 'unreceived done']);
    expect(made.runs).toEqual(['received', 'unreceived']);
  });
});

describe('a session that is too large', () => {
  it('case 6: ends with the query whose answer is too much, which is not asked again', async () => {
    const made = new World();
    const limits = { payloadBytesMax: 65_536, backlogBytesMax: 65_536, sessionBytesMax: 65_536 };
    const { url } = await listen(createServer({ router: appOf(made), limits }));
    const line = closing(openLine<App>({ url }));
    const api = line.client();
    const call = api.ask.query('a').catch(lineError);
    await made.started.next();
    made.answer('a', 'x'.repeat(300_000));
    expect(await call).toEqual({ code: 'LIMIT', outcome: 'unknown', message: WORDS });
    made.answer('b');
    expect(await api.ask.query('b')).toBe('b done');
    expect(made.runs).toEqual(['a', 'b']);
  });
});

describe('a line that has been offline for as long as its session is kept', () => {
  const WINDOW_MS = 10_000;

  /** A line that has lost its connection, and a call with it; time passes when it is told to. */
  async function lost() {
    const server = await RawServer.listen();
    const line = closing(openLine<App>({ url: server.url, timeoutMs: Infinity }));
    begin(line);
    const peer = await server.peers.next();
    const first = helloOf(await peer.welcome({ windowMs: WINDOW_MS }));
    await until(line, 'open');
    const ended: unknown[] = [];
    const api = line.client();
    void api.act.mutate('written').catch((error: unknown) => ended.push(lineError(error)));
    await peer.messages.next();
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    });
    peer.webSocket.terminate();
    await until(line, 'waiting');
    return { server, line, first, ended, api };
  }

  /** From here on the line does not wait for its next attempt. */
  function hurry(line: Pick<Line, 'state'>): void {
    const look = (state: LineState): void => {
      if (state.status !== 'waiting') return;
      void settled().then(() => vi.advanceTimersByTime(state.retryAtMs - Date.now()));
    };
    line.state.subscribe(look);
    look(line.state.get());
  }

  /** The line makes another session, and its next call goes there. */
  async function expectNext(line: Line, peer: Peer, given: string): Promise<void> {
    const next = helloOf(await peer.welcome());
    expect(next).toMatchObject({ attempt: 1, received: 0 });
    expect(next.sessionId).not.toBe(given);
    expect(await peer.messages.next()).toEqual([[TAG.call, 1, 1, 'act', 0, 'next']]);
    expect(await until(line, 'open')).toMatchObject({ sessionId: next.sessionId, resumed: 0 });
    peer.send([TAG.result, 1, 'done']);
  }

  it('case 35: gives the session up, and not before', async () => {
    const { line, ended, server } = await lost();
    server.close();
    vi.advanceTimersByTime(WINDOW_MS - 1);
    await settled();
    expect(ended).toEqual([]);
    vi.advanceTimersByTime(1);
    await settled();
    expect(ended).toEqual([LOST]);
    expect(line.state.get().status).not.toBe('closed');
  });

  it('case 35: never resumes it', async () => {
    const { line, ended, server, first, api } = await lost();
    server.close();
    vi.advanceTimersByTime(WINDOW_MS);
    await settled();
    expect(ended).toEqual([LOST]);
    const call = api.act.mutate('next');
    const again = await RawServer.listen(server.port);
    hurry(line);
    const peer = await again.peers.next();
    await expectNext(line, peer, first.sessionId);
    expect(await call).toBe('done');
  });

  it.each([
    { what: 'its call', received: 1 },
    { what: 'nothing', received: 0 },
  ])(
    'case 35: does not go on with it where the server, which has $what, answers too late',
    async ({ received }) => {
      const { line, ended, server, first, api } = await lost();
      vi.advanceTimersByTime(500);
      const late = await server.peers.next();
      expect(helloOf(await late.hello())).toMatchObject({ sessionId: first.sessionId, attempt: 2 });
      vi.advanceTimersByTime(WINDOW_MS);
      await settled();
      expect(ended).toEqual([LOST]);
      const call = api.act.mutate('next');
      late.admit({ received });
      hurry(line);
      const peer = await server.peers.next();
      await expectNext(line, peer, first.sessionId);
      expect(await call).toBe('done');
      expect(late.messages.length).toBe(0);
    },
  );
});
