import { setTimeout } from 'node:timers/promises';
import { initTRPC } from '@trpc/server';
import { createServer } from '@openline/server';
import * as z from 'zod';

const t = initTRPC.create();
const router = t.router({
  greet: t.procedure.input(z.object({ name: z.string() })).query(({ input }) => {
    return `Hello, ${input.name}`;
  }),
  countdown: t.procedure.input(z.number().max(10)).subscription(async function* ({ input }) {
    for (let left = input; left > 0; left--) {
      yield left;
      await setTimeout(1_000);
    }
  }),
});

const server = createServer({ router });
export type Server = typeof server;
const { url } = await server.listen(4000);
console.log(`Listening on ${url}`);
