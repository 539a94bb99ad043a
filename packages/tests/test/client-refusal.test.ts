import { TRPCClientError } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import { isAnswered, lineError, openLine, outcomeOf } from '@openline/client';
import { createServer, type ContextOptions } from '@openline/server';
import superjson, { type SuperJSONResult } from 'superjson';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import {
  begin,
  closing,
  deferred,
  failureOf,
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

interface User {
  readonly user: string;
}
const t = initTRPC.context<User>().create({ isDev: false });
const router = t.router({
  whoAmI: t.procedure.query(({ ctx }) => ctx.user),
  hang: t.procedure.mutation(({ signal }) => {
    return new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
  }),
  follow: t.procedure.subscription(async function* ({ signal }) {
    yield 'first';
    await new Promise((resolve) => signal?.addEventListener('abort', resolve));
  }),
});
type Router = typeof router;

const UNAUTHORIZED = {
  code: -32_001,
  message: 'who are you?',
  data: { code: 'UNAUTHORIZED', httpStatus: 401 },
};
const REJECTED = { code: 'REJECTED', outcome: 'not-executed', message: 'who are you?' };

/** A server that takes a client if `decide` gives a name. */
async function admission(decide: (options: ContextOptions) => string | Promise<string>) {
  const asked: unknown[] = [];
  const server = createServer({
    router,
    createContext: async (options) => {
      asked.push(options.params);
      return { user: await decide(options) };
    },
  });
  const { url } = await listen(server);
  return { asked, url };
}

const nobody = (): never => {
  throw new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' });
};

/** What there is to see of an error. */
function seen(error: unknown): object {
  const { message, shape, data } = error as TRPCClientError<Router>;
  return {
    isClientError: error instanceof TRPCClientError,
    message,
    shape,
    data,
    line: lineError(error),
    outcome: outcomeOf(error),
    isAnswered: isAnswered(error as TRPCClientError<Router>),
  };
}
const REFUSED = {
  isClientError: true,
  message: 'who are you?',
  shape: UNAUTHORIZED,
  data: UNAUTHORIZED.data,
  line: REJECTED,
  outcome: 'not-executed',
  isAnswered: true,
};

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a client that createContext refuses', () => {
  it('has its waiting calls ended by the error, shaped as that of any procedure', async () => {
    const { url } = await admission(nobody);
    const line = closing(openLine<Router>({ url }));
    const api = line.client();
    const calls = [
      failureOf(api.whoAmI.query()),
      failureOf(api.hang.mutate()),
      new Promise((onError) => {
        api.follow.subscribe(undefined, { onError });
      }),
    ];
    expect((await Promise.all(calls)).map(seen)).toEqual([REFUSED, REFUSED, REFUSED]);
  });

  it('has its later calls ended by the same error, at once', async () => {
    const { url, asked } = await admission(nobody);
    const line = closing(openLine<Router>({ url }));
    const api = line.client();
    await failureOf(api.whoAmI.query());
    expect(seen(await failureOf(api.hang.mutate()))).toEqual(REFUSED);
    const error = await new Promise((onError) => {
      api.follow.subscribe(undefined, { onError });
    });
    expect(seen(error)).toEqual(REFUSED);
    expect(asked.length).toBe(1);
  });

  it('does not come back by itself, and says why', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const { url, asked } = await admission(nobody);
    const line = closing(openLine<Router>({ url }));
    const states = statesOf(line);
    expect(lineError(await failureOf(line.open()))).toEqual(REJECTED);
    vi.advanceTimersByTime(1_000_000);
    await settled();
    expect(asked.length).toBe(1);
    expect(states).toEqual([
      { status: 'idle' },
      { status: 'connecting', attempt: 1 },
      { status: 'closed', error: REJECTED },
    ]);
  });

  it('comes back when it is told to, with fresh params', async () => {
    const { url, asked } = await admission(({ params }) => {
      const { token } = params as { token: string };
      return token === 'new' ? 'ada' : nobody();
    });
    const tokens = ['old', 'new'];
    const line = closing(openLine<Router>({ url, params: () => ({ token: tokens.shift() }) }));
    await failureOf(line.client().whoAmI.query());
    await line.open();
    expect(await line.client().whoAmI.query()).toBe('ada');
    expect(asked).toEqual([{ token: 'old' }, { token: 'new' }]);
  });

  it('that came back, is told no more of the refusal as its line is closed', async () => {
    const { url } = await admission(({ params }) => (params === 2 ? 'ada' : nobody()));
    let count = 0;
    const line = closing(openLine<Router>({ url, params: () => ++count }));
    await failureOf(line.open());
    await line.open();
    await line.close();
    const error = await failureOf(line.client().whoAmI.query());
    expect(lineError(error)).toMatchObject({ code: 'CLOSED', outcome: 'not-executed' });
    expect(isAnswered(error as TRPCClientError<Router>)).toBe(false);
  });

  it('is closed by its application without another word', async () => {
    const { url } = await admission(nobody);
    const line = closing(openLine<Router>({ url }));
    await failureOf(line.open());
    await line.close();
    expect(line.state.get()).toEqual({ status: 'closed', error: REJECTED });
  });

  it('for a reason that may pass, keeps trying, and its calls wait', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: 0 });
    let isHealthy = false;
    const { url, asked } = await admission(() => {
      if (!isHealthy) throw new Error('no database');
      return 'ada';
    });
    const line = closing(openLine<Router>({ url }));
    const call = line.client().whoAmI.query();
    expect(await until(line, 'waiting')).toEqual({
      status: 'waiting',
      attempt: 1,
      retryAtMs: 1_000,
      error: {
        code: 'REJECTED',
        outcome: 'not-executed',
        message: 'no database',
        retryAfterMs: 1_000,
      },
    });
    vi.advanceTimersByTime(1_000);
    await until(line, 'waiting');
    isHealthy = true;
    vi.advanceTimersByTime(1_000);
    expect(await call).toBe('ada');
    expect(asked.length).toBe(3);
  });

  describe('on a router with a formatter and a transformer', () => {
    const at = new Date(0);
    const formatted = { code: -32_001, message: 'own words', data: { at } };

    /** The error of a call, of which the client reads the shape as `deserialize` does. */
    async function refused(
      errorFormatter: () => typeof formatted,
      deserialize = (value: unknown): unknown => superjson.deserialize(value as SuperJSONResult),
    ): Promise<unknown> {
      const own = initTRPC.context<User>().create({ transformer: superjson, errorFormatter });
      const ownRouter = own.router({ whoAmI: own.procedure.query(({ ctx }) => ctx.user) });
      const { url } = await listen(createServer({ router: ownRouter, createContext: nobody }));
      const line = closing(openLine<typeof ownRouter>({ url }));
      const transformer = {
        serialize: (value: unknown) => superjson.serialize(value),
        deserialize,
      };
      return failureOf(line.client({ transformer }).whoAmI.query());
    }

    it('is given what the formatter made, through the transformer', async () => {
      const error = await refused(() => formatted);
      expect(error).toMatchObject({ message: 'own words', shape: formatted, data: { at } });
      expect(lineError(error)).toMatchObject({ code: 'REJECTED', outcome: 'not-executed' });
    });

    it('is refused all the same where the formatter throws', async () => {
      const error = await refused(() => {
        throw new Error('the formatter is broken');
      });
      expect(error).toMatchObject({ shape: undefined, data: undefined });
      expect(lineError(error)).toMatchObject({ code: 'REJECTED', outcome: 'not-executed' });
    });

    it('was not executed either where its own transformer cannot read that', async () => {
      const error = await refused(
        () => formatted,
        () => {
          throw new Error('the transformer is broken');
        },
      );
      expect(lineError(error)).toMatchObject({ code: 'DECODING', outcome: 'not-executed' });
    });
  });
});

describe('the params of a line', () => {
  it.each([
    { name: 'a value', params: { token: 'a' } },
    { name: 'a function', params: () => ({ token: 'a' }) },
    { name: 'an async function', params: async () => ({ token: 'a' }) },
  ])('may be $name', async ({ params }) => {
    const { url, asked } = await admission(() => 'ada');
    const line = closing(openLine<Router>({ url, params }));
    await line.open();
    expect(asked).toEqual([{ token: 'a' }]);
  });

  it('may be left out', async () => {
    const { url, asked } = await admission(() => 'ada');
    await closing(openLine<Router>({ url })).open();
    expect(asked).toEqual([undefined]);
  });

  it('are asked for at each attempt, as the address is', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const server = await RawServer.listen();
    let count = 0;
    const line = closing(
      openLine({ url: () => `${server.url}?n=${++count}`, params: async () => ({ count }) }),
    );
    const peer = server.peers.next();
    begin(line);
    (await peer).webSocket.terminate();
    const [, , hello] = await (await server.peers.next()).welcome();
    expect(hello).toMatchObject({ params: { count: 2 } });
  });

  it.each([
    { name: 'throws', params: () => nobody() },
    { name: 'rejects', params: async () => nobody() },
  ])('that are made by a function that $name, are asked for again later', async ({ params }) => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { url } = await admission(() => 'ada');
    let fails = 2;
    const line = closing(openLine<Router>({ url, params: () => (fails-- > 0 ? params() : {}) }));
    const states = statesOf(line);
    expect(await line.client().whoAmI.query()).toBe('ada');
    const retryAtMs: unknown = expect.any(Number);
    const error = { code: 'OFFLINE', outcome: 'not-executed', message: 'who are you?' };
    expect(states).toEqual([
      { status: 'idle' },
      { status: 'connecting', attempt: 1 },
      { status: 'waiting', attempt: 1, retryAtMs, error },
      { status: 'connecting', attempt: 2 },
      { status: 'waiting', attempt: 2, retryAtMs, error },
      { status: 'connecting', attempt: 3 },
      { status: 'open', sessionId: expect.any(String) as string, resumed: 0 },
    ]);
  });

  it.each([
    { name: 'too large', params: 'x'.repeat(16_384), message: /params/ },
    { name: 'not JSON', params: 1n, message: /BigInt/i },
  ])('that are $name, are said to be so', async ({ params, message }) => {
    const { url, asked } = await admission(() => 'ada');
    const line = closing(openLine<Router>({ url, params }));
    begin(line);
    const { error } = await until(line, 'waiting');
    expect(error.message).toMatch(message);
    expect(asked).toEqual([]);
  });

  it('that the schema of the server refuses, end its calls with a shape that says so', async () => {
    const server = createServer({
      router,
      params: z.object({ token: z.string() }),
      createContext: ({ params }) => ({ user: params.token }),
    });
    const { url } = await listen(server);
    const line = closing(openLine<Router>({ url, params: { token: 7 } }));
    const error = await failureOf(line.client().whoAmI.query());
    expect(error).toMatchObject({ data: { code: 'BAD_REQUEST', httpStatus: 400 } });
    expect(lineError(error)).toMatchObject({ code: 'REJECTED', outcome: 'not-executed' });
    expect(line.state.get().status).toBe('closed');
  });

  it('that are still pending when the connection would be due, hold it up', async () => {
    const { url, asked } = await admission(() => 'ada');
    const { promise, resolve } = deferred<string>();
    const line = closing(openLine<Router>({ url, params: () => promise }));
    const call = line.client().whoAmI.query();
    await settled();
    expect([line.state.get(), asked]).toEqual([{ status: 'connecting', attempt: 1 }, []]);
    resolve('at last');
    expect(await call).toBe('ada');
    expect(asked).toEqual(['at last']);
  });
});

describe('a session that the server ends', () => {
  it('is not opened again, and says why', async () => {
    const sessions = new Queue<ContextOptions['session']>();
    const { url, asked } = await admission(({ session }) => {
      sessions.push(session);
      return 'ada';
    });
    const line = closing(openLine<Router>({ url }));
    const api = line.client();
    const call = failureOf(api.hang.mutate());
    const subscription = new Promise((onError) => {
      api.follow.subscribe(undefined, { onError, onData: () => session.end('signed out') });
    });
    const session = await sessions.next();
    const rejected = { code: 'REJECTED', outcome: 'not-executed', message: 'signed out' };
    expect(lineError(await call)).toEqual({
      code: 'SESSION_LOST',
      outcome: 'unknown',
      message: 'signed out',
    });
    expect(lineError(await subscription)).toEqual({ ...rejected, outcome: 'unknown' });
    expect(line.state.get()).toEqual({ status: 'closed', error: rejected });
    expect(asked.length).toBe(1);
  });
});

describe('a server that turns a client away', () => {
  it.each([
    { code: 'VERSION_UNSUPPORTED', retry: 'never', expected: 'closed' },
    { code: 'CODEC_UNSUPPORTED', retry: 'never', expected: 'closed' },
    { code: 'A_NEWER_CODE', retry: 'never', expected: 'closed' },
    { code: '__proto__', retry: 'never', expected: 'closed' },
    { code: 'TOO_MANY', retry: 'later', expected: 'waiting' },
    { code: 'A_NEWER_CODE', retry: 'later', expected: 'waiting' },
    { code: 'A_NEWER_CODE', retry: 'resume', expected: 'waiting' },
    // The class is obeyed, not what this side thinks of the code.
    { code: 'REJECTED', retry: 'later', expected: 'waiting' },
  ] as const)(
    'as $code to come again $retry, finds it $expected',
    async ({ code, retry, expected }) => {
      const server = await RawServer.listen();
      const line = closing(openLine<Router>({ url: server.url }));
      const call = line.client().whoAmI.query().catch(lineError);
      const peer = await server.peers.next();
      await peer.reject({ code, message: 'not you', retry, delayMs: 0 });
      const error = { code: 'REJECTED', outcome: 'not-executed', message: 'not you' };
      expect(await until(line, expected)).toMatchObject({ error });
      expect(await peer.closed).toBe(1000);
      await line.close();
      expect(await call).toEqual(
        expected === 'closed' ? error : { ...error, code: 'CLOSED', message: WORDS },
      );
    },
  );

  it('as one that may come afresh, is greeted once more on the same connection', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const call = line.client().whoAmI.query();
    const peer = await server.peers.next();
    const hellos = [await peer.gone(), await peer.welcome()].map(helloOf);
    expect(hellos.map(({ attempt, received }) => [attempt, received])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(hellos[1]?.sessionId).not.toBe(hellos[0]?.sessionId);
    await peer.messages.next();
    peer.send([TAG.result, 1, 'ada']);
    expect(await call).toBe('ada');
    expect(server.peers.length).toBe(0);
  });

  it('as one that may come afresh, again and again, finds it waiting', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    begin(line);
    const peer = await server.peers.next();
    await peer.gone();
    await peer.gone();
    expect(await until(line, 'waiting')).toMatchObject({
      attempt: 1,
      error: { code: 'REJECTED', outcome: 'not-executed', message: 'no such session' },
    });
    expect(await peer.closed).toBe(1000);
  });

  it('in a version that is not known here, is understood', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const call = failureOf(line.client().whoAmI.query());
    const peer = await server.peers.next();
    await peer.messages.next();
    const body = { code: 'VERSION_UNSUPPORTED', retry: 'never', more: [1] };
    peer.send([TAG.reject, 2, body, 'more']);
    expect(lineError(await call)).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: WORDS,
    });
  });

  describe('from an open line by a close code', () => {
    /** A line with a mutation under way, whose server closes with the code. */
    async function turnedAway(closeCode: number) {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const server = await RawServer.listen();
      const line = closing(openLine<Router>({ url: server.url }));
      const opened = line.open();
      const peer = await server.peers.next();
      const first = helloOf(await peer.welcome());
      await opened;
      const call = line.client().hang.mutate().catch(lineError);
      await peer.messages.next();
      peer.webSocket.close(closeCode, 'because');
      return { server, line, call, first };
    }
    const LOST = { code: 'SESSION_LOST', outcome: 'unknown', message: 'because' };

    it.each([4401, 4403, 4426, 4499])('%d for good, finds it closed', async (closeCode) => {
      const { server, line, call } = await turnedAway(closeCode);
      const error = { code: 'REJECTED', outcome: 'not-executed', message: 'because' };
      expect(await until(line, 'closed')).toEqual({ status: 'closed', error });
      expect(await call).toEqual(LOST);
      expect(server.peers.length).toBe(0);
    });

    it('1009 for a message too large for what is between, finds it ended: it is not sent again', async () => {
      const { server, line, call, first } = await turnedAway(1009);
      expect(await call).toEqual({ ...LOST, code: 'LIMIT' });
      const next = await (await server.peers.next()).welcome();
      expect(helloOf(next).sessionId).not.toBe(first.sessionId);
      await until(line, 'open');
    });

    it.each([1000, 4300, 4310, 4399])(
      '%d to come afresh, finds it in another session',
      async (closeCode) => {
        const { server, line, call, first } = await turnedAway(closeCode);
        const { error } = await until(line, 'waiting');
        expect(error).toEqual({ code: 'OFFLINE', outcome: 'not-executed', message: 'because' });
        expect(await call).toEqual(LOST);
        const next = helloOf(await (await server.peers.next()).welcome());
        expect(next).toMatchObject({ attempt: 1, received: 0 });
        expect(next.sessionId).not.toBe(first.sessionId);
        expect(await until(line, 'open')).toMatchObject({ sessionId: next.sessionId, resumed: 0 });
      },
    );

    it.each([1001, 1011, 3000, 4001, 4009, 4503, 4999])(
      '%d that does not end the session, finds it in the same one, and the call goes on',
      async (closeCode) => {
        const { server, line, call, first } = await turnedAway(closeCode);
        const { error } = await until(line, 'waiting');
        expect(error).toEqual({ code: 'OFFLINE', outcome: 'not-executed', message: 'because' });
        const peer = await server.peers.next();
        const next = helloOf(await peer.welcome({ received: 1 }));
        expect(next).toMatchObject({ sessionId: first.sessionId, attempt: 2, received: 0 });
        expect(await until(line, 'open')).toMatchObject({ sessionId: first.sessionId, resumed: 1 });
        peer.send([TAG.result, 1, 'answered']);
        expect(await call).toBe('answered');
        expect(peer.messages.length).toBe(0);
      },
    );
  });
});
