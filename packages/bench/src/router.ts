import { initTRPC } from '@trpc/server';
import { answer, Input } from './workload.ts';

const t = initTRPC.create();

/** Served by stock tRPC and by Openline alike. Its one procedure is {@link PATH} of the workload. */
export const router = t.router({
  send: t.procedure.input(Input).mutation(({ input }) => answer(input)),
});
export type Router = typeof router;
