import { createServer } from '@openline/server';
import { initTRPC } from '@trpc/server';
import { z } from 'zod';

const t = initTRPC.create();

const appRouter = t.router({
  greet: t.procedure.input(z.object({ name: z.string() })).query(({ input }) => ({
    greeting: `hello ${input.name}`,
  })),
  add: t.procedure
    .input(z.tuple([z.number(), z.number()]))
    .mutation(({ input: [left, right] }) => left + right),
  count: t.procedure.input(z.object({ to: z.number() })).subscription(async function* ({ input }) {
    for (let number = 1; number <= input.to; number += 1) yield number;
  }),
});

export type AppRouter = typeof appRouter;

export const server = createServer({ router: appRouter });
