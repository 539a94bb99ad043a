import { setTimeout as sleep } from 'node:timers/promises';
import { initTRPC } from '@trpc/server';
import { outcomeOf } from '@openline/client';
import type { Session } from '@openline/server';
import { simulate, SimulationError, type SimulateOptions } from '@openline/testkit';
import { describe, expect, it } from 'vitest';

const t = initTRPC.context<{ readonly user: string }>().create();
let paid = 0;
const router = t.router({
  pay: t.procedure
    .input((value) => value as { readonly takesMs: number })
    .mutation(async ({ input, ctx }) => {
      await sleep(input.takesMs);
      paid++;
      return ctx.user;
    }),
  count: t.procedure.subscription(async function* () {
    for (let i = 1; i <= 5; i++) {
      yield i;
      await sleep(50);
    }
  }),
});
type Router = typeof router;
type Options = SimulateOptions<Router>;

const context = { user: 'ada' };

function failureOf(options: Partial<Options> & Pick<Options, 'play'>): Promise<SimulationError> {
  return simulate({ router, context, seeds: 50, ...options }).then(
    () => expect.unreachable('it found nothing'),
    (error: unknown) => error as SimulationError,
  );
}

describe('a simulation of a router', () => {
  it('plays once for each seed, with every call gone through whatever befalls the line', async () => {
    paid = 0;
    const { seeds, faults } = await simulate({
      router,
      context: (session: Session) => ({ user: `user of ${session.id}` }),
      seeds: 60,
      async play({ api }) {
        for (let i = 0; i < 5; i++) {
          expect(await api.pay.mutate({ takesMs: 100 })).toMatch(/^user of/);
        }
        const items: number[] = [];
        for await (const item of api.count.subscribe()) items.push(item);
        expect(items).toEqual([1, 2, 3, 4, 5]);
      },
    });
    expect(seeds).toBe(60);
    expect(paid).toBe(300);
    const happened = [...faults.keys()];
    expect(happened).toEqual(expect.arrayContaining(['cut', 'half-open', 'sleep', 'stop-server']));
    expect(happened).not.toContain('kill-server');
    expect(happened).not.toContain('drain-server');
  });

  it('ends sessions too, where it is told to', async () => {
    const outcomes = new Set<string>();
    const { faults } = await simulate({
      router,
      context,
      seeds: 80,
      endsSessions: true,
      async play({ api }) {
        for (let i = 0; i < 5; i++) {
          const call = api.pay.mutate({ takesMs: 100 });
          outcomes.add(await call.then(() => 'result', outcomeOf));
        }
      },
    });
    expect([...faults.keys()]).toEqual(expect.arrayContaining(['kill-server', 'drain-server']));
    expect([...outcomes].sort()).toEqual(['result', 'unknown']);
  });

  it('tells the first seed with which the play is rejected, and why', async () => {
    const seen: number[] = [];
    const error = await failureOf({
      from: 3,
      async play({ api, line, seed }) {
        if (seen.at(-1) !== seed) seen.push(seed);
        await api.pay.mutate({ takesMs: 500 });
        const state = line.state.get();
        if (state.status === 'open') expect(state.resumed).toBe(0);
      },
    });
    expect(error).toBeInstanceOf(SimulationError);
    expect(error.seed).toBe(seen.at(-1));
    expect(seen).toEqual(seen.map((_, index) => index + 3));
    expect(error.message).toContain(`with seed ${error.seed}`);
    expect(error.message).toContain('fault: the play was rejected: expected 1 to be');
    expect(error.cause).toMatchObject({ actual: 1, expected: 0 });
  });

  it('plays a seed again as it was, and leaves out of it what does not matter', async () => {
    const play: Options['play'] = async ({ api }) => {
      const beganAtMs = performance.now();
      await api.pay.mutate({ takesMs: 300 });
      if (performance.now() - beganAtMs > 4_000) throw new Error('it took too long');
    };
    const first = await failureOf({ play });
    const again = await failureOf({ play, from: first.seed, seeds: 1 });
    expect(again.story).toBe(first.story);
    const steps = first.story.split('the story:\n')[1]?.split('\nwhat happened:')[0] ?? '';
    expect(steps.split('\n').length).toBeLessThanOrEqual(2);
  });

  it('finds a play that does not come to its end', async () => {
    const error = await failureOf({ play: () => new Promise(() => {}) });
    expect(error.seed).toBe(1);
    expect(error.story).toContain('silent: the play did not come to its end');
  });

  it('finds what a procedure leaves behind', async () => {
    const leaky = t.router({
      watch: t.procedure.mutation(() => void setInterval(() => {}, 10_000)),
    });
    const play: SimulateOptions<typeof leaky>['play'] = ({ api }) => api.watch.mutate();
    const error: unknown = await simulate({ router: leaky, context, seeds: 1, play }).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toContain('leaked: held at the end: 1 timers');
  });

  it.each([{ seeds: 0 }, { seeds: 1.5 }, { from: 0 }, { faultsWithinMs: -1 }])(
    'refuses %o',
    async (wrong) => {
      const options = { router, context, seeds: 1, play: async () => {}, ...wrong };
      await expect(simulate(options)).rejects.toThrow(RangeError);
    },
  );
});
