import { initTRPC, TRPCError } from '@trpc/server';
import { callOptions } from '@openline/client';
import { stream, streams } from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { deferred, failureOf, Queue, WORDS } from './client-support.ts';
import { aborted, eventually, leaveNoSocket } from './server-support.ts';
import { collect, counting, generate, readToFailure, start, upTo } from './streams-support.ts';

const t = initTRPC.create({ isDev: false });
const Numbers = stream(z.number());

/** Procedures that read their input in different ways, and what became of them there. */
function createApp() {
  const read = new Queue<{ readonly items: number[]; readonly error: unknown }>();
  const signals = new Queue<AbortSignal | undefined>();
  const later = new Queue<AsyncIterable<number>>();
  const router = t.router({
    sum: t.procedure.input(Numbers).mutation(async ({ input }) => (await collect(input)).length),
    watched: t.procedure.input(Numbers).mutation(async ({ input, signal }) => {
      signals.push(signal);
      const outcome = await readToFailure(input);
      read.push(outcome);
      throw outcome.error;
    }),
    unread: t.procedure.input(Numbers).mutation(() => 'not read'),
    first: t.procedure.input(Numbers).mutation(async ({ input }) => {
      for await (const n of input) return n;
      return undefined;
    }),
    firstThenWaits: t.procedure.input(Numbers).mutation(async ({ input, signal }) => {
      for await (const n of input) if (n === 20) break;
      signals.push(signal);
      await aborted(signal);
    }),
    twice: t.procedure.input(Numbers).mutation(async ({ input }) => {
      await collect(input);
      return collect(input);
    }),
    fails: t.procedure.input(Numbers).mutation(async ({ input }) => {
      for await (const n of input) if (n === 5) break;
      throw new TRPCError({ code: 'CONFLICT', message: 'enough' });
    }),
    survives: t.procedure.input(Numbers).mutation(async ({ input }) => {
      const { items, error } = await readToFailure(input);
      return { count: items.length, code: (error as TRPCError).code };
    }),
    one: t.procedure
      .input(streams({ a: z.number(), b: z.number() }))
      .mutation(({ input }) => collect(input.a)),
    keeps: t.procedure.input(Numbers).mutation(({ input }) => {
      later.push(input);
      return 'kept';
    }),
  });
  return { router, read, signals, later };
}

async function startApp() {
  const { router, ...app } = createApp();
  return { ...app, api: (await start(router, { keepAliveMs: 100 })).line.client() };
}

beforeEach(leaveNoSocket);

describe('a stream of an input whose source throws', () => {
  async function* breaking(count: number) {
    yield* upTo(count);
    throw new RangeError('out of paper');
  }

  it.each([0, 1, 500])('after %i items ends the call, and its procedure', async (count) => {
    const { api, read, signals } = await startApp();
    const error = await failureOf(api.watched.mutate(breaking(count)));
    const outcome = count === 0 ? expect.stringMatching(/unknown|not-executed/) : 'unknown';
    expect(error).toMatchObject({
      message: 'out of paper',
      cause: new RangeError('out of paper'),
      meta: { openline: { code: 'ABORTED', outcome, message: WORDS } },
    });
    if (count === 0) return;
    const { items, error: thrown } = await read.next();
    expect(items).toEqual(upTo(items.length));
    expect(thrown).toMatchObject({ code: 'CLIENT_CLOSED_REQUEST' });
    expect((await signals.next())?.aborted).toBe(true);
  });

  it('closes the other streams of the input', async () => {
    const { api } = await startApp();
    const other = counting();
    await failureOf(api.one.mutate({ a: breaking(3), b: other.items() }));
    await eventually(() => expect(other.isClosed).toBe(true));
  });

  it('as it is opened ends the call, too', async () => {
    const { api } = await startApp();
    const source = {
      [Symbol.asyncIterator]: (): AsyncIterator<number> => {
        throw new RangeError('cannot be opened');
      },
    };
    await expect(api.sum.mutate(source)).rejects.toThrow('cannot be opened');
  });
});

describe('an item that the schema refuses', () => {
  /** As {@link counting}, with one that is wrong. */
  function withWrong(at: number) {
    const source = counting();
    async function* items() {
      for await (const n of source.items()) yield n === at ? 'wrong' : n;
    }
    return { source, items: items() as AsyncIterable<number> };
  }

  it('at the thousandth ends the call as BAD_REQUEST, and closes the source', async () => {
    const { api } = await startApp();
    const { source, items } = withWrong(999);
    const error = await failureOf(api.sum.mutate(items));
    expect(error).toMatchObject({
      message: expect.stringContaining('an item of the stream is refused: ') as string,
      data: { code: 'BAD_REQUEST', path: 'sum' },
    });
    await eventually(() => expect(source.isClosed).toBe(true));
    expect(source.produced).toBeGreaterThanOrEqual(1_000);
  });

  it('is no end of the call where the procedure catches it, but one of the stream', async () => {
    const { api } = await startApp();
    const { source, items } = withWrong(30);
    expect(await api.survives.mutate(items)).toEqual({ count: 30, code: 'BAD_REQUEST' });
    await eventually(() => expect(source.isClosed).toBe(true));
  });

  it('does not say what was in it', async () => {
    const { api } = await startApp();
    const error = await failureOf(api.sum.mutate(generate('s3cret' as never)));
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it('by a schema that throws stops the source all the same', async () => {
    const closed = deferred<undefined>();
    const caught = deferred<unknown>();
    const source = counting();
    const Throws = z.number().transform((n) => {
      if (n === 3) throw new Error('from the schema');
      return n;
    });
    const { line } = await start(
      t.router({
        sum: t.procedure.input(stream(Throws)).mutation(async ({ input }) => {
          caught.resolve((await readToFailure(input)).error);
          await closed.promise;
        }),
      }),
    );
    const call = line.client().sum.mutate(source.items());
    expect(await caught.promise).toEqual(new Error('from the schema'));
    await eventually(() => expect(source.isClosed).toBe(true));
    closed.resolve(undefined);
    await call;
  });
});

describe('a procedure that does not read its input to the end', () => {
  it.each(['unread', 'first', 'fails'] as const)('closes the source: %s', async (name) => {
    const { api } = await startApp();
    const source = counting();
    const call = api[name].mutate(source.items());
    if (name === 'fails') await expect(call).rejects.toMatchObject({ data: { code: 'CONFLICT' } });
    else expect(await call).toBe({ unread: 'not read', first: 0 }[name]);
    await eventually(() => expect(source.isClosed).toBe(true));
  });

  it('closes the source while it runs on', async () => {
    const { api, signals } = await startApp();
    const source = counting();
    const controller = new AbortController();
    const call = api.firstThenWaits.mutate(source.items(), { signal: controller.signal });
    const signal = await signals.next();
    await eventually(() => expect(source.isClosed).toBe(true));
    expect(signal?.aborted).toBe(false);
    controller.abort();
    await failureOf(call);
  });

  it('waits for one of two alone', async () => {
    const { api } = await startApp();
    const other = counting();
    expect(await api.one.mutate({ a: generate(1, 2), b: other.items() })).toEqual([1, 2]);
    await eventually(() => expect(other.isClosed).toBe(true));
    expect(other.produced).toBeLessThanOrEqual(16);
  });

  it('cannot read it twice', async () => {
    const { api } = await startApp();
    await expect(api.twice.mutate(counting(10).items())).rejects.toMatchObject({
      message: 'a stream can be iterated once',
      data: { code: 'INTERNAL_SERVER_ERROR' },
    });
  });

  it('is thrown CLIENT_CLOSED_REQUEST where it reads on after it has answered', async () => {
    const { api, later } = await startApp();
    expect(await api.keeps.mutate(counting().items())).toBe('kept');
    const { items, error } = await readToFailure(await later.next());
    expect(items).toEqual(upTo(items.length));
    expect(error).toMatchObject({ code: 'CLIENT_CLOSED_REQUEST' });
  });
});

describe('a call with a stream that its caller ends', () => {
  it('before it is made takes nothing of its source', async () => {
    const { api } = await startApp();
    const source = counting();
    const error = await failureOf(api.sum.mutate(source.items(), { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({
      meta: { openline: { code: 'ABORTED', outcome: 'not-executed' } },
    });
    expect(source.produced).toBe(0);
  });

  it('in the middle closes its source, and its procedure is told twice', async () => {
    const { api, read, signals } = await startApp();
    const source = counting();
    const controller = new AbortController();
    const call = api.watched.mutate(source.items(), { signal: controller.signal });
    const signal = await signals.next();
    await eventually(() => expect(source.produced).toBeGreaterThan(100));
    controller.abort();
    expect(await failureOf(call)).toMatchObject({
      cause: expect.objectContaining({ name: 'AbortError' }) as Error,
      meta: { openline: { code: 'ABORTED', outcome: 'unknown' } },
    });
    await eventually(() => expect(source.isClosed).toBe(true));
    const { items, error } = await read.next();
    expect([items, signal?.aborted]).toEqual([upTo(items.length), true]);
    expect(error).toMatchObject({ code: 'CLIENT_CLOSED_REQUEST' });
  });

  it('by its timeout closes its source, and its procedure is told', async () => {
    const { api, read } = await startApp();
    const source = counting();
    const call = api.watched.mutate(source.items(), callOptions({ timeoutMs: 1_500 }));
    expect(await failureOf(call)).toMatchObject({
      meta: { openline: { code: 'TIMEOUT', outcome: 'unknown' } },
    });
    await eventually(() => expect(source.isClosed).toBe(true));
    expect((await read.next()).error).toMatchObject({ code: 'CLIENT_CLOSED_REQUEST' });
  });

  it('closes a ReadableStream with it', async () => {
    const { api, signals } = await startApp();
    const cancelled = deferred<undefined>();
    const controller = new AbortController();
    const readable = new ReadableStream<number>({
      pull: (to) => to.enqueue(1),
      cancel: () => cancelled.resolve(undefined),
    });
    const call = api.watched.mutate(readable, { signal: controller.signal });
    await signals.next();
    controller.abort();
    await failureOf(call);
    await cancelled.promise;
  });

  it('is told nothing of a source whose end throws', async () => {
    const { api } = await startApp();
    const reported = new Queue<unknown>();
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => reported.push(error));
    async function* source() {
      try {
        yield* upTo(100);
      } finally {
        throw new Error('from the finally'); // oxlint-disable-line no-unsafe-finally
      }
    }
    expect(await api.first.mutate(source())).toBe(0);
    expect(await reported.next()).toEqual(new Error('from the finally'));
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
});
