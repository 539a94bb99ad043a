import { openLine } from '@openline/client';
import {
  createServer,
  each,
  isStreamInput,
  stream,
  streams,
  type StandardSchemaV1,
  type StreamInput,
} from '@openline/server';
import { initTRPC, type inferRouterInputs, type inferRouterOutputs } from '@trpc/server';
import superjson from 'superjson';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';

/** A schema of no library: takes a text, and gives a number. */
declare const Digits: StandardSchemaV1<string, number>;
const Point = z.object({ x: z.coerce.number<string>(), y: z.number().default(0) });
interface PointInput {
  x: string;
  y?: number | undefined;
}
interface PointOutput {
  x: number;
  y: number;
}
const Score = z.object({ home: z.number(), at: z.date() });
type Score = z.output<typeof Score>;
declare const score: Score;

async function* scores(): AsyncGenerator<Score, void, undefined> {
  yield score;
}

const plain = initTRPC.create();
const rich = initTRPC.create({ transformer: superjson });
const plainRouter = plain.router({
  fields: plain.procedure
    .input(z.object({ room: z.string() }))
    .input(streams({ points: Point, digits: Digits }))
    .mutation(({ input }) => {
      expectTypeOf(input.room).toEqualTypeOf<string>();
      expectTypeOf(input.points).toEqualTypeOf<AsyncIterable<PointOutput, void, undefined>>();
      expectTypeOf(input.digits).toEqualTypeOf<AsyncIterable<number, void, undefined>>();
      return input.room;
    }),
  whole: plain.procedure.input(stream(Point)).query(({ input }) => {
    expectTypeOf(input).toEqualTypeOf<AsyncIterable<PointOutput, void, undefined>>();
    return 1;
  }),
  deep: plain.procedure
    .input(
      z.object({
        parts: z.array(
          z.object({
            items: z.custom<StreamInput<string>>(isStreamInput).transform(each(Digits)),
          }),
        ),
      }),
    )
    .mutation(({ input }) => {
      type Items = (typeof input.parts)[number]['items'];
      expectTypeOf<Items>().toEqualTypeOf<AsyncIterable<number, void, undefined>>();
    }),
  scores: plain.procedure.query(scores),
  two: plain.procedure.mutation(() => ({ name: 'two', home: scores(), away: scores() })),
  readable: plain.procedure.query(() => ({ texts: new ReadableStream<string>() })),
  follow: plain.procedure.input(stream(z.number())).subscription(({ input }) => input),
});
const richRouter = rich.router({
  save: rich.procedure.input(stream(Score)).mutation(({ input }) => {
    expectTypeOf(input).toEqualTypeOf<AsyncIterable<Score, void, undefined>>();
    return scores();
  }),
  two: rich.procedure.query(() => ({ at: new Date(), home: scores() })),
});

const server = createServer({ router: plainRouter });
const url = 'ws://localhost/rpc';
const api = openLine<typeof server>({ url }).client();
const richApi = openLine<typeof richRouter>({ url }).client({ transformer: superjson });

type ItemOf<T> = T extends AsyncIterable<infer Item> ? Item : never;
type Resolved<F extends (...input: never) => Promise<unknown>> = Awaited<ReturnType<F>>;

declare const points: AsyncIterable<PointInput>;
declare const readablePoints: ReadableStream<PointInput>;
declare const texts: AsyncIterable<string>;

describe('an input with streams', () => {
  it('takes async iterables and ReadableStreams of what its schema takes', () => {
    void api.fields.mutate({ room: 'r', points, digits: texts });
    void api.fields.mutate({
      room: 'r',
      points: readablePoints,
      digits: new ReadableStream<string>(),
    });
    void api.whole.query(points);
    void api.whole.query(readablePoints);
    void api.whole.query(
      (async function* () {
        yield { x: '1' };
        yield { x: '2', y: 3 };
      })(),
    );
    void api.deep.mutate({ parts: [{ items: texts }, { items: new ReadableStream<string>() }] });
    void richApi.save.mutate(scores());
  });

  it('has the same type for who infers it', () => {
    type Inputs = inferRouterInputs<typeof plainRouter>;
    expectTypeOf<Inputs['whole']>().toEqualTypeOf<StreamInput<PointInput>>();
    expectTypeOf<Inputs['fields']['digits']>().toEqualTypeOf<StreamInput<string>>();
    expectTypeOf<Inputs['fields']['room']>().toEqualTypeOf<string>();
    expectTypeOf<Inputs['deep']['parts'][number]['items']>().toEqualTypeOf<StreamInput<string>>();
    const caller = plainRouter.createCaller({});
    expectTypeOf(caller.whole).parameter(0).toEqualTypeOf<StreamInput<PointInput>>();
  });

  it('takes nothing else', () => {
    // @ts-expect-error -- An array is no stream.
    void api.whole.query([{ x: '1' }]);
    // @ts-expect-error -- A plain generator is none either.
    void api.whole.query([{ x: '1' }].values());
    // @ts-expect-error -- A text is no stream of its characters.
    void api.fields.mutate({ room: 'r', points, digits: 'text' });
    // @ts-expect-error -- The item is what the schema gives, and not what it takes.
    void api.whole.query(new ReadableStream<PointOutput>());
    // @ts-expect-error -- An item is of another type.
    void api.fields.mutate({ room: 'r', points: texts, digits: texts });
    // @ts-expect-error -- Bytes are no texts.
    void api.fields.mutate({ room: 'r', points, digits: new ReadableStream<Uint8Array>() });
    // @ts-expect-error -- A stream is missing.
    void api.fields.mutate({ room: 'r', points });
    // @ts-expect-error -- A field beside the streams is missing.
    void api.fields.mutate({ points, digits: texts });
    // @ts-expect-error -- Deep inside, too.
    void api.deep.mutate({ parts: [{ items: ['1'] }] });
    // @ts-expect-error -- A date is no text.
    void richApi.save.mutate(new ReadableStream<{ home: number; at: string }>());
  });

  it('is made of schemas alone', () => {
    // @ts-expect-error -- What is no schema says nothing of an item.
    stream('text');
    // @ts-expect-error -- Each field has one.
    streams({ lines: z.string(), other: Date });
    // @ts-expect-error -- A stream is of items, and has a schema for them.
    stream();
    // @ts-expect-error -- What `each` gives takes a stream.
    each(Digits)(['1']);
  });
});

describe('what a procedure returns', () => {
  it('is a stream of what comes through JSON', () => {
    type Item = ItemOf<Resolved<typeof api.scores.query>>;
    expectTypeOf<Item>().toEqualTypeOf<{ home: number; at: string }>();
    type Two = Resolved<typeof api.two.mutate>;
    expectTypeOf<Two['name']>().toEqualTypeOf<string>();
    expectTypeOf<ItemOf<Two['home']>>().toEqualTypeOf<{ home: number; at: string }>();
    type Readable = Resolved<typeof api.readable.query>['texts'];
    expectTypeOf<ItemOf<Readable>>().toEqualTypeOf<string>();
  });

  it('is a stream of what comes through a transformer', () => {
    expectTypeOf<ItemOf<Resolved<typeof richApi.save.mutate>>>().toEqualTypeOf<Score>();
    type Two = Resolved<typeof richApi.two.query>;
    expectTypeOf<Two['at']>().toEqualTypeOf<Date>();
    expectTypeOf<ItemOf<Two['home']>>().toEqualTypeOf<Score>();
    type Outputs = inferRouterOutputs<typeof richRouter>;
    expectTypeOf<ItemOf<Outputs['save']>>().toEqualTypeOf<Score>();
  });

  it('is iterated, and is no array', async () => {
    for await (const { home } of await api.scores.query()) {
      expectTypeOf(home).toEqualTypeOf<number>();
    }
    const items = await api.scores.query();
    // @ts-expect-error -- It has to be waited for.
    for (const item of items) void item;
    // @ts-expect-error -- It has no length.
    void items.length;
  });
});

describe('a subscription with a stream as its input', () => {
  it('gives items of what its procedure gives', () => {
    api.follow.subscribe(
      (async function* () {
        yield 1;
      })(),
      { onData: (item) => expectTypeOf(item).toEqualTypeOf<number>() },
    );
    // @ts-expect-error -- An item is of another type.
    api.follow.subscribe(texts, {});
  });
});
