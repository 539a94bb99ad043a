import { initTRPC } from '@trpc/server';
import { openLine } from '@openline/client';
import { createServer, stream, streams } from '@openline/server';
import { transformer } from '@openline/transformer';
import superjson from 'superjson';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { closing, failureOf, listen } from './client-support.ts';
import { leaveNoSocket } from './server-support.ts';
import { collect, generate, readToFailure, start, Tap, upTo } from './streams-support.ts';

/** Values of which JSON alone would lose something, another one for each `n`. */
function richOf(n: number) {
  return { at: new Date(n), cents: BigInt(n) * 10n ** 20n, tags: new Set([n]), none: undefined };
}
const RICH = upTo(300).map(richOf);
const Rich = z.object({
  at: z.date(),
  cents: z.bigint(),
  tags: z.set(z.number()),
  none: z.undefined(),
});
const Bytes = z.instanceof(Uint8Array);
const bytesOf = (n: number) => new Uint8Array(1_000).fill(n % 256);

const MIB = 1_048_576;
const LARGE = upTo(8).map((n) => `${n}`.repeat(MIB));

beforeEach(leaveNoSocket);

describe.each([
  ['superjson', superjson],
  ['that of @openline/transformer', transformer],
])('streams through a transformer, %s,', (_name, given) => {
  const t = initTRPC.create({ transformer: given, isDev: false });
  const router = t.router({
    echo: t.procedure
      .input(z.object({ since: z.date() }))
      .input(streams({ items: Rich }))
      .mutation(({ input: { since, items } }) => ({ since, items, twice: generate(since, since) })),
    upload: t.procedure
      .input(stream(Rich))
      .mutation(async ({ input }) => ({ all: await collect(input) })),
    breaks: t.procedure.query(async function* () {
      yield richOf(0);
      throw new Error('out of paper');
    }),
    follow: t.procedure.input(stream(Rich)).subscription(({ input }) => input),
  });
  const startApi = async () => {
    const { url } = await listen(createServer({ router }));
    return closing(openLine<typeof router>({ url })).client({ transformer: given });
  };

  it('carry each item as it was, both ways, beside what they are in', async () => {
    const api = await startApi();
    const since = new Date(5);
    const answer = await api.echo.mutate({ since, items: new Tap(300, richOf).items() });
    expect(answer.since).toEqual(since);
    expect(await collect(answer.items)).toEqual(RICH);
    expect(await collect(answer.twice)).toEqual([since, since]);
  });

  it('carry items up, and what is made of them down in one', async () => {
    const api = await startApi();
    expect(await api.upload.mutate(generate(...RICH))).toEqual({ all: RICH });
  });

  it('carry the error of a generator as that of a call', async () => {
    const api = await startApi();
    const { items, error } = await readToFailure(await api.breaks.query());
    expect(items).toEqual([richOf(0)]);
    expect(error).toMatchObject({ message: 'out of paper', data: { path: 'breaks' } });
  });

  it('carry items of a subscription that come in', async () => {
    const api = await startApi();
    const followed: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      api.follow.subscribe(generate(...RICH), {
        onData: (item) => followed.push(item),
        onComplete: resolve,
        onError: reject,
      });
    });
    expect(followed).toEqual(RICH);
  });
});

describe('streams of bytes, through the transformer of @openline/transformer,', () => {
  const t = initTRPC.create({ transformer, isDev: false });
  const router = t.router({
    echo: t.procedure.input(stream(Bytes)).mutation(({ input }) => input),
    whole: t.procedure.input(stream(Bytes)).mutation(async ({ input }) => {
      let length = 0;
      for await (const bytes of input) length += bytes.length;
      return length;
    }),
    readable: t.procedure.query(
      () =>
        new ReadableStream<Uint8Array>({
          start(controller) {
            for (const n of upTo(100)) controller.enqueue(bytesOf(n));
            controller.close();
          },
        }),
    ),
  });
  const startApi = async () => {
    const { url } = await listen(createServer({ router }));
    return closing(openLine<typeof router>({ url })).client({ transformer });
  };

  it('come as they were, both ways', async () => {
    const api = await startApi();
    const items = await api.echo.mutate(new Tap(100, bytesOf).items());
    expect(await collect(items)).toEqual(upTo(100).map(bytesOf));
  });

  it('may be of a file or of a request: a ReadableStream of Uint8Arrays', async () => {
    const api = await startApi();
    expect(await api.whole.mutate(new Blob(LARGE).stream())).toBe(8 * MIB);
  });

  it('may be returned as a ReadableStream', async () => {
    const api = await startApi();
    // Its type is that of the procedure; what can be relied on is that it is an async iterable.
    const items = (await api.readable.query()) as AsyncIterable<Uint8Array>;
    expect(await collect(items)).toEqual(upTo(100).map(bytesOf));
  });
});

describe('items of 1 MiB each', () => {
  const t = initTRPC.create({ isDev: false });
  const router = t.router({
    upload: t.procedure.input(stream(z.string())).mutation(async ({ input }) => {
      const lengths: number[] = [];
      for await (const item of input) lengths.push(item.length);
      return lengths;
    }),
    list: t.procedure.query(() => generate(...LARGE)),
    echo: t.procedure.input(stream(z.string())).query(({ input }) => input),
    of: t.procedure
      .input(z.object({ bytes: z.number() }))
      .query(({ input }) => generate('small', 'a'.repeat(input.bytes), 'never')),
  });

  it('go up, in pieces', async () => {
    const { line } = await start(router);
    const lengths = await line.client().upload.mutate(generate(...LARGE, '', 'a'));
    expect(lengths).toEqual([...LARGE.map(() => MIB), 0, 1]);
  });

  it('go down, in pieces', async () => {
    const { line } = await start(router);
    expect(await collect(await line.client().list.query())).toEqual(LARGE);
  });

  it('go up and down at once, of several calls and beside small ones', async () => {
    const { line } = await start(router);
    const api = line.client();
    const echoes = await Promise.all(upTo(6).map(() => api.echo.query(generate(...LARGE))));
    const [small, ...large] = await Promise.all([
      api.upload.mutate(generate(...upTo(500).map(String))),
      ...echoes.map(collect),
    ]);
    expect(small).toHaveLength(500);
    for (const items of large) expect(items).toEqual(LARGE);
  });

  it('end a call where one is larger than the server takes, and nothing else', async () => {
    const { line } = await start(router);
    const api = line.client();
    const failed = failureOf(api.upload.mutate(generate('a', 'a'.repeat(17 * MIB))));
    expect(await failed).toMatchObject({ meta: { openline: { outcome: 'unknown' } } });
    expect(await api.upload.mutate(generate('a'))).toEqual([1]);
  });

  it('end a stream where one is larger than the client takes, and nothing else', async () => {
    const { line } = await start(router);
    const api = line.client();
    const { items, error } = await readToFailure(await api.of.query({ bytes: 65 * MIB }));
    expect(items).toEqual(['small']);
    expect(error).toMatchObject({ data: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(await api.upload.mutate(generate('a'))).toEqual([1]);
  });
});
