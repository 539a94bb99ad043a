import { initTRPC } from '@trpc/server';

const t = initTRPC.context<{ readonly user: string }>().create();

/** Who ordered what. */
export const orders: string[] = [];
export const router = t.router({
  pay: t.procedure
    .input((order) => String(order))
    .mutation(async ({ ctx, input }) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      orders.push(`${ctx.user} pays ${input}`);
      return orders.length;
    }),
});
