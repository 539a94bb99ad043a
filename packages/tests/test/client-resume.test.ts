import { initTRPC, TRPCError } from '@trpc/server';
import { callOptions, lineError, openLine, outcomeOf } from '@openline/client';
import { createServer, type ContextOptions } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { appOf, World, type App } from './client-app.ts';
import { CODEC_NAMES, CODECS, type CodecName } from './codecs.ts';
import {
  closing,
  listen,
  Queue,
  settled,
  statesOf,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';

const OFFLINE = { code: 'OFFLINE', outcome: 'not-executed', message: WORDS };

let spoken: CodecName = 'JSON';

/** Before each test of its suite. */
function speak(name: CodecName): void {
  beforeEach(() => {
    spoken = name;
  });
}

/** A line through a network that can be broken. */
async function world(options: { readonly keepAliveMs?: number } = {}) {
  const made = new World();
  const { port } = await listen(
    createServer({ router: appOf(made), codecs: CODECS[spoken], ...options }),
  );
  const proxy = await TcpProxy.to(port);
  const line = closing(openLine<App>({ url: proxy.url, codec: CODECS[spoken][0] }));
  /** The line has lost its connection, and finds no other one until the network is back. */
  const goOffline = async (): Promise<void> => {
    proxy.refuse();
    proxy.cut();
    await until(line, 'waiting', ({ attempt }) => attempt > 0);
  };
  return { world: made, proxy, line, api: line.client(), goOffline };
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each(CODEC_NAMES)('in %s, over one connection after another,', (name) => {
  speak(name);

  it('all that is under way goes on, in order and once, and nobody sees an error', async () => {
    const { world: made, proxy, line, api, goOffline } = await world();
    const states = statesOf(line);
    const errors: unknown[] = [];
    const items: Record<'tracked' | 'untracked' | 'observed' | 'awaited', string[]> = {
      tracked: [],
      untracked: [],
      observed: [],
      awaited: [],
    };
    const onError = (error: unknown): void => void errors.push(error);
    const subscriptions = [
      api.tracked.subscribe(undefined, { onError, onData: ({ data }) => items.tracked.push(data) }),
      api.untracked.subscribe(undefined, {
        onError,
        onData: (item) => items.untracked.push(item),
      }),
      api.observed.subscribe(undefined, { onError, onData: (item) => items.observed.push(item) }),
    ];
    const controller = new AbortController();
    const reading = (async () => {
      const read = api.untracked.subscribe(undefined, { signal: controller.signal });
      for await (const item of read) items.awaited.push(item);
    })();
    const calls = [api.ask.query('a query'), api.act.mutate('a mutation'), api.pay.mutate('once')];
    await made.started.take(7);
    await vi.waitFor(() => expect(made.readers).toBe(4));

    const published: string[] = [];
    for (let round = 1; round <= 3; round++) {
      const publish = (when: string): void => {
        published.push(`${when} loss ${round}`);
        made.publish(`${when} loss ${round}`);
      };
      publish('before');
      if (round === 2) await goOffline();
      else proxy.cut();
      publish('during');
      await settled();
      publish('later during');
      if (round === 2) await proxy.accept();
      await until(line, 'open', ({ resumed }) => resumed === round);
      publish('after');
    }
    for (const input of ['a query', 'a mutation', 'once']) made.answer(input);
    expect(await Promise.all(calls)).toEqual(['a query done', 'a mutation done', 'once done']);
    await vi.waitFor(() => {
      expect(items).toEqual({
        tracked: published,
        untracked: published,
        observed: published,
        awaited: published,
      });
    });

    expect(errors).toEqual([]);
    expect([made.runs, made.started.length, made.aborted.length]).toEqual([
      ['a query', 'a mutation', 'once'],
      0,
      0,
    ]);
    const { sessionId } = await until(line, 'open');
    const lost = { status: 'waiting', attempt: 0, retryAtMs: expect.any(Number), error: OFFLINE };
    const firstAttempt = { status: 'connecting', attempt: 1 };
    const open = (resumed: number) => ({ status: 'open', sessionId, resumed });
    const isLaterAttempt = (state: object): boolean =>
      'attempt' in state && (state.attempt as number) > ('retryAtMs' in state ? 0 : 1);
    expect(states.filter((state) => !isLaterAttempt(state))).toEqual([
      { status: 'idle' },
      firstAttempt,
      open(0),
      lost,
      firstAttempt,
      open(1),
      lost,
      firstAttempt,
      open(2),
      lost,
      firstAttempt,
      open(3),
    ]);

    for (const subscription of subscriptions) subscription.unsubscribe();
    controller.abort();
    await reading;
    await vi.waitFor(() => expect(made.readers).toBe(0));
  });

  it('what was said while there was none is said on the next one, in order', async () => {
    const { world: made, api, proxy, line, goOffline } = await world();
    const inputs = ['a', 'b', 'c'];
    const calls = [api.act.mutate('a')];
    await vi.waitFor(() => expect(made.started.length).toBe(1));
    await goOffline();
    for (const input of ['b', 'c']) calls.push(api.act.mutate(input));
    const items: string[] = [];
    api.tracked.subscribe(undefined, { onData: ({ data }) => items.push(data) });
    made.publish('first');
    await proxy.accept();
    expect(await made.started.take(4)).toEqual([...inputs, 'tracked from the start']);
    for (const input of inputs) made.answer(input);
    expect(await Promise.all(calls)).toEqual(['a done', 'b done', 'c done']);
    await vi.waitFor(() => expect(items).toEqual(['first']));
    expect(await until(line, 'open')).toMatchObject({ resumed: 1 });
  });

  it('what is too large for a message goes on from the piece at which it was cut', async () => {
    const { world: made, api, proxy, line } = await world();
    const large = 'large'.repeat(1_000_000);
    const call = api.act.mutate(large);
    for (let cuts = 0; cuts < 3; cuts++) {
      const { carriedBytes } = proxy;
      await vi.waitFor(() => expect(proxy.carriedBytes).toBeGreaterThan(carriedBytes + 500_000), {
        interval: 1,
      });
      proxy.cut();
      await until(line, 'open', ({ resumed }) => resumed > cuts);
    }
    expect((await made.started.next()) === large).toBe(true);
    const { carriedBytes } = proxy;
    made.answer(large, large.toUpperCase());
    await vi.waitFor(() => expect(proxy.carriedBytes).toBeGreaterThan(carriedBytes + 500_000), {
      interval: 1,
    });
    proxy.cut();
    expect((await call) === large.toUpperCase()).toBe(true);
    expect(made.runs.length).toBe(1);
    expect(proxy.carriedBytes).toBeLessThan(2 * 2 * large.length);
  });
});

describe.each(CODEC_NAMES)('in %s, a connection that is dead at one end,', (name) => {
  speak(name);

  it('case 3: loses the session to the next one, and no item is missed or doubled', async () => {
    const { world: made, api, proxy, line } = await world({ keepAliveMs: 100 });
    const items: string[] = [];
    api.untracked.subscribe(undefined, { onData: (item) => items.push(item) });
    await vi.waitFor(() => expect(made.readers).toBe(1));
    const call = api.act.mutate('a');
    expect(await made.started.take(2)).toEqual(['untracked', 'a']);
    made.publish('before');
    await vi.waitFor(() => expect(items).toEqual(['before']));
    proxy.blackHole();
    made.publish('into the hole', 'and another');
    made.answer('a');
    const other = api.act.mutate('b');
    expect((await until(line, 'waiting')).error).toEqual(OFFLINE);
    await until(line, 'open', ({ resumed }) => resumed === 1);
    made.publish('after');
    expect(await call).toBe('a done');
    await vi.waitFor(() => {
      expect(items).toEqual(['before', 'into the hole', 'and another', 'after']);
    });
    expect(await made.started.next()).toBe('b');
    made.answer('b');
    expect(await other).toBe('b done');
    expect(made.runs).toEqual(['a', 'b']);
  });

  it('at that of the server, is replaced once the client finds out', async () => {
    const { world: made, api, proxy, line } = await world({ keepAliveMs: 100 });
    const call = api.act.mutate('a');
    await made.started.next();
    proxy.strand();
    made.answer('a');
    expect(await call).toBe('a done');
    expect(await until(line, 'open')).toMatchObject({ resumed: 1 });
    expect(made.runs).toEqual(['a']);
  });
});

describe.each(CODEC_NAMES)('in %s, while the connection is lost,', (name) => {
  speak(name);

  it('a subscription that is ended by its reader ends its procedure after the resumption', async () => {
    const { world: made, api, proxy, goOffline } = await world();
    const items: string[] = [];
    const subscription = api.untracked.subscribe(undefined, { onData: (item) => items.push(item) });
    await vi.waitFor(() => expect(made.readers).toBe(1));
    await goOffline();
    subscription.unsubscribe();
    made.publish('to nobody');
    expect(made.readers).toBe(1);
    await proxy.accept();
    await vi.waitFor(() => expect(made.readers).toBe(0));
    expect(items).toEqual([]);
  });

  it('a loop that is left by its signal ends its procedure after the resumption', async () => {
    const { world: made, api, proxy, goOffline } = await world();
    const controller = new AbortController();
    const reading = (async () => {
      const items: string[] = [];
      const read = api.untracked.subscribe(undefined, { signal: controller.signal });
      for await (const item of read) items.push(item);
      return items;
    })();
    await vi.waitFor(() => expect(made.readers).toBe(1));
    await goOffline();
    controller.abort();
    expect(await reading).toEqual([]);
    await proxy.accept();
    await vi.waitFor(() => expect(made.readers).toBe(0));
  });

  it('a call that is aborted ends at once as unknown, and its procedure once it hears', async () => {
    const { world: made, api, proxy, goOffline } = await world();
    const controller = new AbortController();
    const call = api.act.mutate('a', { signal: controller.signal }).catch(lineError);
    await made.started.next();
    await goOffline();
    controller.abort();
    expect(await call).toEqual({ code: 'ABORTED', outcome: 'unknown', message: WORDS });
    expect(made.aborted.length).toBe(0);
    await proxy.accept();
    expect(await made.aborted.next()).toBe('a');
  });

  it('a call whose time is over ends at once as unknown, and its procedure once it hears', async () => {
    const { world: made, api, proxy, line, goOffline } = await world();
    await line.open();
    const call = api.ask.query('a', callOptions({ timeoutMs: 150 })).catch(lineError);
    await made.started.next();
    await goOffline();
    expect(await call).toEqual({ code: 'TIMEOUT', outcome: 'unknown', message: WORDS });
    await proxy.accept();
    expect(await made.aborted.next()).toBe('a');
    expect(line.state.get().status).toBe('open');
  });

  it('a call whose time is over is not waited for by its procedure either', async () => {
    const { world: made, api, line, goOffline } = await world({ keepAliveMs: 100 });
    await line.open();
    const call = api.ask.query('a', callOptions({ timeoutMs: 100 })).catch(outcomeOf);
    await made.started.next();
    await goOffline();
    expect(await made.aborted.next()).toBe('a'); // Although the server has heard of nothing.
    expect(await call).toBe('unknown');
  });

  it.each(['aborted', 'out of time'])(
    'a call that was made then and is %s was not executed, and never is',
    async (how) => {
      const { world: made, api, proxy, line, goOffline } = await world();
      await line.open();
      await goOffline();
      const controller = new AbortController();
      const { signal } = controller;
      const options = how === 'aborted' ? { signal } : callOptions({ timeoutMs: 20 });
      const call = api.act.mutate('never', options).catch(lineError);
      if (how === 'aborted') controller.abort();
      expect(await call).toEqual({
        code: how === 'aborted' ? 'ABORTED' : 'TIMEOUT',
        outcome: 'not-executed',
        message: WORDS,
      });
      await proxy.accept();
      const next = api.act.mutate('next');
      expect(await made.started.next()).toBe('next');
      made.answer('next');
      await next;
      expect(made.runs).toEqual(['next']);
    },
  );

  it('a line that is closed ends its calls by what is known of them', async () => {
    const { world: made, api, line, goOffline } = await world();
    const written = api.act.mutate('a').catch(lineError);
    await made.started.next();
    await goOffline();
    const unwritten = api.act.mutate('b').catch(lineError);
    await line.close();
    expect(await Promise.all([written, unwritten])).toEqual([
      { code: 'CLOSED', outcome: 'unknown', message: WORDS },
      { code: 'CLOSED', outcome: 'not-executed', message: WORDS },
    ]);
    await settled();
    expect(made.runs).toEqual(['a']);
  });
});

describe('the context of a connection', () => {
  const t = initTRPC.context<{ readonly token: unknown }>().create({ isDev: false });
  const asked = new Queue<void>();
  const router = t.router({
    token: t.procedure.query(({ ctx }) => ctx.token),
    hang: t.procedure.mutation(() => {
      asked.push();
      return new Promise<never>(() => {});
    }),
  });

  async function admission(decide: (options: ContextOptions) => void) {
    const server = createServer({
      router,
      createContext: (options) => {
        decide(options);
        return { token: options.params };
      },
    });
    const proxy = await TcpProxy.to((await listen(server)).port);
    let count = 0;
    const line = closing(openLine<typeof router>({ url: proxy.url, params: () => ++count }));
    return { proxy, line, api: line.client() };
  }

  it('case 10: is made anew for each, and is that of the calls which begin from then on', async () => {
    const reasons: unknown[] = [];
    const { proxy, line, api } = await admission(({ session, reason }) => {
      reasons.push([session.id, reason]);
    });
    expect(await api.token.query()).toBe(1);
    const { sessionId } = await until(line, 'open');
    proxy.cut();
    expect(await api.token.query()).toBe(2);
    expect(reasons).toEqual([
      [sessionId, 'open'],
      [sessionId, 'resume'],
    ]);
  });

  it('case 10: refused to one that would resume, closes the line with honest outcomes', async () => {
    const { proxy, line, api } = await admission(({ reason }) => {
      if (reason === 'resume') throw new TRPCError({ code: 'UNAUTHORIZED', message: 'revoked' });
    });
    const call = api.hang.mutate().catch((error: unknown) => error);
    await asked.next();
    proxy.cut();
    const error = { code: 'REJECTED', outcome: 'not-executed', message: 'revoked' };
    expect(await until(line, 'closed')).toEqual({ status: 'closed', error });
    expect(lineError(await call)).toEqual({ ...error, outcome: 'unknown' });
    expect(await call).toMatchObject({ data: { code: 'UNAUTHORIZED' } });
  });

  it('that cannot be made now, has the line try again, and its calls wait', async () => {
    let failures = 2;
    const { proxy, line, api } = await admission(({ reason }) => {
      if (reason === 'resume' && failures-- > 0) throw new Error('no database');
    });
    expect(await api.token.query()).toBe(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    proxy.cut();
    for (const attempt of [0, 1, 2]) {
      await until(line, 'waiting', (state) => state.attempt === attempt);
      vi.advanceTimersByTime(2_000);
    }
    expect(await api.token.query()).toBe(4);
    expect(await until(line, 'open')).toMatchObject({ resumed: 1 });
  });
});
