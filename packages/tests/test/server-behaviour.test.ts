import { callOptions, isAnswered, lineError, outcomeOf } from '@openline/client';
import { createServer, type ErrorReport, type Session } from '@openline/server';
import { TRPCClientError } from '@trpc/client';
import { initTRPC, lazy, tracked, TRPCError } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import superjson from 'superjson';
import { beforeEach, describe, expect, it } from 'vitest';
import { z, ZodError } from 'zod';
import {
  aborted,
  connect,
  eventually,
  failureOf,
  Follower,
  Gate,
  leaveNoSocket,
  pathTaken,
  runBy,
  RUNNER_PATHS,
} from './server-support.ts';

beforeEach(leaveNoSocket);

describe.each(RUNNER_PATHS)('a server that runs procedures by %s', (path) => {
  it('runs each kind by that one', async () => {
    const t = runBy(path, initTRPC.create());
    const router = t.router({
      query: t.procedure.query(pathTaken),
      mutation: t.procedure.mutation(pathTaken),
      subscription: t.procedure.subscription(() => items(pathTaken())),
    });
    const { line } = await connect(createServer({ router }));
    const api = line.client();
    expect(await api.query.query()).toBe(path);
    expect(await api.mutation.mutate()).toBe(path);
    expect(await listOf(api.subscription.subscribe())).toEqual([path]);
  });

  describe('answers a query or mutation', () => {
    it('with what its procedure made of the input', async () => {
      const t = runBy(path, initTRPC.create());
      const Pair = z.object({ a: z.number(), b: z.number().default(1) });
      const log: string[] = [];
      const router = t.router({
        sum: t.procedure.input(Pair).query(({ input }) => input.a + input.b),
        deep: { er: { note: t.procedure.input(z.string()).mutation((it) => log.push(it.input)) } },
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      expect(await api.sum.query({ a: 1 })).toBe(2);
      expect(await api.deep.er.note.mutate('noted')).toBe(1);
      expect(log).toEqual(['noted']);
    });

    it.each([undefined, null, '', 0, false, [], {}, 'ü – 𝄞', [[null]], 'a'.repeat(300_000)])(
      'with %j, if that is what it gives',
      async (value) => {
        const t = runBy(path, initTRPC.create());
        const router = t.router({ it: t.procedure.input(z.any()).query(({ input }) => input) });
        const { line } = await connect(createServer({ router }));
        expect(await line.client().it.query(value)).toEqual(value);
      },
    );

    it('as soon as it has settled, whatever was asked before', async () => {
      const t = runBy(path, initTRPC.create());
      const gate = new Gate();
      const router = t.router({
        slow: t.procedure.query(() => gate.promise.then(() => 'slow')),
        fast: t.procedure.query(() => 'fast'),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      const slow = api.slow.query();
      expect(await api.fast.query()).toBe('fast');
      gate.open();
      expect(await slow).toBe('slow');
    });
  });

  describe('gives a subscriber', () => {
    it('what an async generator yields, and its end', async () => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        to: t.procedure.input(z.number()).subscription(async function* ({ input }) {
          for (let i = 1; i <= input; i++) yield i;
        }),
      });
      const { line } = await connect(createServer({ router }));
      const follower = new Follower<number>();
      line.client().to.subscribe(3, follower.callbacks);
      await eventually(() => expect(follower.log).toEqual(['started', 1, 2, 3, 'complete']));
    });

    it('what an observable emits, and its end', async () => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        it: t.procedure.subscription(() =>
          observable<number>((observer) => {
            for (const value of [1, 2, 3]) observer.next(value);
            observer.complete();
          }),
        ),
      });
      const { line } = await connect(createServer({ router }));
      const follower = new Follower<number>();
      line.client().it.subscribe(undefined, follower.callbacks);
      await eventually(() => expect(follower.log).toEqual(['started', 1, 2, 3, 'complete']));
    });

    it('items of 200 kB, each whole and in order', async () => {
      const t = runBy(path, initTRPC.create());
      const large = [...'abcdefghij'].map((letter) => letter.repeat(200_000));
      const router = t.router({ it: t.procedure.subscription(() => items(...large)) });
      const { line } = await connect(createServer({ router }));
      expect(await listOf(line.client().it.subscribe())).toEqual(large);
    });

    it('the start before the first item is there', async () => {
      const t = runBy(path, initTRPC.create());
      const gate = new Gate<string>();
      const router = t.router({
        it: t.procedure.subscription(async function* () {
          yield await gate.promise;
        }),
      });
      const { line } = await connect(createServer({ router }));
      const follower = new Follower<string>();
      line.client().it.subscribe(undefined, follower.callbacks);
      await eventually(() => expect(follower.log).toEqual(['started']));
      gate.open('item');
      await eventually(() => expect(follower.log).toEqual(['started', 'item', 'complete']));
    });

    it('tracked items with their ids', async () => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        it: t.procedure.subscription(() => items(tracked('a', { n: 1 }), tracked('b', { n: 2 }))),
      });
      const { line } = await connect(createServer({ router }));
      expect(await listOf(line.client().it.subscribe())).toEqual([
        { id: 'a', data: { n: 1 } },
        { id: 'b', data: { n: 2 } },
      ]);
    });

    it('all of one run over as many connections as it takes, each item once', async () => {
      const t = runBy(path, initTRPC.create());
      const gates = [new Gate(), new Gate()];
      let runs = 0;
      const router = t.router({
        it: t.procedure.subscription(async function* () {
          runs++;
          for (const gate of gates) {
            yield tracked('1', 'with an id');
            yield 'without';
            await gate.promise;
          }
        }),
      });
      const { line, cut } = await connect(createServer({ router }));
      const follower = new Follower<unknown>();
      line.client().it.subscribe(undefined, follower.callbacks);
      const both = [{ id: '1', data: 'with an id' }, 'without'];
      const expected: unknown[] = ['started', ...both];
      await eventually(() => expect(follower.log).toEqual(expected));
      for (const gate of gates) {
        cut();
        gate.open(); // What follows is given while there is no connection.
        expected.push('started', ...(gate === gates[0] ? both : ['complete']));
        await eventually(() => expect(follower.log).toEqual(expected));
      }
      expect(line.state.get()).toMatchObject({ status: 'open', resumed: 2 });
      expect(runs).toBe(1);
    });

    it('after a lost session what follows the last tracked item', async () => {
      const t = runBy(path, initTRPC.create());
      const Input = z.object({ room: z.string(), lastEventId: z.string().nullish() });
      const seen: z.output<typeof Input>[] = [];
      const router = t.router({
        it: t.procedure.input(Input).subscription(async function* ({ input, signal }) {
          seen.push(input);
          const first = Number(input.lastEventId ?? 0) + 1;
          for (let n = first; n < first + 2; n++) yield tracked(String(n), n);
          yield 'untracked';
          await aborted(signal);
        }),
      });
      const { line, cut } = await connect(createServer({ router, resume: { windowMs: 0 } }));
      const follower = new Follower<unknown>();
      line.client().it.subscribe({ room: 'r' }, follower.callbacks);
      await eventually(() => expect(follower.log.length).toBe(4));
      cut();
      await eventually(() => expect(follower.log.length).toBe(8));
      expect(seen).toEqual([{ room: 'r' }, { room: 'r', lastEventId: '2' }]);
      expect(follower.log).toEqual([
        ...['started', { id: '1', data: 1 }, { id: '2', data: 2 }, 'untracked'],
        ...['started', { id: '3', data: 3 }, { id: '4', data: 4 }, 'untracked'],
      ]);
    });

    it.each([
      { what: 'a value', value: 1 },
      { what: 'an array', value: [1] },
      { what: 'nothing', value: undefined },
    ])('an error, where the procedure returns $what', async ({ value }) => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({ it: t.procedure.subscription(() => value as never) });
      const { line } = await connect(createServer({ router }));
      const error = await failureOf(listOf(line.client().it.subscribe()));
      expect(codeOf(error)).toBe('INTERNAL_SERVER_ERROR');
    });
  });

  describe.each(['query', 'mutation'] as const)('given a %s that returns', (kind) => {
    it.each([{ what: 'an observable', make: () => observable(() => {}) as never }])(
      '$what, says that this is not supported',
      async ({ make }) => {
        const t = runBy(path, initTRPC.create());
        const router = t.router({
          query: t.procedure.query(make),
          mutation: t.procedure.mutation(make),
        });
        const { line } = await connect(createServer({ router }));
        const api = line.client();
        const error = await failureOf(kind === 'query' ? api.query.query() : api.mutation.mutate());
        expect(codeOf(error)).toBe('UNSUPPORTED_MEDIA_TYPE');
      },
    );
  });

  describe('through a lazy router', () => {
    it('answers the first call, which loads it, and those that follow', async () => {
      const t = runBy(path, initTRPC.create());
      let loads = 0;
      const load = async () => {
        loads++;
        return t.router({ it: t.procedure.query(() => 'loaded') });
      };
      const router = t.router({ deep: { er: lazy(load) } });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      expect(await Promise.all([api.deep.er.it.query(), api.deep.er.it.query()])).toEqual([
        'loaded',
        'loaded',
      ]);
      expect(await api.deep.er.it.query()).toBe('loaded');
      expect(loads).toBe(1);
    });

    it('reports that it cannot be loaded, and goes on', async () => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        broken: lazy(async (): Promise<typeof whole> => {
          throw new Error('no such file');
        }),
        it: t.procedure.query(() => 1),
      });
      const whole = t.router({ it: t.procedure.query(() => 1) });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      expect(codeOf(await failureOf(api.broken.it.query()))).toBe('INTERNAL_SERVER_ERROR');
      expect(await api.it.query()).toBe(1);
    });
  });

  describe('through middlewares', () => {
    it('passes context, input and what comes back', async () => {
      const t = runBy(path, initTRPC.context<{ user: string }>().create());
      const log: unknown[] = [];
      const procedure = t.procedure
        .use(async ({ ctx, path: at, type, next }) => {
          const result = await next({ ctx: { role: `${ctx.user}'s role` } });
          log.push(at, type, result.ok);
          return result;
        })
        .input(z.string())
        .use(({ ctx, input, next }) => next({ ctx: { seen: `${ctx.role}, ${input}` } }));
      const router = t.router({
        it: procedure.query(({ ctx }) => ctx),
        throws: procedure.query((): void => {
          throw new TRPCError({ code: 'CONFLICT' });
        }),
      });
      const createContext = () => ({ user: 'Ada' });
      const { line } = await connect(createServer({ router, createContext }));
      const api = line.client();
      expect(await api.it.query('in')).toEqual({
        user: 'Ada',
        role: "Ada's role",
        seen: "Ada's role, in",
      });
      expect(codeOf(await failureOf(api.throws.query('in')))).toBe('CONFLICT');
      expect(log).toEqual(['it', 'query', true, 'throws', 'query', false]);
    });

    it('does not run a procedure that one of them keeps away', async () => {
      const t = runBy(path, initTRPC.create());
      let runs = 0;
      const guarded = t.procedure.use(() => {
        throw new TRPCError({ code: 'FORBIDDEN', message: 'not you' });
      });
      const router = t.router({
        query: guarded.query(() => runs++),
        subscription: guarded.subscription(() => items(runs++)),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      expect(codeOf(await failureOf(api.query.query()))).toBe('FORBIDDEN');
      const error = await failureOf(listOf(api.subscription.subscribe()));
      expect(messageOf(error)).toBe('not you');
      expect(runs).toBe(0);
    });
  });

  describe('with an output validator', () => {
    it('answers with what that makes of the result', async () => {
      const t = runBy(path, initTRPC.create());
      const Public = z.object({ name: z.string().toUpperCase() });
      const router = t.router({
        it: t.procedure.output(Public).query(() => ({ name: 'ada', password: 'secret' })),
      });
      const { line } = await connect(createServer({ router }));
      expect(await line.client().it.query()).toEqual({ name: 'ADA' });
    });

    it('answers with an error for a result that it refuses, and with nothing of the result', async () => {
      const t = runBy(path, initTRPC.create({ isDev: false }));
      const router = t.router({
        it: t.procedure.output(z.number()).query(() => 'secret' as unknown as number),
      });
      const { line } = await connect(createServer({ router }));
      const error = await failureOf(line.client().it.query());
      expect(codeOf(error)).toBe('INTERNAL_SERVER_ERROR');
      expect(JSON.stringify((error as TRPCClientError<never>).shape)).not.toContain('secret');
    });

    it('lets each item of a subscription through it, and ends at one that it refuses', async () => {
      const t = runBy(path, initTRPC.create());
      const Items = z.custom<AsyncIterable<unknown>>().transform(async function* (source) {
        for await (const item of source) yield z.number().parse(item);
      });
      const router = t.router({
        it: t.procedure.output(Items).subscription(() => items<unknown>(1, 2, 'three', 4)),
      });
      const { line } = await connect(createServer({ router }));
      const follower = new Follower<unknown>();
      line.client().it.subscribe(undefined, follower.callbacks);
      await eventually(() =>
        expect(follower.log).toEqual(['started', 1, 2, { error: expect.any(TRPCClientError) }]),
      );
    });
  });

  describe('answers an error', () => {
    it.each(['query', 'mutate', 'subscribe'] as const)(
      'of a call to no procedure, by %s',
      async (method) => {
        const t = runBy(path, initTRPC.create());
        const router = t.router({ it: t.procedure.query(() => 1) });
        const { line } = await connect(createServer({ router }));
        const api = line.client() as unknown as Record<
          string,
          Record<typeof method, (...input: unknown[]) => Promise<unknown>>
        >;
        const call = (name: string) =>
          method === 'subscribe'
            ? listOf(api[name]!.subscribe() as unknown as AsyncIterable<unknown>)
            : api[name]![method]();
        expect(codeOf(await failureOf(call('nothing')))).toBe('NOT_FOUND');
        if (method !== 'query') expect(codeOf(await failureOf(call('it')))).toBe('NOT_FOUND');
      },
    );

    it('as the formatter of the router shapes it', async () => {
      const t = runBy(
        path,
        initTRPC.create({
          isDev: false,
          errorFormatter: ({ shape, error, path: at, type, input }) => ({
            message: `formatted: ${shape.message}`,
            code: shape.code,
            data: {
              at,
              type,
              input,
              refused: error.cause instanceof ZodError ? error.cause.issues.length : 0,
            },
          }),
        }),
      );
      const router = t.router({
        query: t.procedure.input(z.object({ a: z.string(), b: z.string() })).query(() => 1),
        mutation: t.procedure.mutation((): void => {
          throw new TRPCError({ code: 'CONFLICT', message: 'taken' });
        }),
        subscription: t.procedure.subscription(async function* () {
          yield 1;
          throw new TRPCError({ code: 'PRECONDITION_FAILED', message: 'over' });
        }),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client();

      const refused = await failureOf(api.query.query({ a: 1 } as never));
      expect(isAnswered(refused as TRPCClientError<typeof router>)).toBe(true);
      expect((refused as TRPCClientError<typeof router>).data).toEqual({
        at: 'query',
        type: 'query',
        input: { a: 1 },
        refused: 2,
      });
      const taken = await failureOf(api.mutation.mutate());
      expect((taken as TRPCClientError<typeof router>).shape).toEqual({
        message: 'formatted: taken',
        code: -32009,
        data: { at: 'mutation', type: 'mutation', refused: 0 },
      });
      const follower = new Follower<number>();
      api.subscription.subscribe(undefined, follower.callbacks);
      await eventually(() => expect(follower.log.length).toBe(3));
      const { error } = follower.log[2] as { readonly error: TRPCClientError<typeof router> };
      expect(error.shape).toEqual({
        message: 'formatted: over',
        code: -32012,
        data: { at: 'subscription', type: 'subscription', refused: 0 },
      });
      expect([refused, taken, error].map(outcomeOf)).toEqual(['failed', 'failed', 'failed']);
    });

    it('as the formatter of the procedure shapes it', async () => {
      const t = runBy(path, initTRPC.create());
      const procedure = t.procedure.errors(({ error, shape }) =>
        error.code === 'CONFLICT' ? { ...shape, data: { left: 3 } } : undefined,
      );
      const conflict = () => new TRPCError({ code: 'CONFLICT', message: 'sold out' });
      const router = t.router({
        buy: procedure.input(z.string()).mutation((): void => {
          throw conflict();
        }),
        watch: procedure.subscription(async function* () {
          yield 1;
          throw conflict();
        }),
        observe: procedure.subscription(() =>
          observable<number>((observer) => {
            observer.next(1);
            observer.error(conflict());
          }),
        ),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      const own = { data: { left: 3 }, message: 'sold out' };
      expect(shapeOf(await failureOf(api.buy.mutate('id')))).toMatchObject(own);
      expect(shapeOf(await failureOf(listOf(api.watch.subscribe())))).toMatchObject(own);
      expect(shapeOf(await failureOf(listOf(api.observe.subscribe())))).toMatchObject(own);
      const refused = await failureOf(api.buy.mutate(1 as never));
      expect(shapeOf(refused)).toMatchObject({ data: { code: 'BAD_REQUEST' } });
    });

    it.each(['query', 'mutation', 'subscription'] as const)(
      'of a %s whose result its codec cannot carry',
      async (kind) => {
        const t = runBy(path, initTRPC.create());
        const router = t.router({
          query: t.procedure.query(() => 1n),
          mutation: t.procedure.mutation(() => 1n),
          subscription: t.procedure.subscription(() => items(1n)),
        });
        const { line } = await connect(createServer({ router }));
        const api = line.client();
        const call = {
          query: () => api.query.query(),
          mutation: () => api.mutation.mutate(),
          subscription: () => listOf(api.subscription.subscribe()),
        };
        expect(codeOf(await failureOf(call[kind]()))).toBe('INTERNAL_SERVER_ERROR');
      },
    );
  });

  describe('with superjson', () => {
    const Rich = z.object({
      at: z.date(),
      tags: z.set(z.string()),
      by: z.map(z.string(), z.bigint()),
      none: z.undefined(),
      pattern: z.instanceof(RegExp),
    });
    const rich: z.input<typeof Rich> = {
      at: new Date(5),
      tags: new Set(['a']),
      by: new Map([['a', 1n]]),
      none: undefined,
      pattern: /x/g,
    };

    it('carries rich inputs, results, items, tracked items and errors', async () => {
      const t = runBy(
        path,
        initTRPC.create({
          transformer: superjson,
          errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, at: new Date(7) } }),
        }),
      );
      const router = t.router({
        query: t.procedure.input(Rich).query(({ input }) => ({ input, twice: [input, input] })),
        mutation: t.procedure.input(Rich).mutation(({ input }) => input),
        subscription: t.procedure.input(Rich).subscription(({ input }) => items(input)),
        tracked: t.procedure.input(Rich).subscription(({ input }) => items(tracked('1', input))),
        fails: t.procedure.query((): void => {
          throw new TRPCError({ code: 'CONFLICT' });
        }),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client({ transformer: superjson });
      expect(await api.query.query(rich)).toEqual({ input: rich, twice: [rich, rich] });
      expect(await api.mutation.mutate(rich)).toEqual(rich);
      expect(await listOf(api.subscription.subscribe(rich))).toEqual([rich]);
      expect(await listOf(api.tracked.subscribe(rich))).toEqual([{ id: '1', data: rich }]);
      expect(shapeOf(await failureOf(api.fails.query()))).toMatchObject({
        data: { code: 'CONFLICT', at: new Date(7) },
      });
    });
  });

  describe('with a transformer for each direction', () => {
    it('reads inputs by the one and writes outputs by the other', async () => {
      const tagged = (tag: string) => ({
        serialize: (value: unknown) => ({ [tag]: value }),
        deserialize: (value: Record<string, unknown>) => value[tag],
      });
      const transformer = { input: tagged('in'), output: tagged('out') };
      const t = runBy(path, initTRPC.create({ transformer }));
      const router = t.router({
        query: t.procedure.input(z.string()).query(({ input }) => `${input}!`),
        subscription: t.procedure.input(z.string()).subscription(({ input }) => items(input)),
        fails: t.procedure.query((): void => {
          throw new TRPCError({ code: 'CONFLICT' });
        }),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client({ transformer });
      expect(await api.query.query('a')).toBe('a!');
      expect(await listOf(api.subscription.subscribe('b'))).toEqual(['b']);
      expect(codeOf(await failureOf(api.fails.query()))).toBe('CONFLICT');
    });
  });

  describe('without a transformer', () => {
    it('carries what JSON carries, and dates as text', async () => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        it: t.procedure.query(() => ({ at: new Date(0), list: [1, null], none: undefined })),
      });
      const { line } = await connect(createServer({ router }));
      expect(await line.client().it.query()).toEqual({
        at: '1970-01-01T00:00:00.000Z',
        list: [1, null],
      });
    });
  });

  describe('tells onError', () => {
    it('of each error that is answered: what it is, where, of what input, and whose', async () => {
      const t = runBy(
        path,
        initTRPC.context<{ session: Session }>().create({ transformer: superjson }),
      );
      const thrown = new Error('thrown');
      const router = t.router({
        query: t.procedure.input(z.date()).query((): void => {
          throw thrown;
        }),
        mutation: t.procedure.input(z.date()).mutation(() => 1),
        subscription: t.procedure.subscription(async function* () {
          yield 1;
          throw thrown;
        }),
      });
      const reports: ErrorReport[] = [];
      const sessions: Session[] = [];
      const { line } = await connect(
        createServer({
          router,
          createContext: ({ session }) => (sessions.push(session), { session }),
          onError: (report) => reports.push(report),
        }),
      );
      const api = line.client({ transformer: superjson });
      const input = new Date(5);
      await failureOf(api.query.query(input));
      await failureOf(api.mutation.mutate('today' as never));
      await failureOf(listOf(api.subscription.subscribe()));

      const [session] = sessions;
      const whose = { ctx: { session }, session };
      expect(reports.map(({ error: _error, ...report }) => report)).toEqual([
        { type: 'query', path: 'query', input, ...whose },
        { type: 'mutation', path: 'mutation', input: 'today', ...whose },
        { type: 'subscription', path: 'subscription', input: undefined, ...whose },
      ]);
      expect(reports.map(({ error }) => error.code)).toEqual([
        'INTERNAL_SERVER_ERROR',
        'BAD_REQUEST',
        'INTERNAL_SERVER_ERROR',
      ]);
      expect(reports[0]?.error.cause).toBe(thrown);
      expect(reports[1]?.error.cause).toBeInstanceOf(ZodError);
      expect(reports[2]?.error.cause).toBe(thrown);
    });

    it('of no call that was answered with a result, or given up', async () => {
      const t = runBy(path, initTRPC.create());
      const log = new Gate();
      const reports: ErrorReport[] = [];
      const router = t.router({
        it: t.procedure.query(() => 1),
        given: t.procedure.query(async ({ signal }) => {
          log.open();
          await aborted(signal);
          throw new Error('given up');
        }),
      });
      const onError = (report: ErrorReport) => void reports.push(report);
      const { line } = await connect(createServer({ router, onError }));
      const api = line.client();
      const controller = new AbortController();
      const given = failureOf(api.given.query(undefined, { signal: controller.signal }));
      await log.promise;
      controller.abort();
      await given;
      expect(await api.it.query()).toBe(1);
      expect(reports).toEqual([]);
    });

    it.each<{ how: string; onError: () => unknown }>([
      {
        how: 'throws',
        onError: () => {
          throw new Error('from onError');
        },
      },
      { how: 'rejects', onError: () => Promise.reject(new Error('from onError')) },
    ])('and answers all the same when it $how', async ({ onError }) => {
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        it: t.procedure.query((): void => {
          throw new TRPCError({ code: 'CONFLICT' });
        }),
      });
      const { line } = await connect(createServer({ router, onError }));
      const api = line.client();
      expect(codeOf(await failureOf(api.it.query()))).toBe('CONFLICT');
      expect(codeOf(await failureOf(api.it.query()))).toBe('CONFLICT');
    });
  });

  describe('aborts the signal', () => {
    /** One procedure of each kind that waits for its signal, and says so. */
    function waiting() {
      const t = runBy(path, initTRPC.context<{ session: Session }>().create());
      const log: string[] = [];
      const wait = async (kind: string, signal: AbortSignal | undefined): Promise<void> => {
        log.push(`${kind} runs`);
        await aborted(signal);
        log.push(`${kind} is aborted`);
      };
      const end = (session: Session, reason?: string): void => session.end(reason);
      const router = t.router({
        query: t.procedure.query(({ signal }) => wait('query', signal)),
        mutation: t.procedure.mutation(({ signal }) => wait('mutation', signal)),
        generator: t.procedure.subscription(async function* ({ signal }) {
          yield 'started';
          try {
            await wait('generator', signal);
          } finally {
            log.push('generator is over');
          }
        }),
        observable: t.procedure.subscription(() =>
          observable<string>((observer) => {
            observer.next('started');
            log.push('observable runs');
            return () => log.push('observable is aborted');
          }),
        ),
        end: t.procedure.query(({ ctx }) => end(ctx.session)),
      });
      const server = createServer({
        router,
        createContext: ({ session }) => ({ session }),
        resume: { windowMs: 1_000 },
      });
      const runs = ['generator runs', 'mutation runs', 'observable runs', 'query runs'];
      const isAborted = [
        ...['generator is aborted', 'generator is over', 'generator runs', 'mutation is aborted'],
        ...['mutation runs', 'observable is aborted', 'observable runs', 'query is aborted'],
        'query runs',
      ];
      const expectRuns = () => eventually(() => expect([...log].sort()).toEqual(runs));
      const expectAborted = () => eventually(() => expect([...log].sort()).toEqual(isAborted));
      return { server, log, expectRuns, expectAborted };
    }

    it('of each kind of procedure when the caller aborts', async () => {
      const { server, expectRuns, expectAborted } = waiting();
      const { line } = await connect(server);
      const api = line.client();
      const { signal, abort } = abortable();
      const unary = [
        failureOf(api.query.query(undefined, { signal })),
        failureOf(api.mutation.mutate(undefined, { signal })),
      ];
      const streams = [new Follower<string>(), new Follower<string>()];
      api.generator.subscribe(undefined, { ...streams[0]!.callbacks, signal });
      api.observable.subscribe(undefined, { ...streams[1]!.callbacks, signal });
      await expectRuns();
      abort();
      await expectAborted();
      expect((await Promise.all(unary)).map(lineError)).toEqual([
        { code: 'ABORTED', outcome: 'unknown', message: 'the caller aborted the call' },
        { code: 'ABORTED', outcome: 'unknown', message: 'the caller aborted the call' },
      ]);
    });

    it('of a subscription when its reader stops', async () => {
      const { server, log } = waiting();
      const { line } = await connect(server);
      const api = line.client();
      for await (const item of api.generator.subscribe()) {
        expect(item).toBe('started');
        break;
      }
      const first = new Gate();
      const { unsubscribe } = api.observable.subscribe(undefined, { onData: () => first.open() });
      await first.promise;
      unsubscribe();
      await eventually(() =>
        expect([...log].sort()).toEqual([
          ...['generator is aborted', 'generator is over', 'generator runs'],
          ...['observable is aborted', 'observable runs'],
        ]),
      );
    });

    /** A line with a call of each kind under way. */
    async function inTheMiddle() {
      const { server, log, expectRuns, expectAborted } = waiting();
      const { line, cut } = await connect(server);
      const api = line.client();
      const unary = [failureOf(api.query.query()), failureOf(api.mutation.mutate())];
      api.generator.subscribe(undefined, {});
      api.observable.subscribe(undefined, {});
      await expectRuns();
      return { api, line, cut, unary, log, expectRuns, expectAborted };
    }

    it('of no procedure when the connection is lost and the client comes back', async () => {
      const { line, cut, log, expectRuns } = await inTheMiddle();
      const before = [...log];
      cut();
      await eventually(() => expect(line.state.get()).toMatchObject({ resumed: 1 }));
      await expectRuns();
      expect(log).toEqual(before);
    });

    it('of each kind of procedure when the client is lost for too long', async () => {
      const { line, cut, unary, log, expectRuns, expectAborted } = await inTheMiddle();
      const before = [...log];
      cut();
      void line.close();
      expect((await Promise.all(unary)).map(outcomeOf)).toEqual(['unknown', 'unknown']);
      await expectRuns();
      expect(log).toEqual(before);
      await expectAborted();
    });

    it('of each kind of procedure when the line is closed', async () => {
      const { line, unary, expectAborted } = await inTheMiddle();
      await line.close();
      await expectAborted();
      expect((await Promise.all(unary)).map(outcomeOf)).toEqual(['unknown', 'unknown']);
    });

    it('of each kind of procedure when the session is ended', async () => {
      const { api, unary, expectAborted } = await inTheMiddle();
      unary.push(failureOf(api.end.query()));
      await expectAborted();
      expect((await Promise.all(unary)).map((error) => lineError(error)?.code)).toEqual([
        'SESSION_LOST',
        'SESSION_LOST',
        'SESSION_LOST',
      ]);
    });

    it('of a query and a mutation when the time that the caller gave is over', async () => {
      const { server, log } = waiting();
      const { line } = await connect(server);
      const api = line.client();
      await line.open();
      const options = callOptions({ timeoutMs: 50 });
      const errors = await Promise.all([
        failureOf(api.query.query(undefined, options)),
        failureOf(api.mutation.mutate(undefined, options)),
      ]);
      expect(errors.map((error) => lineError(error)?.code)).toEqual(['TIMEOUT', 'TIMEOUT']);
      await eventually(() =>
        expect([...log].sort()).toEqual([
          ...['mutation is aborted', 'mutation runs', 'query is aborted', 'query runs'],
        ]),
      );
    });

    it('also where it is first read after that', async () => {
      const t = runBy(path, initTRPC.create());
      const called = new Gate();
      const given = new Gate();
      const seen = new Gate<unknown>();
      const router = t.router({
        it: t.procedure.query(async (options) => {
          called.open();
          await given.promise;
          seen.open(options.signal?.aborted);
        }),
        ping: t.procedure.query(() => 'pong'),
      });
      const { line } = await connect(createServer({ router }));
      const api = line.client();
      const { signal, abort } = abortable();
      const call = failureOf(api.it.query(undefined, { signal }));
      await called.promise;
      abort();
      await call;
      await api.ping.query();
      given.open();
      expect(await seen.promise).toBe(true);
    });

    it('of no procedure that has settled', async () => {
      const t = runBy(path, initTRPC.create());
      const signals: (AbortSignal | undefined)[] = [];
      const router = t.router({
        it: t.procedure.query(({ signal }) => void signals.push(signal)),
        some: t.procedure.subscription(({ signal }) => (signals.push(signal), items(1))),
      });
      const { line } = await connect(createServer({ router }));
      await line.client().it.query();
      await listOf(line.client().some.subscribe());
      await line.close();
      expect(signals.map((signal) => signal?.aborted)).toEqual([false, false]);
    });
  });
});

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

async function* items<T>(...all: T[]): AsyncGenerator<T, void> {
  yield* all;
}

async function listOf<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of iterable) list.push(item);
  return list;
}

function shapeOf(error: unknown): unknown {
  expect(error).toBeInstanceOf(TRPCClientError);
  return (error as TRPCClientError<never>).shape;
}

function codeOf(error: unknown): unknown {
  expect(error).toBeInstanceOf(TRPCClientError);
  const { data } = error as { readonly data?: { readonly code?: unknown } };
  return data?.code;
}

function messageOf(error: unknown): string {
  expect(error).toBeInstanceOf(TRPCClientError);
  return (error as Error).message;
}
