/** Puts a router of its own under a bad network, and prints what came of it. */
import { simulate, testLine } from '@openline/testkit';
import { initTRPC } from '@trpc/server';

const t = initTRPC.context<{ readonly user: string }>().create();
let runs = 0;
const router = t.router({
  greet: t.procedure.mutation(async ({ ctx }) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    runs++;
    return `hello ${ctx.user}`;
  }),
});
const context = { user: 'ada' };

const { api: calls, network, clock, close } = testLine({ router, context });
const call = calls.greet.mutate();
await clock.advance(50);
network.cut();
await clock.advance(1_000);
const greeting = await call;
await close();
const greeted = runs;

runs = 0;
const { seeds } = await simulate({
  router,
  context,
  seeds: 5,
  async play({ api }) {
    const said: string = await api.greet.mutate();
    if (said !== 'hello ada') throw new Error(said);
    // @ts-expect-error: there is no such procedure.
    void api.part;
  },
});

console.log(JSON.stringify({ node: process.version, greeting, greeted, seeds, runs }));
