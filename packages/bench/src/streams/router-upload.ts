import { streams } from '@openline/server';
import { z } from 'zod';
import { procedures, t } from './router.ts';
import { ItemChecker } from './workload.ts';

/** What every system serves, and what stock tRPC over ws has not: a stream from client to server. */
export const router = t.router({
  ...procedures,
  upload: t.procedure
    .input(z.object({ bytes: z.number() }))
    .input(streams({ items: z.object({ n: z.number(), text: z.string() }) }))
    .mutation(async ({ input: { bytes, items } }) => {
      const checker = new ItemChecker(bytes);
      for await (const item of items) checker.check(item);
      return checker.count;
    }),
});
export type RouterWithUpload = typeof router;
