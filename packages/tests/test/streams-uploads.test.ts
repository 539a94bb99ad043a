import { initTRPC } from '@trpc/server';
import {
  each,
  isStreamInput,
  once,
  stream,
  streams,
  type StandardSchemaV1,
  type StreamInput,
} from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { leaveNoSocket, RUNNER_PATHS, runBy } from './server-support.ts';
import { collect, counting, generate, start, upTo } from './streams-support.ts';

/** A schema of no library: a text, that is given with its length. */
const Measured: StandardSchemaV1<string, { readonly text: string; readonly length: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'string'
        ? { value: { text: value, length: value.length } }
        : { issues: [{ message: 'a text' }] },
  },
};
const Point = z.object({ x: z.coerce.number(), y: z.number().default(7) });
const Numbers = z.custom<StreamInput<number>>(isStreamInput).transform(each(z.number()));

function routerBy(path: (typeof RUNNER_PATHS)[number]) {
  const t = runBy(path, initTRPC.create());
  return t.router({
    fields: t.procedure
      .input(z.object({ room: z.string() }))
      .input(streams({ lines: z.string(), points: Point, measured: Measured }))
      .mutation(async ({ input: { room, lines, points, measured } }) => {
        const [last, ...others] = await Promise.all(
          [measured, points, lines].map(collect<unknown>),
        );
        return { room, streams: [...others, last] };
      }),
    whole: t.procedure.input(stream(z.number())).mutation(({ input }) => collect(input)),
    wholeOfQuery: t.procedure.input(stream(z.number())).query(({ input }) => collect(input)),
    deep: t.procedure
      .input(z.object({ parts: z.array(z.object({ name: z.string(), numbers: Numbers })) }))
      .mutation(async ({ input }) => {
        const parts: unknown[] = [];
        for (const { name, numbers } of input.parts) parts.push([name, await collect(numbers)]);
        return parts;
      }),
    unchecked: t.procedure
      .input((input) => input as { readonly items: AsyncIterable<unknown> })
      .mutation(({ input }) => collect(input.items)),
    subscribed: t.procedure.input(stream(z.number())).subscription(async function* ({ input }) {
      for await (const n of input) yield n * 2;
    }),
    once: t.procedure
      .concat(once)
      .input(stream(z.number()))
      .mutation(async ({ input }) => (await collect(input)).length),
    sum: t.procedure.input(streams({ numbers: z.number() })).mutation(async ({ input }) => {
      let sum = 0;
      for await (const n of input.numbers) sum += n;
      return sum;
    }),
  });
}

beforeEach(leaveNoSocket);

describe.each(RUNNER_PATHS)('an input with streams, by %s,', (path) => {
  const startApi = async () => (await start(routerBy(path))).line.client();

  it('brings 10,000 items, each once and in order', async () => {
    const api = await startApi();
    const source = counting(10_000);
    expect(await api.whole.mutate(source.items())).toEqual(upTo(10_000));
    expect([source.produced, source.isClosed]).toEqual([10_000, true]);
  });

  it('has several beside its plain fields, each in the form that its schema gives', async () => {
    const api = await startApi();
    const answer = await api.fields.mutate({
      room: 'blue',
      lines: generate('a', 'b'),
      points: generate({ x: '1' }, { x: 2, y: 3 }),
      measured: generate('four'),
    });
    expect(answer).toEqual({
      room: 'blue',
      streams: [
        [
          { x: 1, y: 7 },
          { x: 2, y: 3 },
        ],
        ['a', 'b'],
        [{ text: 'four', length: 4 }],
      ],
    });
  });

  it('has them deep in objects and arrays', async () => {
    const api = await startApi();
    const parts = [
      { name: 'some', numbers: generate(1, 2) },
      { name: 'none', numbers: generate<number>() },
      { name: 'many', numbers: counting(500).items() },
    ];
    expect(await api.deep.mutate({ parts })).toEqual([
      ['some', [1, 2]],
      ['none', []],
      ['many', upTo(500)],
    ]);
  });

  it('that is a stream as a whole, of a query as well', async () => {
    const api = await startApi();
    expect(await api.wholeOfQuery.query(generate(1, 2, 3))).toEqual([1, 2, 3]);
  });

  it('that is empty ends at once', async () => {
    const api = await startApi();
    expect(await api.whole.mutate(generate<number>())).toEqual([]);
  });

  it('takes a ReadableStream, and leaves it closed', async () => {
    const api = await startApi();
    const readable = new ReadableStream<number>({
      start(controller) {
        for (const n of upTo(100)) controller.enqueue(n);
        controller.close();
      },
    });
    expect(await api.whole.mutate(readable)).toEqual(upTo(100));
    await expect(readable.getReader().closed).resolves.toBe(undefined);
  });

  it('takes what has only the members of a ReadableStream', async () => {
    const api = await startApi();
    const numbers = upTo(40);
    const readable = {
      getReader: () => ({
        read: async () => {
          const value = numbers.shift();
          return value === undefined
            ? ({ done: true, value } as const)
            : ({ done: false, value } as const);
        },
        releaseLock: () => {},
      }),
      cancel: () => Promise.resolve(),
    };
    expect(await api.whole.mutate(readable)).toEqual(upTo(40));
  });

  it('needs no schema of ours', async () => {
    const api = await startApi();
    const items = [null, 'text', { deep: [1] }];
    expect(await api.unchecked.mutate({ items: generate<unknown>(...items) })).toEqual(items);
  });

  it('goes with a subscription, both directions at once', async () => {
    const api = await startApi();
    const doubled: number[] = [];
    await new Promise<void>((resolve, reject) => {
      api.subscribed.subscribe(counting(1_000).items(), {
        onData: (n) => doubled.push(n),
        onComplete: resolve,
        onError: reject,
      });
    });
    expect(doubled).toEqual(upTo(1_000).map((n) => n * 2));
  });

  it('goes with a procedure that is marked once', async () => {
    const api = await startApi();
    expect(await api.once.mutate(counting(300).items())).toBe(300);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an array', [1, 2]],
    ['an object', {}],
    ['a text', 'text'],
  ])('that has %s in the place of a stream is refused', async (_what, numbers) => {
    const api = await startApi();
    const call = api.sum.mutate({ numbers } as never);
    await expect(call).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } });
    await expect(api.whole.mutate(numbers as never)).rejects.toMatchObject({
      data: { code: 'BAD_REQUEST' },
    });
  });
});

describe('many calls with streams at once', () => {
  it('do not mix their items', async () => {
    const { line } = await start(routerBy('the quick path'));
    const api = line.client();
    const calls = upTo(50).map((n) => api.sum.mutate({ numbers: generate(...upTo(n)) }));
    expect(await Promise.all(calls)).toEqual(
      upTo(50).map((n) => upTo(n).reduce((sum, m) => sum + m, 0)),
    );
  });

  it('have up to 32 streams each, and with one more are not sent', async () => {
    const { line } = await start(routerBy('the quick path'));
    const parts = (count: number) =>
      upTo(count).map((n) => ({ name: `${n}`, numbers: generate(n) }));
    const api = line.client();
    expect(await api.deep.mutate({ parts: parts(32) })).toHaveLength(32);
    await expect(api.deep.mutate({ parts: parts(33) })).rejects.toMatchObject({
      meta: { openline: { code: 'ENCODING', outcome: 'not-executed' } },
    });
  });
});

describe('the caller of a router on the server', () => {
  it('takes streams as a client does', async () => {
    const api = routerBy('the quick path').createCaller({});
    expect(await api.whole(generate(1, 2))).toEqual([1, 2]);
    expect(await api.deep({ parts: [{ name: 'a', numbers: generate(1) }] })).toEqual([['a', [1]]]);
    const points = generate({ x: '1' });
    const input = { room: 'r', lines: generate('l'), points, measured: generate('m') };
    expect(await api.fields(input)).toMatchObject({ streams: [[{ x: 1, y: 7 }], ['l'], [{}]] });
    await expect(api.whole(generate('one' as never))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});
