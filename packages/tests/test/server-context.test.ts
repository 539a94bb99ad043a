import { isAnswered, lineError, outcomeOf, type LineState } from '@openline/client';
import {
  createServer,
  once,
  type ContextOptions,
  type ErrorReport,
  type Session,
} from '@openline/server';
import type { TRPCClientError } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GOAWAY, HELLO, helloBody, RawClient, REJECT, token } from './server-raw.ts';
import {
  aborted,
  connect,
  eventually,
  failureOf,
  Follower,
  Gate,
  leaveNoSocket,
  lineTo,
  pathTaken,
  runBy,
  RUNNER_PATHS,
  serve,
} from './server-support.ts';

beforeEach(leaveNoSocket);

describe.each(RUNNER_PATHS)('the params of a client, by %s', (path) => {
  const t = runBy(path, initTRPC.context<{ params: unknown }>().create());
  const router = t.router({ params: t.procedure.query(({ ctx }) => ctx.params) });

  it('are in the context as the schema of the server makes them', async () => {
    const params = z.object({
      token: z.string().transform(async (text) => text.length),
      locale: z.string().default('en'),
    });
    const createContext = (options: ContextOptions<z.output<typeof params>>) => ({
      params: { ...options.params, twice: 2 * options.params.token },
    });
    const server = createServer({ router, params, createContext });
    const { url } = await serve(server);
    const { line } = lineTo<typeof server>(url, { token: 'abc', more: 1 });
    expect(await line.client().params.query()).toEqual({ token: 3, locale: 'en', twice: 6 });
  });

  it('are in the context as they were sent where there is no schema', async () => {
    const server = createServer({ router, createContext: ({ params }) => ({ params }) });
    const { url } = await serve(server);
    const { line } = lineTo<typeof server>(url, { any: ['thing', null] });
    expect(await line.client().params.query()).toEqual({ any: ['thing', null] });
    const without = lineTo<typeof server>(url);
    expect(await without.line.client().params.query()).toBe(undefined);
  });

  it('that the schema refuses, refuse the client', async () => {
    let contexts = 0;
    const params = z.object({ token: z.string() });
    const createContext = () => ({ params: contexts++ });
    const server = createServer({ router, params, createContext });
    const { url } = await serve(server);
    const { line } = lineTo<typeof server>(url, { token: 1 });
    const error = (await failureOf(line.client().params.query())) as TRPCClientError<typeof router>;
    expect(isAnswered(error)).toBe(true);
    expect(error.data?.code).toBe('BAD_REQUEST');
    expect(line.state.get()).toMatchObject({ status: 'closed', error: { code: 'REJECTED' } });
    expect(contexts).toBe(0);
  });
});

describe.each(RUNNER_PATHS)('the context, by %s', (path) => {
  const t = runBy(path, initTRPC.context<{ made: number }>().create());
  const router = t.router({ made: t.procedure.query(({ ctx }) => ctx.made) });

  it('is made once for a connection, and for each connection anew', async () => {
    let made = 0;
    const server = createServer({ router, createContext: async () => ({ made: ++made }) });
    const { line, url, cut } = await connect(server);
    const api = line.client();
    expect(await Promise.all([api.made.query(), api.made.query()])).toEqual([1, 1]);
    const { line: other } = lineTo<typeof server>(url);
    expect(await other.client().made.query()).toBe(2);
    expect(await api.made.query()).toBe(1);
    const lost = new Promise<LineState>((resolve) => line.state.subscribe(resolve));
    cut();
    expect((await lost).status).toBe('waiting');
    expect(await api.made.query()).toBe(3);
  });

  it('is made of the facts of the connection', async () => {
    const facts: ContextOptions[] = [];
    const server = createServer({
      router,
      createContext: (options) => ({ made: facts.push(options) }),
    });
    const { line, port } = await connect(server);
    await line.open();
    const { session, connection, params, reason, signal } = facts[0]!;
    expect(session.id).toBe((line.state.get() as LineState & { status: 'open' }).sessionId);
    expect(session.signal.aborted).toBe(false);
    expect({ params, reason, aborted: signal.aborted }).toEqual({
      params: undefined,
      reason: 'open',
      aborted: false,
    });
    expect(connection.transport).toBe('ws');
    expect(connection.remoteAddress).toBe('127.0.0.1');
    expect(connection.request?.url).toBe('/rpc');
    expect(connection.request?.headers.host).toBe(`127.0.0.1:${port}`);
  });

  it('is waited for by calls', async () => {
    const gate = new Gate<{ made: number }>();
    const server = createServer({ router, createContext: () => gate.promise });
    const { line } = await connect(server);
    const call = line.client().made.query();
    await eventually(() => expect(line.state.get().status).toBe('connecting'));
    gate.open({ made: 7 });
    expect(await call).toBe(7);
  });

  it('is not waited for when the connection is lost: then its signal aborts', async () => {
    const asked = new Gate<ContextOptions>();
    const gate = new Gate<{ made: number }>();
    const server = createServer({
      router,
      createContext: (options) => (asked.open(options), gate.promise),
    });
    const { line, cut } = await connect(server);
    const call = failureOf(line.client().made.query());
    const { signal, session } = await asked.promise;
    expect(signal.aborted).toBe(false);
    cut();
    await aborted(signal);
    expect(session.signal.aborted).toBe(true);
    gate.open({ made: 1 }); // Too late for that connection, in time for the next.
    void line.close();
    await call;
  });
});

describe('a client that createContext refuses', () => {
  const t = initTRPC.create({
    transformer: superjson,
    isDev: false,
    errorFormatter: ({ shape, error, type, path }) => ({
      code: shape.code,
      message: error.code === 'INTERNAL_SERVER_ERROR' ? 'something went wrong' : shape.message,
      data: { code: error.code, type, path, at: new Date(5) },
    }),
  });
  const router = t.router({ it: t.procedure.query(() => 1) });

  function refusing(cause: unknown, onError?: (report: ErrorReport) => void) {
    const createContext = (): object => {
      throw cause;
    };
    return createServer({ router, createContext, onError });
  }

  it('is told so in the shape of any other error, and does not come back', async () => {
    const { line } = await connect(
      refusing(new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' })),
    );
    const api = line.client({ transformer: superjson });
    const errors = await Promise.all([failureOf(api.it.query()), failureOf(line.open())]);
    const waiting = errors[0] as TRPCClientError<typeof router>;
    expect(isAnswered(waiting)).toBe(true);
    expect(waiting.shape).toEqual({
      code: -32001,
      message: 'who are you?',
      data: { code: 'UNAUTHORIZED', type: 'unknown', path: undefined, at: new Date(5) },
    });
    const error = {
      ...{
        code: 'REJECTED',
        outcome: 'not-executed',
        message: 'who are you?',
        retryAfterMs: undefined,
      },
    };
    expect(errors.map(lineError)).toEqual([error, error]);
    expect(line.state.get()).toEqual({ status: 'closed', error });
    const later = await failureOf(api.it.query());
    expect((later as TRPCClientError<typeof router>).data?.code).toBe('UNAUTHORIZED');
  });

  const trpcError = (code: TRPCError['code']) => () => new TRPCError({ code, message: 'words' });

  it.each([
    { what: 'UNAUTHORIZED', make: trpcError('UNAUTHORIZED'), retry: 'never' },
    { what: 'FORBIDDEN', make: trpcError('FORBIDDEN'), retry: 'never' },
    { what: 'BAD_REQUEST', make: trpcError('BAD_REQUEST'), retry: 'never' },
    { what: 'NOT_FOUND', make: trpcError('NOT_FOUND'), retry: 'never' },
    { what: 'TOO_MANY_REQUESTS', make: trpcError('TOO_MANY_REQUESTS'), retry: 'later' },
    { what: 'TIMEOUT', make: trpcError('TIMEOUT'), retry: 'later' },
    { what: 'SERVICE_UNAVAILABLE', make: trpcError('SERVICE_UNAVAILABLE'), retry: 'later' },
    { what: 'an error', make: () => new Error('password=1234'), retry: 'later' },
    { what: 'a text', make: () => 'password=1234', retry: 'later' },
    { what: 'undefined', make: () => undefined, retry: 'later' },
    { what: 'null', make: () => null, retry: 'later' },
    { what: 'no message', make: () => ({ message: Symbol('no text') }), retry: 'later' },
    { what: 'what cannot be looked at', make: explosive, retry: 'later' },
  ])('by throwing $what, may come again: $retry', async ({ make, retry }) => {
    const thrown = make();
    const { url } = await serve(refusing(thrown));
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody()]);
    const message = thrown instanceof TRPCError ? 'words' : 'something went wrong';
    expect(await client.hears(REJECT)).toEqual([
      REJECT,
      1,
      {
        code: retry === 'later' ? 'UNAVAILABLE' : 'REJECTED',
        message,
        retry,
        delayMs: retry === 'later' ? 1_000 : 0,
        shape: { json: expect.objectContaining({ message }), meta: expect.anything() },
      },
    ]);
    expect(await client.closed).toEqual({
      code: retry === 'later' ? 4504 : 4401,
      reason: message,
    });
  });

  it('for now, comes again by itself, and its calls wait', async () => {
    let attempts = 0;
    const createContext = () => {
      if (attempts++ === 0) throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: 'slowly' });
      return {};
    };
    const { line } = await connect(createServer({ router, createContext }));
    const call = line.client({ transformer: superjson }).it.query();
    await eventually(() =>
      expect(line.state.get()).toMatchObject({
        status: 'waiting',
        error: { code: 'REJECTED', message: 'slowly', retryAfterMs: 1_000 },
      }),
    );
    expect(await call).toBe(1);
    expect(attempts).toBe(2);
  });

  it('is reported to onError', async () => {
    const thrown = new Error('database');
    const reports: ErrorReport[] = [];
    const { line } = await connect(refusing(thrown, (report) => reports.push(report)));
    void line.open().catch(() => {});
    await eventually(() => expect(reports.length).toBe(1));
    const [{ error, session, ...report }] = reports as [ErrorReport];
    expect(report).toEqual({ type: 'unknown', path: undefined, input: undefined, ctx: undefined });
    expect(error.cause).toBe(thrown);
    expect(session?.signal.aborted).toBe(true);
  });

  it.each<{ what: string; options: object }>([
    {
      what: 'the formatter throws',
      options: {
        errorFormatter: () => {
          throw new Error('from the formatter');
        },
      },
    },
    {
      what: 'the transformer throws',
      options: {
        transformer: {
          serialize: () => {
            throw new Error('from the transformer');
          },
          deserialize: (value: unknown) => value,
        },
      },
    },
    {
      what: 'the codec cannot carry the shape',
      options: { errorFormatter: () => ({ message: 'big', code: -32001, data: 1n }) },
    },
  ])('is refused also when $what', async ({ options }) => {
    const s = initTRPC.create(options);
    const reports: ErrorReport[] = [];
    const server = createServer({
      router: s.router({ it: s.procedure.query(() => 1) }),
      createContext: (): object => {
        throw new TRPCError({ code: 'UNAUTHORIZED', message: 'secret' });
      },
      onError: (report) => reports.push(report),
    });
    const { url } = await serve(server);
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody()]);
    expect(await client.closed).toEqual({
      code: 4401,
      reason: 'the application refused the client',
    });
    expect(await client.hears(REJECT)).toEqual([
      REJECT,
      1,
      {
        code: 'REJECTED',
        message: 'the application refused the client',
        retry: 'never',
        delayMs: 0,
      },
    ]);
    expect(reports.map(({ error }) => error.code)).toEqual([
      'UNAUTHORIZED',
      'INTERNAL_SERVER_ERROR',
    ]);
  });

  it('in more words than fit into a goodbye, gets them whole in the shape', async () => {
    const message = '𝄞'.repeat(2_000);
    const { line } = await connect(refusing(new TRPCError({ code: 'FORBIDDEN', message })));
    const call = failureOf(line.client({ transformer: superjson }).it.query());
    expect(((await call) as Error).message).toBe(message);
  });

  it('in more words than fit into an answer, gets their beginning', async () => {
    const message = '𝄞'.repeat(20_000);
    const { line } = await connect(refusing(new TRPCError({ code: 'FORBIDDEN', message })));
    const error = await failureOf(line.client({ transformer: superjson }).it.query());
    expect(lineError(error)).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: '𝄞'.repeat(30),
      retryAfterMs: undefined,
    });
  });
});

describe.each(RUNNER_PATHS)('a session, by %s', (path) => {
  const t = runBy(path, initTRPC.context<{ session: Session }>().create());
  const router = t.router({
    now: t.procedure.query(() => 'now'),
    end: t.procedure
      .input(z.string().optional())
      .mutation(({ ctx, input }) =>
        input === undefined ? ctx.session.end() : ctx.session.end(input),
      ),
    // Later than what was asked for in the same message, and in the same turn of the loop.
    endSoon: t.procedure.mutation(async ({ ctx }) => {
      for (let turns = 0; turns < 50; turns++) await Promise.resolve();
      ctx.session.end();
    }),
    wait: t.procedure.mutation(({ ctx }) => aborted(ctx.session.signal)),
    ask: t.procedure.query(({ ctx }) => aborted(ctx.session.signal)),
    pay: t.procedure.concat(once).mutation(({ ctx }) => aborted(ctx.session.signal)),
    follow: t.procedure.subscription(async function* ({ ctx }) {
      yield 'first';
      await aborted(ctx.session.signal);
    }),
    path: t.procedure.query(pathTaken),
  });

  it('is given to a procedure that is run so', async () => {
    const { server } = recorded();
    const { line } = await connect(server);
    expect(await line.client().path.query()).toBe(path);
  });

  function recorded() {
    const sessions: Session[] = [];
    const server = createServer({
      router,
      createContext: ({ session }) => (sessions.push(session), { session }),
    });
    return { server, sessions };
  }

  it.each<{ how: string; end: (it: Ending) => unknown }>([
    { how: 'the line is closed', end: ({ line }) => line.close() },
    { how: 'the connection is lost', end: ({ cut }) => cut() },
    { how: 'the application ends it', end: ({ session }) => session.end() },
    { how: 'the server is closed', end: ({ server }) => server.close() },
  ])('is over when $how', async ({ end }) => {
    const { server, sessions } = recorded();
    const { line, cut } = await connect(server);
    await line.open();
    const [session] = sessions as [Session];
    const { signal } = session;
    expect(signal.aborted).toBe(false);
    await end({ line, cut, server, session });
    await aborted(signal);
    expect(session.signal).toBe(signal);
    session.end(); // Nothing more happens.
  });

  it('that the application ends, ends the calls under way, and the client stays away', async () => {
    const { server, sessions } = recorded();
    const { line } = await connect(server);
    const api = line.client();
    const calls = [failureOf(api.wait.mutate()), failureOf(api.end.mutate('enough'))];
    expect((await Promise.all(calls)).map(lineError)).toEqual([
      { code: 'SESSION_LOST', outcome: 'unknown', message: 'enough' },
      { code: 'SESSION_LOST', outcome: 'unknown', message: 'enough' },
    ]);
    expect(line.state.get()).toEqual({
      status: 'closed',
      error: { code: 'REJECTED', outcome: 'not-executed', message: 'enough' },
    });
    expect(outcomeOf(await failureOf(api.now.query()))).toBe('not-executed');
    expect(sessions.length).toBe(1);
    await line.open();
    expect(await api.now.query()).toBe('now');
    expect(sessions.length).toBe(2);
    expect(sessions[1]?.id).not.toBe(sessions[0]?.id);
  });

  it.each(['connected', 'away'])(
    'that the application ends while its client is %s, ends each kind of call, and none is made again',
    async (where) => {
      const { server, sessions } = recorded();
      const { line, cut } = await connect(server);
      const api = line.client();
      const follower = new Follower<string>();
      api.follow.subscribe(undefined, follower.callbacks);
      const calls = [api.ask.query(), api.wait.mutate(), api.pay.mutate()].map(failureOf);
      await eventually(() => expect(follower.log).toEqual(['started', 'first']));
      if (where === 'away') cut();
      sessions[0]!.end('enough');
      const code = where === 'away' ? 'REJECTED' : 'SESSION_LOST';
      const unknown = expect.objectContaining({ code, outcome: 'unknown', message: 'enough' });
      expect((await Promise.all(calls)).map(lineError)).toEqual([unknown, unknown, unknown]);
      expect(follower.log.slice(2)).toEqual([{ error: expect.anything() }]);
      const [{ error }] = follower.log.slice(2) as [{ readonly error: unknown }];
      expect(lineError(error)).toMatchObject({ code: 'REJECTED', message: 'enough' });
      expect(line.state.get().status).toBe('closed');
      expect(sessions.length).toBe(1);
    },
  );

  it('that the application ends, still says what was answered before', async () => {
    const { server } = recorded();
    const { line } = await connect(server);
    await line.open();
    const api = line.client();
    const [now, end] = await Promise.allSettled([api.now.query(), api.endSoon.mutate()]);
    expect(now).toEqual({ status: 'fulfilled', value: 'now' });
    expect(end.status).toBe('rejected');
  });

  it('that is ended while its context is made, refuses the client in the same words', async () => {
    const server = createServer({
      router,
      createContext: async ({ session }) => (session.end('not today'), { session }),
    });
    const { url } = await serve(server);
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody()]);
    expect(await client.closed).toEqual({ code: 4403, reason: 'not today' });
    expect(await client.hears(REJECT)).toMatchObject([REJECT, 1, { code: 'SESSION_ENDED' }]);
  });

  it('cannot be had twice, nor by a client that has no part in it', async () => {
    const { server, sessions } = recorded();
    const { url } = await serve(server);
    const sessionId = token();
    const first = await RawClient.welcomed(url, { sessionId });
    const gone = { code: 'SESSION_GONE', message: 'no such session is held here' };
    for (const changes of [{ sessionId }, { sessionId, attempt: 2 }, { attempt: 2 }]) {
      const second = await RawClient.connect(url);
      second.say([HELLO, 1, helloBody(changes)]);
      expect(await second.hears(REJECT)).toEqual([
        ...[REJECT, 1, { ...gone, retry: 'afresh', delayMs: 0 }],
      ]);
      second.say([HELLO, 1, helloBody(changes)]);
      expect(await second.closed).toEqual({ code: 4310, reason: gone.message });
      expect(second.heard.length).toBe(2);
    }
    expect(sessions.map(({ signal }) => signal.aborted)).toEqual([false]);
    expect(first.webSocket.readyState).toBe(first.webSocket.OPEN);
  });

  it('of a server that leaves, is told before the goodbye when to come back', async () => {
    const { server } = recorded();
    const { url } = await serve(server);
    const clients = [await RawClient.welcomed(url), await RawClient.welcomed(url)];
    await server.close();
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 4501, reason: 'the server leaves' });
      expect(client.heard.at(-1)).toEqual([GOAWAY, { spreadMs: 4 }]);
    }
  });
});

interface Ending {
  readonly line: { close(): Promise<void> };
  readonly cut: () => void;
  readonly server: { close(): Promise<void> };
  readonly session: Session;
}

/** Something to throw that throws when it is looked at. */
function explosive(): object {
  return new Proxy(
    {},
    {
      get: () => {
        throw new Error('looked at');
      },
      ownKeys: () => {
        throw new Error('looked at');
      },
    },
  );
}
