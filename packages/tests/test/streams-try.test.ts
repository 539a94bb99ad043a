import { initTRPC, tracked } from '@trpc/server';
import { openLine } from '@openline/client';
import { createServer, streams } from '@openline/server';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { closing, listen } from './client-support.ts';

it('works', async () => {
  const t = initTRPC.create();
  let produced = 0;
  const router = t.router({
    upload: t.procedure
      .input(z.object({ room: z.string() }))
      .input(streams({ lines: z.string() }))
      .mutation(async ({ input }) => {
        const got: string[] = [];
        for await (const line of input.lines) got.push(line);
        return { room: input.room, count: got.length, last: got.at(-1) };
      }),
    list: t.procedure.query(async function* () {
      for (let i = 0; i < 1000; i++) yield i;
    }),
    both: t.procedure.query(() => ({
      name: 'x',
      a: (async function* () {
        yield 1;
        yield 2;
      })(),
      b: (async function* () {
        yield 'p';
        throw new Error('broken');
      })(),
    })),
    feed: t.procedure.subscription(async function* () {
      for (let i = 0; i < 3000; i++) {
        produced++;
        yield tracked(String(i), i);
      }
    }),
  });
  const server = createServer({ router });
  const { url } = await listen(server);
  const line = closing(openLine<typeof router>({ url }));
  const api = line.client();
  const n = 5000;
  const r = await api.upload.mutate({
    room: 'r',
    lines: (async function* () {
      for (let i = 0; i < n; i++) yield `line ${i}`;
    })(),
  });
  expect(r).toEqual({ room: 'r', count: n, last: `line ${n - 1}` });
  const list = await api.list.query();
  let sum = 0;
  for await (const i of list) sum += i;
  expect(sum).toBe(499500);
  const both = await api.both.query();
  const as: number[] = [];
  for await (const v of both.a) as.push(v);
  expect(as).toEqual([1, 2]);
  await expect(
    (async () => {
      for await (const v of both.b) expect(v).toBe('p');
    })(),
  ).rejects.toThrow('broken');
  const ids: string[] = [];
  await new Promise<void>((resolve, reject) => {
    api.feed.subscribe(undefined, {
      onData: ({ id }) => ids.push(id),
      onComplete: resolve,
      onError: reject,
    });
  });
  expect(ids.length).toBe(3000);
  expect(produced).toBe(3000);
});
