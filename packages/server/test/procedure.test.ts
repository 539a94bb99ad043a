import { AsyncLocalStorage } from 'node:async_hooks';
import {
  getTRPCErrorShape,
  initTRPC,
  isTrackedEnvelope,
  lazy,
  tracked,
  TRPCError,
} from '@trpc/server';
import type { AnyTRPCRouter } from '@trpc/server';
import { isObservable, observable } from '@trpc/server/observable';
import fc from 'fast-check';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z, ZodError } from 'zod';
import { createProcedureRunner, sourceOf } from '../src/procedure.ts';
import type { ProcedureCall, RunProcedure } from '../src/procedure.ts';
import { runQuick } from '../src/quick-path.ts';
import { findModel, quickPathModel } from '../src/quick-path-model.ts';
import { hasOnlyNamedReads } from '../src/quick-path-options.ts';

interface Context {
  readonly user: string;
  readonly log: unknown[];
}

const t = initTRPC
  .context<Context>()
  .meta<{ role?: string; once?: boolean }>()
  .create({ isDev: false });

describe.each([
  { name: 'the quick path', quick: true },
  { name: 'the public path', quick: false },
])('a procedure that is run by $name', ({ name, quick }) => {
  const run = async (router: AnyTRPCRouter, call: Partial<ProcedureCall> = {}): Promise<unknown> =>
    (await runnerOf(router, quick))(new TestCall(call));
  const failureOf = (router: AnyTRPCRouter, call: Partial<ProcedureCall> = {}) =>
    errorOf(run(router, call));

  it('is run by that one', async () => {
    const router = t.router({ it: t.procedure.query(() => 1) });
    expect(await pathTaken(await runnerOf(router, quick))).toBe(name);
  });

  describe('given an input', () => {
    it('sees what zod made of it, with coercions and defaults', async () => {
      const Input = z.object({
        at: z.coerce.date(),
        count: z.coerce.number(),
        kind: z.string().default('a'),
      });
      const router = t.router({ it: t.procedure.input(Input).query(({ input }) => input) });
      expect(await run(router, { input: { at: '2020-01-01', count: '7', extra: 1 } })).toEqual({
        at: new Date('2020-01-01'),
        count: 7,
        kind: 'a',
      });
    });

    it('waits for a parser that is asynchronous', async () => {
      const Input = z.string().transform(async (text) => text.length);
      const router = t.router({ it: t.procedure.input(Input).query(({ input }) => input) });
      expect(await run(router, { input: 'four' })).toBe(4);
    });

    it('sees the objects of all its parsers as one, each made from the same raw input', async () => {
      const router = t.router({
        it: t.procedure
          .input(z.object({ room: z.string().toUpperCase() }))
          .input(z.object({ room: z.string(), text: z.string() }))
          .input(z.object({ id: z.coerce.number() }))
          .mutation(({ input }) => input),
      });
      const input = { room: 'r', text: 'hi', id: '1' };
      expect(await run(router, { type: 'mutation', input })).toEqual({
        room: 'r',
        text: 'hi',
        id: 1,
      });
    });

    it('sees nothing of it without a parser', async () => {
      const router = t.router({ it: t.procedure.query(({ input }) => [input]) });
      expect(await run(router, { input: 'unseen' })).toEqual([undefined]);
    });

    it('is not run when a parser refuses it', async () => {
      let runs = 0;
      const router = t.router({ it: t.procedure.input(z.number()).query(() => (runs += 1)) });
      const error = await failureOf(router, { input: 'one' });
      expect(error.code).toBe('BAD_REQUEST');
      expect(error.cause).toBeInstanceOf(ZodError);
      expect(runs).toBe(0);
      expect(await run(router, { input: 1 })).toBe(1);
    });

    it('gets it deserialised by the transformer of the router', async () => {
      const s = initTRPC.create({ transformer: superjson });
      const Input = z.object({ at: z.date(), tags: z.set(z.string()) });
      const router = s.router({ it: s.procedure.input(Input).query(({ input }) => input) });
      const value = { at: new Date(5), tags: new Set(['a']) };
      expect(await run(router, { input: superjson.serialize(value) })).toEqual(value);
    });

    it.each([
      { asks: 'never', times: 0, parsers: [] },
      { asks: 'twice', times: 1, parsers: [z.any(), z.any()] },
    ])('that it asks for $asks, has it deserialised $times times', async ({ times, parsers }) => {
      let deserialised = 0;
      const { router, procedure } = withDeserialiser((value) => [(deserialised += 1), value]);
      const it = parsers.reduce<typeof procedure>(
        (so, parser) => so.input(parser) as never,
        procedure,
      );
      const value = await run(router({ it: it.query(({ input }) => input) }), { input: 'x' });
      expect(value).toEqual(times === 0 ? undefined : [1, 'x']);
      expect(deserialised).toBe(times);
    });

    it('fails with PARSE_ERROR when the transformer throws', async () => {
      const cause = new Error('not deserialisable');
      const { router, procedure } = withDeserialiser(() => {
        throw cause;
      });
      const error = await failureOf(router({ it: procedure.input(z.any()).query(() => 1) }));
      expect(error).toMatchObject({ code: 'PARSE_ERROR', message: 'not deserialisable' });
      expect(error.cause).toBe(cause);
    });

    it.each([
      { input: { room: 'r' }, expected: { room: 'r', lastEventId: '7' } },
      { input: { lastEventId: '1' }, expected: { lastEventId: '7' } },
      { input: undefined, expected: { lastEventId: '7' } },
      { input: null, expected: { lastEventId: '7' } },
      { input: 'room', expected: 'room' },
      { input: 0, expected: 0 },
      { input: ['room'], expected: ['room'] },
    ])('of $input, gets the last event id with it as $expected', async ({ input, expected }) => {
      const router = t.router({
        it: t.procedure.input(z.any()).subscription(async function* ({ input }) {
          yield input;
        }),
      });
      const call = { type: 'subscription', input, lastEventId: '7' } as const;
      expect(await itemsOf(await run(router, call))).toEqual([expected]);
    });
  });

  describe('that has an output parser', () => {
    const router = t.router({
      it: t.procedure
        .input(z.string())
        .output(z.string().max(3).toUpperCase())
        .query(({ input }) => {
          if (input === 'throw') throw new TRPCError({ code: 'CONFLICT' });
          return input;
        }),
    });

    it('gives what the parser made of its value', async () => {
      expect(await run(router, { input: 'abc' })).toBe('ABC');
    });

    it('fails when the parser refuses it', async () => {
      const error = await failureOf(router, { input: 'abcd' });
      expect(error).toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
        message: 'Output validation failed',
      });
      expect(error.cause).toBeInstanceOf(ZodError);
    });

    it('fails with its own error when it throws', async () => {
      expect(await failureOf(router, { input: 'throw' })).toMatchObject({ code: 'CONFLICT' });
    });
  });

  describe('that has middlewares', () => {
    it('is run by them in their order, and they see it end in the reverse one', async () => {
      const log: string[] = [];
      const logged = (step: string) =>
        t.middleware(async ({ next }) => {
          log.push(`${step} begins`);
          const answer = await next();
          log.push(`${step} sees ${answer.ok ? 'success' : 'failure'}`);
          return answer;
        });
      const router = t.router({
        it: t.procedure
          .use(logged('first'))
          .input(z.string())
          .use(logged('second').unstable_pipe(logged('third')))
          .query(({ input }) => log.push(input)),
      });
      await run(router, { input: 'resolver' });
      expect(log).toEqual([
        'first begins',
        'second begins',
        'third begins',
        'resolver',
        'third sees success',
        'second sees success',
        'first sees success',
      ]);
      log.length = 0;
      await failureOf(router, { input: 1 });
      expect(log).toEqual(['first begins', 'first sees failure']);
    });

    it('sees the context as they extended it, and leaves the one of the call alone', async () => {
      const router = t.router({
        it: t.procedure
          .use(async ({ ctx, next }) => {
            const user = await Promise.resolve(`${ctx.user}, awaited`);
            return next({ ctx: { user, role: 'reader' } });
          })
          .use(({ next }) => next())
          .use((opts) => opts.next({ ctx: { role: `${opts.ctx.role} and writer` } }))
          .query(({ ctx }) => ctx),
      });
      const ctx = Object.freeze({ user: 'ann', log: [] });
      expect(await run(router, { ctx })).toEqual({
        user: 'ann, awaited',
        role: 'reader and writer',
        log: [],
      });
      expect(await run(t.router({ it: t.procedure.query(({ ctx }) => ctx) }), { ctx })).toBe(ctx);
    });

    it.each([
      { has: 'is nothing', ctx: undefined, expected: { added: 1 } },
      { has: 'is text', ctx: 'ab', expected: { 0: 'a', 1: 'b', added: 1 } },
      {
        has: 'has inherited members',
        ctx: Object.create({ lost: 1 }, { kept: { value: 2, enumerable: true } }) as unknown,
        expected: { kept: 2, added: 1 },
      },
      {
        has: 'has a symbol',
        ctx: { [Symbol.for('key')]: 1 },
        expected: { [Symbol.for('key')]: 1, added: 1 },
      },
    ])('sees an extended context that $has, as a spread makes it', async ({ ctx, expected }) => {
      const procedure = t.procedure.use(({ next }) => next({ ctx: { added: 1 } }));
      const router = t.router({ it: procedure.query(({ ctx }) => ctx) });
      const seen = await run(router, { ctx });
      expect(seen).toStrictEqual(expected);
    });

    it.each([
      { where: 'in the context', ctx: JSON.parse('{ "__proto__": { "admin": true } }'), added: {} },
      {
        where: 'in what is added',
        ctx: {},
        added: JSON.parse('{ "__proto__": { "admin": true } }'),
      },
    ])('inherits nothing from a member named __proto__ $where', async ({ ctx, added }) => {
      const procedure = t.procedure.use(({ next }) => next({ ctx: added as object }));
      const router = t.router({ it: procedure.query(({ ctx }) => ctx) });
      const seen = await run(router, { ctx });
      expect(Object.getPrototypeOf(seen)).toBe(Object.prototype);
      expect(Object.keys(seen as object)).toEqual(['__proto__']);
    });

    it('sees the input that one replaced, though it be with undefined', async () => {
      const replacing = (input: unknown) =>
        t.router({
          it: t.procedure
            .input(z.string())
            .use(({ next }) => next({ input }))
            .use(({ next }) => next({ ctx: {} }))
            .query(({ input }) => [input]),
        });
      expect(await run(replacing('b'), { input: 'a' })).toEqual(['b']);
      expect(await run(replacing(undefined), { input: 'a' })).toEqual([undefined]);
    });

    it('has the raw input that one replaced parsed by the parsers that follow', async () => {
      const router = t.router({
        it: t.procedure
          .use(async ({ getRawInput, next }) => {
            const raw = await getRawInput();
            return next({ getRawInput: async () => `${raw}, replaced` });
          })
          .input(z.string())
          .query(async ({ input, ...opts }) => [input, await (opts as never as Raw).getRawInput()]),
      });
      expect(await run(router, { input: 'raw' })).toEqual(['raw, replaced', 'raw, replaced']);
    });

    it('is run once for each time that one calls next, with what was given to it', async () => {
      const router = t.router({
        it: t.procedure
          .use(async ({ next }) => {
            const answers = [await next({ ctx: { user: 'ann' } }), await next({ input: 'b' })];
            return { ...answers[1]!, data: answers.map((it) => it.ok && it.data) } as never;
          })
          .query(({ ctx, input }) => [ctx.user, input]),
      });
      expect(await run(router, { ctx: { user: 'bob' } })).toEqual([
        ['ann', undefined],
        ['bob', 'b'],
      ]);
    });

    it('gives what one answered in its place, later success or failure of its own regardless', async () => {
      const router = t.router({
        it: t.procedure
          .use(({ next }) => {
            void next();
            return { ok: true, data: 'cached', marker: 'middlewareMarker' } as never;
          })
          .use(() => {
            throw new Error('unseen');
          })
          .query(() => 'fresh'),
      });
      expect(await run(router)).toBe('cached');
    });

    it('may fail, and one may try it again', async () => {
      let attempts = 0;
      const router = t.router({
        it: t.procedure
          .use(async ({ next }) => {
            const answer = await next();
            return answer.ok ? answer : next();
          })
          .query(() => {
            attempts += 1;
            if (attempts === 1) throw new Error('the first');
            return attempts;
          }),
      });
      expect(await run(router)).toBe(2);
    });

    it('does not care what one does to its options', async () => {
      const router = t.router({
        it: t.procedure
          .use((opts) => {
            Object.assign(opts, { ctx: {}, input: 'lost', path: 'lost', signal: undefined });
            return opts.next();
          })
          .query((opts) => [opts.ctx.user, opts.input, opts.path, opts.signal?.aborted]),
      });
      const call = { ctx: { user: 'ann' }, signal: AbortSignal.abort() };
      expect(await run(router, call)).toEqual(['ann', undefined, 'it', true]);
    });

    it('fails with what one throws, seen by those before it', async () => {
      const error = new TRPCError({ code: 'UNAUTHORIZED' });
      const seen: unknown[] = [];
      const router = t.router({
        it: t.procedure
          .use(async ({ next }) => {
            const answer = await next();
            seen.push(answer);
            return answer;
          })
          .use(() => {
            throw error;
          })
          .query(() => 'unreached'),
      });
      expect(await failureOf(router)).toBe(error);
      expect(seen).toEqual([{ ok: false, error, marker: 'middlewareMarker' }]);
    });

    it('fails when one answers nothing', async () => {
      const silent = t.procedure.use(({ next }) => next()).use((() => undefined) as never);
      expect(await failureOf(t.router({ it: silent.query(() => 1) }))).toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
        message: 'No result from middlewares - did you forget to `return next()`?',
      });
    });

    it('fails when one answers something else', async () => {
      const odd = t.procedure.use((() => ({})) as never);
      expect(await failureOf(t.router({ it: odd.query(() => 1) }))).toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
        cause: undefined,
      });
    });
  });

  describe('tells its middlewares and its resolver', () => {
    it('its path, type, meta, place in the batch and signal, and all else that tRPC does', async () => {
      const log: unknown[] = [];
      const list = (options: object) => log.push(Object.keys(options).sort(), { ...options });
      const router = t.router({
        deep: {
          it: t.procedure
            .meta({ role: 'reader' })
            .use((opts) => {
              list(opts);
              return opts.next();
            })
            .meta({ once: true })
            .mutation((opts) => list(opts)),
        },
      });
      const signal = AbortSignal.abort();
      const ctx = { user: 'ann' };
      const call = { path: 'deep.it', type: 'mutation', batchIndex: 3, ctx, signal } as const;
      await run(router, call);
      const keys = [
        'batchIndex',
        'ctx',
        'getRawInput',
        'input',
        'meta',
        'next',
        'path',
        'router',
        'signal',
        'type',
      ];
      const functions = {
        next: expect.any(Function) as unknown,
        getRawInput: expect.any(Function) as unknown,
      };
      const meta = { role: 'reader', once: true };
      const options = { ...call, ...functions, router, meta, input: undefined };
      expect(log).toEqual([keys.sort(), options, keys.sort(), options]);
    });

    it.each([
      { as: 'taken out', query: t.procedure.query(({ signal }) => signal) },
      { as: 'read', query: t.procedure.query((opts) => opts.signal) },
      { as: 'a rest', query: t.procedure.query(({ ctx: _, ...rest }) => rest.signal) },
      { as: 'a copy', query: t.procedure.query((opts) => ({ ...opts }).signal) },
      {
        as: 'passed on',
        query: t.procedure.query((opts) => ((it: typeof opts) => it.signal)(opts)),
      },
      {
        as: 'an argument',
        query: t.procedure.query(function () {
          return (arguments[0] as TestCall).signal;
        }),
      },
    ])('the signal of the call as $as', async ({ query }) => {
      const { signal } = new AbortController();
      expect(await run(t.router({ it: query }), { signal })).toBe(signal);
    });

    it.each([
      {
        as: 'as they are',
        query: t.procedure.query((opts) => {
          opts.signal = AbortSignal.abort(1);
          return opts.signal.reason as unknown;
        }),
      },
      {
        as: 'passed on',
        query: t.procedure.query((opts) => {
          opts.signal = AbortSignal.abort(1);
          return ((it) => it.signal?.reason as unknown)({ ...opts });
        }),
      },
    ])('a signal of their own if they put one in the options $as', async ({ query }) => {
      expect(await run(t.router({ it: query }))).toBe(1);
    });
  });

  describe('that throws', () => {
    const throwing = (thrown: unknown) => {
      const router = t.router({
        it: t.procedure.query(() => {
          throw thrown;
        }),
      });
      return failureOf(router);
    };

    it('fails with the TRPCError that it threw, the same object', async () => {
      const error = new TRPCError({ code: 'PAYMENT_REQUIRED' });
      expect(await throwing(error)).toBe(error);
    });

    it('fails with an internal error that has its error as the cause', async () => {
      const cause = new RangeError('too far');
      const error = await throwing(cause);
      expect(error).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', message: 'too far' });
      expect(error.cause).toBe(cause);
    });

    it.each([
      { thrown: 'text', message: 'text', cause: new Error('text') },
      { thrown: 7, message: '7', cause: new Error('7') },
      { thrown: undefined, message: 'INTERNAL_SERVER_ERROR', cause: undefined },
      { thrown: null, message: 'INTERNAL_SERVER_ERROR', cause: undefined },
      {
        thrown: { message: 'like an error' },
        message: 'like an error',
        cause: new Error('like an error'),
      },
    ])('$thrown, fails with an internal error: $message', async ({ thrown, message, cause }) => {
      const error = await throwing(thrown);
      expect(error).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', message });
      expect(error.cause?.message).toBe(cause?.message);
    });
  });

  describe('that has a formatter of its errors', () => {
    const shapeOf = async (router: AnyTRPCRouter, failure: Promise<TRPCError>) => {
      const config = router._def._config;
      const ends = { path: 'it', type: 'query', input: undefined, ctx: undefined } as const;
      return getTRPCErrorShape({ config, error: await failure, ...ends }) as unknown;
    };
    const withReason = t.procedure.errors(({ error, shape, input, ctx }) =>
      error.code === 'CONFLICT'
        ? { ...shape, data: { reason: 'taken', input, by: ctx.user } }
        : undefined,
    );
    const conflict = () => {
      throw new TRPCError({ code: 'CONFLICT', message: 'no' });
    };

    it('fails with an error that has the shape which the formatter gave it', async () => {
      const router = t.router({ it: withReason.input(z.string()).query(conflict) });
      const failure = failureOf(router, { input: 'a', ctx: { user: 'ann' } });
      const data = { reason: 'taken', input: undefined, by: 'ann' };
      expect(await shapeOf(router, failure)).toEqual({ code: -32009, message: 'no', data });
    });

    it('leaves the shape to the router when its formatter gives none', async () => {
      const router = t.router({ it: withReason.input(z.string()).query(() => 1) });
      const data = { code: 'BAD_REQUEST', httpStatus: 400, path: 'it' };
      expect(await shapeOf(router, failureOf(router, { input: 1 }))).toMatchObject({ data });
    });

    it('keeps the shape of the innermost of several', async () => {
      const outer = t.procedure.errors(({ shape }) => ({ ...shape, message: 'outer' }));
      const router = t.router({ it: outer.concat(withReason).query(conflict) });
      expect(await shapeOf(router, failureOf(router))).toMatchObject({ message: 'no' });
    });

    it('gives a value as it is', async () => {
      const value = { some: 'value' };
      expect(await run(t.router({ it: withReason.query(() => value) }))).toBe(value);
      expect(sourceOf(value)).toBe(value);
    });

    it('shapes the error of an iterable, and gives its items and its source', async () => {
      const source = items(1, 2, new TRPCError({ code: 'CONFLICT', message: 'late' }));
      const router = t.router({ it: withReason.concat(withReason).subscription(() => source) });
      const value = await run(router, { type: 'subscription', ctx: {} });
      expect(value).not.toBe(source);
      expect(sourceOf(value)).toBe(quick ? source : value);
      const seen: unknown[] = [];
      const failure = errorOf(collect(value, seen));
      expect(await shapeOf(router, failure)).toMatchObject({
        message: 'late',
        data: { reason: 'taken' },
      });
      expect(seen).toEqual([1, 2]);
    });

    it('shapes the error of an observable, and gives its source', async () => {
      const source = observable<number>((observer) => {
        observer.error(new TRPCError({ code: 'CONFLICT', message: 'late' }));
      });
      const router = t.router({ it: withReason.subscription(() => source) });
      const value = await run(router, { type: 'subscription', ctx: {} });
      expect(sourceOf(value)).toBe(quick ? source : value);
      const failure = errorOf(
        new Promise((next, error) => isObservable(value) && value.subscribe({ next, error })),
      );
      expect(await shapeOf(router, failure)).toMatchObject({
        message: 'late',
        data: { reason: 'taken' },
      });
    });
  });

  describe('that is a subscription', () => {
    const subscribe = (router: AnyTRPCRouter) => run(router, { type: 'subscription' });

    it('gives the iterable that the resolver returned, itself', async () => {
      const source = items(1, 2);
      const router = t.router({
        it: t.procedure.use(({ next }) => next()).subscription(() => source),
      });
      const value = await subscribe(router);
      expect(value).toBe(source);
      expect(sourceOf(value)).toBe(source);
    });

    it('gives a generator with its tracked events, and ends it when its reader does', async () => {
      let ended = 0;
      const router = t.router({
        it: t.procedure.subscription(async function* () {
          try {
            yield tracked('1', 'a');
            yield tracked('2', 'b');
          } finally {
            ended += 1;
          }
        }),
      });
      for await (const event of (await subscribe(router)) as AsyncIterable<unknown>) {
        expect(isTrackedEnvelope(event) && [event[0], event[1]]).toEqual(['1', 'a']);
        break;
      }
      expect(ended).toBe(1);
    });

    it('gives the observable that the resolver returned, itself', async () => {
      const source = observable<number>(() => undefined);
      expect(await subscribe(t.router({ it: t.procedure.subscription(() => source) }))).toBe(
        source,
      );
    });

    it('gives an iterable that a middleware put in the place of its own, as that', async () => {
      const replacement = items('replaced');
      const router = t.router({
        it: t.procedure
          .use(async ({ next }) => ({ ...(await next()), data: replacement }) as never)
          .subscription(() => items(1)),
      });
      expect(sourceOf(await subscribe(router))).toBe(replacement);
    });
  });

  describe('in a router', () => {
    const leaf = t.router({ it: t.procedure.query(({ path }) => path) });
    const nested = { a: leaf, b: { c: leaf } };

    it.each(['a.it', 'b.c.it', 'it'])('is found at %s', async (path) => {
      const router = t.mergeRouters(leaf, t.router(nested));
      expect(await run(router, { path })).toBe(path);
    });

    it.each([
      '',
      'a',
      'b.c',
      'a.',
      '.a',
      'a.it.',
      'b.c.it.it',
      'toString',
      'constructor',
      '__proto__',
      'hasOwnProperty',
      'a.__proto__',
      'a.constructor',
      'then',
      '_def',
      'createCaller',
    ])('is not found at "%s"', async (path) => {
      expect(await failureOf(t.router(nested), { path })).toMatchObject({
        code: 'NOT_FOUND',
        message: `No "query"-procedure on path "${path}"`,
      });
    });

    it.each(['mutation', 'subscription'] as const)(
      'is not found as a %s if it is a query',
      async (type) => {
        expect(await failureOf(leaf, { path: 'it', type })).toMatchObject({
          code: 'NOT_FOUND',
          message: `No "${type}"-procedure on path "it"`,
        });
      },
    );

    it('that is lazy, is found by all its first callers, and loaded once for them', async () => {
      let loads = 0;
      const load = async () => {
        loads += 1;
        return leaf;
      };
      const runner = await runnerOf(t.router({ a: { b: lazy(load) } }), quick);
      const call = () => runner(new TestCall({ path: 'a.b.it' }));
      expect(await Promise.all([call(), call(), call()])).toEqual(['a.b.it', 'a.b.it', 'a.b.it']);
      expect(await call()).toBe('a.b.it');
      expect(loads).toBe(1);
      expect(await pathTaken(runner, 'a.b.it')).toBe(name);
    });

    it.each(['a', 'a.none', 'a.constructor'])('that is lazy, is not found at %s', async (path) => {
      const router = t.router({ a: lazy(async () => leaf) });
      expect(await failureOf(router, { path })).toMatchObject({ code: 'NOT_FOUND' });
    });

    it('that is lazy and fails to load, fails for good', async () => {
      let loads = 0;
      const router = t.router({
        a: lazy(async (): Promise<typeof leaf> => {
          loads += 1;
          throw new Error('no such module');
        }),
      });
      const internal = { code: 'INTERNAL_SERVER_ERROR', message: 'no such module' };
      expect(await failureOf(router, { path: 'a.it' })).toMatchObject(internal);
      expect(await failureOf(router, { path: 'a.it' })).toMatchObject(internal);
      expect(loads).toBe(1);
    });
  });

  it('keeps the asynchronous context of its caller', async () => {
    const storage = new AsyncLocalStorage<string>();
    const router = t.router({
      it: t.procedure
        .use(({ next }) => storage.run(`${storage.getStore()}, changed`, next))
        .input(z.any())
        .query(() => storage.getStore()),
    });
    const runner = await runnerOf(router, quick);
    const values = ['a', 'b'].map((it) => storage.run(it, () => runner(new TestCall({}))));
    expect(await Promise.all(values)).toEqual(['a, changed', 'b, changed']);
  });

  it('may be made of builders that were made apart', async () => {
    const apart = initTRPC.context<Context>().meta<{ role?: string }>().create();
    const withUser = apart.procedure
      .meta({ role: 'reader' })
      .use(({ ctx, next }) => next({ ctx: { user: ctx.user || 'nobody' } }))
      .input(z.object({ room: z.string() }));
    const router = t.router({
      it: t.procedure
        .meta({ once: true })
        .input(z.object({ id: z.number() }))
        .concat(withUser)
        .use(({ meta, next }) => next({ ctx: { meta } }))
        .query(({ ctx, input }) => ({ ...ctx, ...input })),
    });
    expect(await run(router, { input: { id: 1, room: 'r' } })).toEqual({
      user: 'nobody',
      meta: { once: true, role: 'reader' },
      id: 1,
      room: 'r',
    });
  });
});

describe('the quick path', () => {
  const plain = () => t.procedure.query(() => 'value');
  const pathOf = async (procedure: unknown) =>
    pathTaken(await runnerOf(t.router({ it: procedure as ReturnType<typeof plain> }), true));

  it('is known to do what the installed tRPC does', async () => {
    expect(await quickPathModel()).toBeTypeOf('function');
  });

  it.each<{ does: string; run: typeof runQuick }>([
    { does: 'gives another value', run: async (...all) => [await runQuick(...all)] },
    {
      does: 'leaves out a step',
      run: (plan, ...all) => runQuick({ ...plan, steps: plan.steps.slice(1) }, ...all),
    },
    { does: 'loses the meta', run: (plan, ...all) => runQuick({ ...plan, meta: {} }, ...all) },
    {
      does: 'reads another input',
      run: (plan, call) => runQuick(plan, call, async () => ({ ...Object(call.input) })),
    },
    {
      does: 'makes another signal',
      run: (plan, call, raw) =>
        runQuick(plan, { ...call, signal: new AbortController().signal }, raw),
    },
    {
      does: 'throws another error',
      run: (...all) =>
        runQuick(...all).catch((cause: TRPCError) => {
          throw new TRPCError({ code: 'CONFLICT', message: cause.message, cause: cause.cause });
        }),
    },
    {
      does: 'throws a copy of an error, without the shape',
      run: (...all) =>
        runQuick(...all).catch(({ code, message, cause }: TRPCError) => {
          throw new TRPCError({ code, message, cause });
        }),
    },
  ])('would not be known to if it were a way that $does', async ({ run }) => {
    expect(await findModel(run)).toBe(undefined);
    expect(await findModel()).toBeTypeOf('function');
  });

  it('does not read the signal unless the procedure does', async () => {
    const router = t.router({
      unread: t.procedure.use((opts) => opts.next({ ctx: {} })).query((opts) => opts.path),
      read: t.procedure.query(({ signal }) => signal?.aborted),
    });
    const runner = await runnerOf(router, true);
    const unread = new TestCall({ path: 'unread' });
    const read = new TestCall({ path: 'read' });
    expect([await runner(unread), unread.signalReads]).toEqual(['unread', 0]);
    expect([await runner(read), read.signalReads]).toEqual([false, 1]);
  });

  it('reads it for a function that passes on its options, which could do so', async () => {
    const read = (options: { readonly signal: AbortSignal | undefined }) => options.signal?.aborted;
    const runner = await runnerOf(t.router({ it: t.procedure.query((opts) => read(opts)) }), true);
    const call = new TestCall({});
    expect([await runner(call), call.signalReads]).toEqual([false, 1]);
  });

  it('is not taken before it is known to do so', async () => {
    const runner = createProcedureRunner(t.router({ it: plain() }));
    const early = pathTaken(runner);
    await quickPathModel();
    expect([await early, await pathTaken(runner)]).toEqual(['the public path', 'the quick path']);
  });

  it('is taken for a procedure made with every method of the builder', async () => {
    const procedure = t.procedure
      .meta({})
      .use(({ next }) => next())
      .input(z.any())
      .output(z.any())
      .errors(() => undefined)
      .concat(t.procedure.meta({}))
      .query(() => 'value');
    expect(await pathOf(procedure)).toBe('the quick path');
  });

  it.each([
    {
      procedure: 'with a caller of its own',
      value: t.procedure
        .experimental_caller(({ invoke, args }) => invoke(args[0] as never))
        .query(() => 'value') as unknown,
    },
    {
      procedure: 'that somebody wrapped in a function',
      value: Object.assign(wrapperOf(plain()), plain()),
    },
    { procedure: 'that somebody wrapped in a proxy', value: new Proxy(plain(), {}) },
    { procedure: 'whose definition says something unknown', value: altered({ timeoutMs: 5 }) },
    { procedure: 'whose definition has a caller', value: altered({ caller: () => 'called' }) },
    { procedure: 'whose middlewares are no list', value: altered({ middlewares: new Set() }) },
    {
      procedure: 'that does not end in the resolver',
      value: altered({ middlewares: [() => undefined] }),
    },
    { procedure: 'without middlewares', value: altered({ middlewares: [] }) },
  ])('is not taken for a procedure $procedure', async ({ value }) => {
    expect(await pathOf(plain())).toBe('the quick path');
    expect(await pathOf(value)).toBe('the public path');
  });

  /** A procedure with another definition than the one it was made from. */
  function altered(change: object): unknown {
    const procedure = plain();
    return Object.assign(procedure, { _def: { ...procedure._def, ...change } });
  }

  function wrapperOf(procedure: (options: never) => Promise<unknown>): typeof procedure {
    return (options) => procedure(options);
  }

  it('does what the public path does, whatever a procedure is made of', async () => {
    const step = fc.constantFrom(...Object.keys(STEPS));
    const input = fc.oneof(
      fc.constantFrom({ text: 'a' }, { text: 'throw' }, { text: 1 }),
      fc.anything(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 6 }).map(withOneOutput),
        input,
        async (steps, input) => {
          const observe = async (quick: boolean) => {
            const log: unknown[] = [];
            const router = t.router({ it: procedureOf(steps) });
            const runner = await runnerOf(router, quick);
            const outcome = await runner(new TestCall({ input, ctx: { log } })).catch(
              (error: TRPCError) => {
                const ends = { error, path: 'it', type: 'query', input, ctx: undefined } as const;
                return getTRPCErrorShape({ config: router._def._config, ...ends });
              },
            );
            return { log, outcome };
          };
          expect(await observe(true)).toEqual(await observe(false));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a function', () => {
  it.each([
    '() => 1',
    'opts => opts.ctx',
    '(opts) => opts.next({ ctx: opts.ctx })',
    'async ({ ctx, input: { id: key, }, next }) => next({ ctx: { key } })',
    'async function named(opts) { const { ctx, next } = opts; return next({ ...opts.ctx, ctx }); }',
    'async function* ({ input }) { yield* input; }',
    'function () { return 1; }',
  ])('that is %s, reads its options by name only', (text) => {
    expect(hasOnlyNamedReads(functionOf(text))).toBe(true);
  });

  it.each([
    '(opts) => opts',
    '(opts) => ({ ...opts })',
    '(opts) => f(opts)',
    '(opts) => { const { ctx, ...rest } = opts; return rest; }',
    '(opts) => { const { ctx } = opts, all = opts; return all; }',
    '(opts) => { let ctx; return ({ ctx } = opts); }',
    '(opts) => { const key = Symbol(), { [key]: ctx } = opts; }',
    '(opts) => { const ctx = opts[`ctx`]; }',
    '({ ctx, ...rest }) => rest',
    '({ ctx: { ...rest } }) => rest',
    '({ ctx = 1 }) => ctx',
    '(opts = {}) => 1',
    '(...all) => all',
    '([first]) => first',
    '(opts, more) => 1',
    'function (opts) { return arguments[0]; }',
    'function () { return arguments[0]; }',
    '(opts) => eval("opts")',
    '($opts) => $opts',
    '(() => 1).bind(undefined)',
    'new Proxy(() => 1, {})',
    '{ method(opts) { return opts.ctx; } }.method',
    'class { constructor(opts) { this.opts = opts; } }',
  ])('that is %s, is not known to', (text) => {
    expect(hasOnlyNamedReads(functionOf(text))).toBe(false);
  });

  it('is not what is not one', () => {
    expect(hasOnlyNamedReads(undefined)).toBe(false);
    expect(hasOnlyNamedReads('(opts) => opts.ctx')).toBe(false);
  });

  /** Evaluated, so that no compiler rewrites it. */
  function functionOf(text: string): unknown {
    const expression = text.startsWith('{')
      ? `(${text.replace('}.method', '}).method')}`
      : `(${text})`;
    return new Function(`return ${expression}`)() as unknown;
  }
});

interface Raw {
  readonly getRawInput: () => Promise<unknown>;
}

class TestCall implements ProcedureCall {
  readonly path: string;
  readonly type: ProcedureCall['type'];
  readonly input: unknown;
  readonly lastEventId: string | undefined;
  readonly ctx: unknown;
  readonly batchIndex: number;
  readonly #signal: AbortSignal;
  signalReads = 0;

  constructor(call: Partial<ProcedureCall>) {
    this.path = call.path ?? 'it';
    this.type = call.type ?? 'query';
    this.input = call.input;
    this.lastEventId = call.lastEventId;
    this.ctx = 'ctx' in call ? call.ctx : {};
    this.batchIndex = call.batchIndex ?? 0;
    this.#signal = call.signal ?? new AbortController().signal;
  }

  get signal(): AbortSignal {
    this.signalReads += 1;
    return this.#signal;
  }
}

/** A runner that has made up its mind about the quick path. */
async function runnerOf(router: AnyTRPCRouter, quick: boolean): Promise<RunProcedure> {
  const runner = createProcedureRunner(router, { quick });
  await quickPathModel();
  return runner;
}

/** Told by the signal, which the public path has to read. The procedure must not. */
async function pathTaken(runner: RunProcedure, path = 'it'): Promise<string> {
  const call = new TestCall({ path });
  await runner(call).catch(() => undefined);
  return call.signalReads === 0 ? 'the quick path' : 'the public path';
}

async function errorOf(promise: Promise<unknown>): Promise<TRPCError> {
  const error: unknown = await promise.then(
    (value) => expect.fail(`did not fail, but gave ${String(value)}`),
    (cause: unknown) => cause,
  );
  if (!(error instanceof TRPCError)) expect.fail(`is no TRPCError: ${String(error)}`);
  return error;
}

function withDeserialiser(deserialize: (value: unknown) => unknown) {
  const serialize = (value: unknown) => value;
  return initTRPC.create({ transformer: { serialize, deserialize } });
}

/** Gives the items, and throws those which are errors. */
async function* items(...given: unknown[]): AsyncGenerator<unknown> {
  for (const item of given) {
    if (item instanceof Error) throw item;
    yield item;
  }
}

async function collect(iterable: unknown, into: unknown[]): Promise<unknown[]> {
  for await (const item of iterable as AsyncIterable<unknown>) into.push(item);
  return into;
}

function itemsOf(iterable: unknown): Promise<unknown[]> {
  return collect(iterable, []);
}

type Builder = typeof t.procedure;

/** What the procedures of the property are made of. Each logs what it sees. */
const STEPS: Readonly<Record<string, (procedure: Builder) => unknown>> = {
  look: (it) =>
    it.use(async ({ ctx, input, meta, getRawInput, next }) => {
      ctx.log.push(Object.keys(ctx), input, meta, await getRawInput());
      const answer = await next();
      ctx.log.push({ ...answer });
      return answer;
    }),
  list: (it) => it.use((opts) => (opts.ctx.log.push(Object.keys(opts).sort()), opts.next())),
  extend: (it) => it.use(({ next }) => next({ ctx: { user: 'somebody', added: 1 } })),
  replaceInput: (it) => it.use(({ next }) => next({ input: { text: 'replaced', replaced: 1 } })),
  dropInput: (it) => it.use(({ next }) => next({ input: undefined })),
  replaceRaw: (it) => it.use(({ next }) => next({ getRawInput: async () => ({ text: 'raw' }) })),
  parse: (it) => it.input(z.object({ text: z.string() })),
  parseNumber: (it) => it.input(z.object({ count: z.coerce.number().default(1) })),
  output: (it) => it.output(z.object({ text: z.string() }).nullable()),
  errors: (it) => it.errors(({ shape, input }) => ({ ...shape, data: { input, own: true } })),
  errorsOfSome: (it) =>
    it.errors(({ error, shape }) =>
      error.code === 'BAD_REQUEST' ? { ...shape, message: 'bad' } : undefined,
    ),
  meta: (it) => it.meta({ role: 'reader' }),
  retry: (it) =>
    it.use(async ({ next }) => {
      const answer = await next();
      return answer.ok ? answer : next({ input: { text: 'again' } });
    }),
  throwUndefined: (it) =>
    it.use(() => {
      throw undefined;
    }),
  silent: (it) => it.use((() => undefined) as never),
  odd: (it) => it.use((() => 'odd') as never),
};

/** A second output parser is an error when a procedure is made. */
function withOneOutput(steps: readonly string[]): string[] {
  return steps.filter((step, index) => step !== 'output' || steps.indexOf(step) === index);
}

function procedureOf(steps: readonly string[]) {
  const procedure = steps.reduce((so, step) => STEPS[step]!(so) as Builder, t.procedure);
  return procedure.query(({ ctx, input }) => {
    ctx.log.push(input);
    if ((input as { text?: unknown } | undefined)?.text === 'throw') throw new Error('thrown');
    return input ?? null;
  });
}
