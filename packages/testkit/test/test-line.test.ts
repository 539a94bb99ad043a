import { setImmediate as turn } from 'node:timers/promises';
import { initTRPC, TRPCError } from '@trpc/server';
import { callOptions, lineError, outcomeOf } from '@openline/client';
import { testLine, testSession, type TestLine } from '@openline/testkit';
import type { Session } from '@openline/server';
import superjson from 'superjson';
import { afterEach, describe, expect, it } from 'vitest';

const t = initTRPC.context<{ readonly user: string }>().create();
let runs = 0;
const router = t.router({
  whoAmI: t.procedure.query(({ ctx }) => ctx.user),
  refuse: t.procedure.mutation(() => {
    throw new TRPCError({ code: 'CONFLICT', message: 'no' });
  }),
  wait: t.procedure
    .input((value) => value as number)
    .mutation(async ({ input, signal }) => {
      runs++;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, input);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(new Error('aborted'));
        });
      });
      return 'waited';
    }),
  count: t.procedure.subscription(async function* ({ signal }) {
    for (let i = 1; ; i++) {
      yield i;
      if (signal?.aborted === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }),
});

let open: TestLine<typeof router> | undefined;

function lineOf(
  context: { user: string } | ((session: Session) => { user: string }) = { user: 'ada' },
) {
  open = testLine({ router, context });
  return open;
}

afterEach(async () => {
  await open?.close();
  open = undefined;
  runs = 0;
});

describe('a test line', () => {
  it('calls the router with the context that it was given, without a wait', async () => {
    const { api, clock } = lineOf();
    expect(await api.whoAmI.query()).toBe('ada');
    expect(clock.nowMs).toBe(0);
  });

  it('makes the context of the session, where it is given a function', async () => {
    const { api, line } = lineOf(({ id }) => ({ user: `user of ${id}` }));
    const user = await api.whoAmI.query();
    const state = line.state.get();
    expect(user).toBe(`user of ${state.status === 'open' ? state.sessionId : 'nobody'}`);
  });

  it("gives the procedure's own error", async () => {
    const { api } = lineOf();
    const error: unknown = await api.refuse.mutate().catch((thrown: unknown) => thrown);
    expect(outcomeOf(error)).toBe('failed');
    expect(error).toMatchObject({ data: { code: 'CONFLICT' } });
  });

  it('lets time pass when it is told to, and not before', async () => {
    const { api, clock } = lineOf();
    let answer = 'none';
    void api.wait.mutate(20_000).then((given) => (answer = given));
    await clock.advance(19_999);
    expect(answer).toBe('none');
    await clock.advance(1);
    expect(answer).toBe('waited');
    expect(clock.nowMs).toBe(20_000);
  });

  it('ends a call whose time is over as one that may have run', async () => {
    const { api, clock } = lineOf();
    const call = api.wait.mutate(60_000, callOptions({ timeoutMs: 500 }));
    const caught = call.catch((error: unknown) => lineError(error));
    await clock.advance(500);
    expect(await caught).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  });

  it('runs a mutation once over a connection that is cut in the middle', async () => {
    const { api, network, clock, line } = lineOf();
    const call = api.wait.mutate(100);
    await clock.advance(50);
    network.cut();
    await clock.advance(1_000);
    expect(await call).toBe('waited');
    expect(runs).toBe(1);
    expect(line.state.get()).toMatchObject({ status: 'open', resumed: 1 });
  });

  it('finds a connection that is half open, and goes on over another one', async () => {
    const { api, network, clock, line } = lineOf();
    const items: number[] = [];
    const subscription = api.count.subscribe(undefined, { onData: (item) => items.push(item) });
    await clock.advance(250);
    network.halfOpen();
    await clock.advance(60_000);
    expect(line.state.get()).toMatchObject({ status: 'open', resumed: 1 });
    const before = items.length;
    await clock.advance(10_000);
    expect(items.length).toBeGreaterThan(before + 90);
    subscription.unsubscribe();
    // While nobody could be reached, it waited for its reader.
    expect(items).toEqual(items.map((_, index) => index + 1));
    expect(items.length).toBeGreaterThan(100);
  });

  it('delays what is sent until it heals', async () => {
    const { api, network, clock, line } = lineOf();
    await line.open();
    network.delay(50);
    let isAnswered = false;
    const call = api.whoAmI.query().then(() => (isAnswered = true));
    await clock.advance(99);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    await call;
    network.heal();
    await api.whoAmI.query();
    expect(clock.nowMs).toBe(100);
  });

  it("takes the router's transformer", async () => {
    const { router: dated } = (() => {
      const rich = initTRPC.create({ transformer: superjson });
      return { router: rich.router({ when: rich.procedure.query(() => new Date(7)) }) };
    })();
    const { api, close } = testLine({ router: dated, context: {} });
    expect(await api.when.query()).toEqual(new Date(7));
    await close();
  });

  it('gives the process its own clocks back', async () => {
    const { close, api } = lineOf();
    await api.whoAmI.query();
    const before = Date.now();
    await close();
    open = undefined;
    expect(Date.now()).not.toBe(before);
    await turn();
  });

  it('refuses to share its time with another one', () => {
    lineOf();
    expect(() => testLine({ router, context: { user: 'bob' } })).toThrow(TypeError);
  });
});

describe('a test session', () => {
  it('serves a caller without a client', async () => {
    const own = initTRPC.context<{ readonly session: Session }>().create();
    const app = own.router({ me: own.procedure.query(({ ctx }) => ctx.session.identity) });
    const session = testSession({ identity: 'ada' });
    expect(await app.createCaller({ session }).me()).toBe('ada');
  });

  it('belongs to whom it is identified with, and to nobody else', () => {
    const session = testSession();
    expect(session.identity).toBeUndefined();
    session.identify('ada');
    session.identify('ada');
    expect(session.identity).toBe('ada');
    expect(() => session.identify('bob')).toThrow(TypeError);
  });

  it('aborts its signal when it is ended', () => {
    const session = testSession();
    expect(session.signal.aborted).toBe(false);
    session.end();
    expect(session.signal.aborted).toBe(true);
  });
});
