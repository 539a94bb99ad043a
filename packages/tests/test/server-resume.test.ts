import { createServer, type ResumeOptions, type Session } from '@openline/server';
import { initTRPC, TRPCError } from '@trpc/server';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { MemoryClient, MemorySession, pass, stopTheClock, turn } from './server-memory.ts';
import {
  ACK,
  CALL,
  CANCEL,
  ERROR,
  HELLO,
  helloBody,
  ITEM,
  MUTATION,
  PING,
  PONG,
  QUERY,
  REJECT,
  RESULT,
  SUBSCRIBED,
  SUBSCRIPTION,
  WELCOME,
} from './server-raw.ts';
import { aborted, Gate } from './server-support.ts';

const RENEW = 8;
const PARAMS = 9;
const RENEWED = 10;

/** How long after an instant the server may look at it, in milliseconds. */
const SWEEP_MS = 500;

const Params = z
  .object({ name: z.string().optional(), expiresAtMs: z.number().optional() })
  .optional();

/** A server in memory, on a clock that stands still, and all that its procedures note. */
function resumable(
  options: { readonly resume?: ResumeOptions; readonly keepAliveMs?: number } = {},
) {
  const sessions: Session[] = [];
  const asked: unknown[] = [];
  const log: string[] = [];
  const gate = new Gate<string>();
  const t = initTRPC
    .context<{ session: Session; name: string | undefined; reason: string }>()
    .create();
  const wait = async (what: string, signal: AbortSignal | undefined): Promise<never> => {
    log.push(`${what} runs`);
    await aborted(signal);
    log.push(`${what} is aborted`);
    throw new Error('aborted');
  };
  const router = t.router({
    echo: t.procedure.input(z.unknown()).query(({ input }) => input),
    who: t.procedure.query(({ ctx }) => [ctx.name ?? 'nobody', ctx.reason]),
    whoLater: t.procedure.query(async ({ ctx }) => {
      await gate.promise;
      return [ctx.name ?? 'nobody', ctx.reason];
    }),
    count: t.procedure.mutation(() => void log.push('counted')),
    hang: t.procedure.mutation(() => (log.push('hang runs'), gate.promise)),
    wait: t.procedure.mutation(({ signal }) => wait('wait', signal)),
    items: t.procedure.subscription(async function* ({ signal }) {
      yield 'before';
      yield await gate.promise;
      yield 'after';
      await wait('items', signal);
    }),
    end: t.procedure.mutation(({ ctx }) => ctx.session.end('enough')),
  });
  const server = createServer({
    router,
    params: Params,
    createContext: ({ session, params, reason }) => {
      const { name, expiresAtMs } = params ?? {};
      asked.push([name ?? 'nobody', reason]);
      if (name === 'mallory') throw new TRPCError({ code: 'FORBIDDEN' });
      if (name === 'the last') session.end('enough');
      if (name !== undefined) session.identify(name, { expiresAtMs });
      sessions.push(session);
      return { session, name, reason };
    },
    ...options,
  });
  onTestFinished(() => server.close());
  return { server, sessions, asked, log, gate, made: new MemorySession(server) };
}

const GONE = [
  REJECT,
  1,
  { code: 'SESSION_GONE', message: 'no such session is held here', retry: 'afresh', delayMs: 0 },
];

beforeEach(stopTheClock);

describe('a session whose connection is lost', () => {
  it('goes on with its calls, and says on the next connection what the client lacks', async () => {
    const { made, log, gate } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'hang', 0], [CALL, 3, SUBSCRIPTION, 'items', 0]);
    await turn();
    expect(first.counted).toEqual([
      [SUBSCRIBED, 3],
      [ITEM, 3, 0, 'before'],
    ]);
    first.close();
    gate.open('while nobody was there');
    await pass(119_000);
    const second = await made.attach();
    expect(second.heard).toEqual([
      [WELCOME, 1, expect.objectContaining({ received: 2, next: 3 })],
      [ACK, 2],
      [ITEM, 3, 0, 'while nobody was there'],
      [RESULT, 1, 'while nobody was there'],
      [ITEM, 3, 0, 'after'],
    ]);
    expect(log).toEqual(['hang runs', 'items runs']);
  });

  it('takes what the client has not said yet, and a cancel that was given meanwhile', async () => {
    const { made, log } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'wait', 0]);
    first.close();
    await pass(1_000);
    const second = await made.attach();
    second.say([CANCEL, 1], [CALL, 3, MUTATION, 'count', 0]);
    await turn();
    expect(second.counted).toEqual([
      [RESULT, 3],
      [ERROR, 1, 'ABORTED'],
    ]);
    expect(log).toEqual(['wait runs', 'counted', 'wait is aborted']);
  });

  it('drops what is said again of what it has, and counts on behind it', async () => {
    const { made, log } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'count', 0]);
    first.close();
    await turn();
    const second = await made.attach({ next: 1 });
    second.say([CALL, 1, MUTATION, 'count', 0], [CALL, 3, MUTATION, 'count', 0]);
    await turn();
    expect(second.counted).toEqual([
      [RESULT, 1],
      [RESULT, 3],
    ]);
    expect(log).toEqual(['counted', 'counted']);
  });

  it('waits for its client to the end of the window, and not longer', async () => {
    const { made, sessions, log, server } = resumable({ resume: { windowMs: 10_000 } });
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'wait', 0], [CALL, 3, SUBSCRIPTION, 'items', 0]);
    await turn();
    first.close();
    await pass(10_000 - 1);
    expect(sessions.map(({ signal }) => signal.aborted)).toEqual([false]);
    expect(log).toEqual(['wait runs']);
    await pass(SWEEP_MS + 1);
    expect(sessions.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(log).toEqual(['wait runs', 'wait is aborted']);
    expect(vi.getTimerCount()).toBe(0);
    const late = await made.greet();
    expect(late.heard).toEqual([[REJECT, 1, { ...(GONE[2] as object), received: 2 }]]);
    await server.close();
  });

  it('is not made again by its first hello, come late: its client would run its calls twice', async () => {
    const { made, log, server } = resumable({ resume: { windowMs: 1_000 } });
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'count', 0]);
    await turn();
    first.close();
    await pass(1_000 + SWEEP_MS);
    const late = await made.greet({ attempt: 1 });
    expect(late.heard).toEqual([[REJECT, 1, { ...(GONE[2] as object), received: 1 }]]);
    late.say([CALL, 1, MUTATION, 'count', 0]);
    await turn();
    expect(log).toEqual(['counted']);
    await server.close();
  });

  it('tells the client for an hour how much it had, and then knows nothing of it', async () => {
    const { made, server } = resumable({ resume: { windowMs: 1_000 } });
    MemoryClient.connect(server); // Keeps the clock running.
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'count', 0]);
    first.close();
    await pass(2_000);
    const told = { ...(GONE[2] as object), received: 1 };
    expect((await made.greet()).heard).toEqual([[REJECT, 1, told]]);
    const stranger = new MemorySession(server);
    expect((await stranger.greet({ sessionId: made.sessionId, attempt: 9 })).heard).toEqual([GONE]);
    const silent = await new MemorySession(server).attach();
    silent.say([PONG]);
    for (let minute = 0; minute < 61; minute++) {
      silent.say([PONG]);
      await pass(30_000);
      silent.say([PONG]);
      await pass(30_000);
    }
    expect((await made.greet()).heard).toEqual([GONE]);
  });

  it.each([
    { what: 'that closed with 1000 is over at once (case 23)', code: 1000, keptMs: 0 },
    { what: 'that fails with a code of its own is over at once', code: 4309, keptMs: 0 },
    { what: 'whose page was left is kept for a moment (case 23)', code: 1001, keptMs: 5_000 },
    { what: 'that is cut is kept for the window', code: 1006, keptMs: 120_000 },
    { what: 'whose browser gives no code is kept for the window', code: 1005, keptMs: 120_000 },
  ])('by a client $what', async ({ code, keptMs }) => {
    const { made, sessions } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, QUERY, 'echo', 0]);
    await turn();
    first.close(code);
    await turn();
    expect(sessions[0]!.signal.aborted).toBe(keptMs === 0);
    if (keptMs === 0) return;
    await pass(keptMs - 1);
    expect(sessions[0]!.signal.aborted).toBe(false);
    await pass(SWEEP_MS + 1);
    expect(sessions[0]!.signal.aborted).toBe(true);
  });

  it('in which nothing was said is not kept', async () => {
    const { made, sessions } = resumable();
    (await made.attach()).close();
    await turn();
    expect(sessions[0]!.signal.aborted).toBe(true);
    const told = { ...(GONE[2] as object), received: 0 };
    expect((await made.greet()).heard).toEqual([[REJECT, 1, told]]);
  });

  it('and was used, is not forgotten over ten thousand in which nothing was said', async () => {
    const { made, log, server } = resumable({ resume: { windowMs: 1_000 } });
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'count', 0]);
    await turn();
    first.close();
    await pass(1_000 + SWEEP_MS);
    const early = new MemorySession(server);
    (await early.attach()).close();
    for (let i = 0; i < 10_000; i++) {
      const client = MemoryClient.connect(server);
      client.say([HELLO, 1, helloBody()]);
      // The context is there in no more than that.
      for (let step = 0; step < 5; step++) await Promise.resolve();
      expect(client.heard[0]?.[0]).toBe(WELCOME);
      client.close();
    }
    await pass(SWEEP_MS);
    const told = { ...(GONE[2] as object), received: 1 };
    expect((await made.greet()).heard).toEqual([[REJECT, 1, told]]);
    // Those in which nothing was said push out each other.
    expect((await early.greet()).heard).toEqual([GONE]);
    // Its first hello, come late, does not make it again.
    const late = await made.greet({ attempt: 1 });
    late.say([CALL, 1, MUTATION, 'count', 0]);
    await turn();
    expect([late.heard, log]).toEqual([[[REJECT, 1, told]], ['counted']]);
  });

  it('still ends calls whose caller does not wait any longer, by its own clock (case 35)', async () => {
    const { made, log } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'wait', { timeout: 3_000 }]);
    first.close();
    await pass(3_000 - 1);
    expect(log).toEqual(['wait runs']);
    await pass(SWEEP_MS + 1);
    expect(log).toEqual(['wait runs', 'wait is aborted']);
    expect((await made.attach()).counted).toEqual([[ERROR, 1, 'ABORTED']]);
  });

  it('that ends while its client is admitted says so, and what it had received', async () => {
    const { made } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, QUERY, 'echo', 0]);
    first.close();
    await turn();
    const second = await made.greet({ params: { name: 'the last' } });
    const told = { code: 'SESSION_ENDED', message: 'enough', retry: 'never', delayMs: 0 };
    expect(second.heard).toEqual([[REJECT, 1, { ...told, received: 1 }]]);
  });

  it('that the application ends meanwhile is not had again, and the client is told why', async () => {
    const { made, sessions, server } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, QUERY, 'echo', 0]);
    first.close();
    await turn();
    sessions[0]!.end('enough');
    const second = await made.greet();
    expect(second.heard).toEqual([
      [
        REJECT,
        1,
        { code: 'SESSION_ENDED', message: 'enough', retry: 'never', delayMs: 0, received: 1 },
      ],
    ]);
    expect(second.goodbye).toEqual({ code: 4403, reason: 'enough' });
    const stranger = await new MemorySession(server).greet({
      sessionId: made.sessionId,
      attempt: 3,
    });
    expect(stranger.heard).toEqual([GONE]);
  });
});

describe('a connection that asks for a session whose old connection still looks alive', () => {
  it('has it at once, and nothing more is read from the old one', async () => {
    const { made, log, gate } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, MUTATION, 'hang', 0]);
    await turn();
    const second = await made.attach();
    expect(first.goodbye).toEqual({
      code: 4009,
      reason: 'another connection has the session',
    });
    gate.open('to the second');
    await turn();
    expect(first.counted).toEqual([]);
    expect(second.counted).toEqual([[RESULT, 1, 'to the second']]);
    expect(log).toEqual(['hang runs']);
  });

  it('is not told what the old one still brings (case 3)', async () => {
    const { server, log, made } = resumable();
    let isClosed = false;
    // A connection that is half open: what it carries still arrives after it was closed.
    const close = (): void => void (isClosed = true);
    const halfOpen = { bufferedBytes: 0, send: () => {}, close, abandon: close };
    const handler = server.accept(halfOpen);
    const { sessionId, secret } = made;
    handler.message(JSON.stringify([[HELLO, 1, helloBody({ sessionId, secret })]]));
    await turn();
    handler.message(JSON.stringify([[CALL, 1, MUTATION, 'count', 0]]));
    await turn();
    const second = await made.attach({ attempt: 2, received: 0, next: 2 });
    expect(isClosed).toBe(true);
    handler.message(JSON.stringify([[CALL, 3, MUTATION, 'count', 0]]));
    second.say([CALL, 3, MUTATION, 'count', 0]);
    await turn();
    expect(second.counted).toEqual([
      [RESULT, 1],
      [RESULT, 3],
    ]);
    expect(log).toEqual(['counted', 'counted']);
    handler.closed(1006, '');
    await turn();
    second.say([CALL, 5, QUERY, 'echo', 0, 'still there']);
    await turn();
    expect(second.counted.at(-1)).toEqual([RESULT, 5, 'still there']);
  });
});

describe('a hello that names another node (case 4)', () => {
  /** The node that the client's session is on, by its own word. */
  function nodeOf({ heard }: MemoryClient): string {
    return (heard[0]![2] as { readonly node: string }).node;
  }

  it.each<{ what: string; meet: (late: MemoryClient) => Promise<void> }>([
    { what: 'still waits for a second', meet: async (late) => late.close() },
    {
      what: 'has one that looks alive',
      meet: async () => {},
    },
    {
      what: 'has ended',
      meet: async (late) => {
        late.close();
        await pass(120_000 + SWEEP_MS);
      },
    },
  ])('does not get what its first hello has made here, too, which $what', async ({ meet }) => {
    const [home, other] = [resumable(), resumable()];
    const { made } = home;
    // A proxy has brought the first hello here, too, and what was said behind it.
    const late = MemoryClient.connect(other.server);
    const own = { sessionId: made.sessionId, secret: made.secret };
    late.say([HELLO, 1, helloBody(own)]);
    await turn();
    late.say([CALL, 1, MUTATION, 'count', 0]);
    const first = await made.attach();
    const node = nodeOf(first);
    expect(node).not.toBe(nodeOf(late));
    first.say([CALL, 1, MUTATION, 'hang', 0]);
    await turn();
    await meet(late);
    const lost = MemoryClient.connect(other.server);
    lost.say([HELLO, 1, helloBody({ ...own, attempt: 2, node, next: 0 })]);
    await turn();
    // How much was received here says nothing of the session there.
    expect(lost.heard).toEqual([GONE]);
    const second = await made.attach({ attempt: 3, node });
    home.gate.open('still there');
    await turn();
    expect(second.counted).toEqual([[RESULT, 1, 'still there']]);
    expect([home.log, other.log]).toEqual([['hang runs'], ['counted']]);
  });

  it('and is the first, does not make a session', async () => {
    const { made, sessions } = resumable();
    expect((await made.greet({ node: 'another' })).heard).toEqual([GONE]);
    expect(sessions).toEqual([]);
  });
});

describe('a context that is made for another connection', () => {
  it('is that of later calls; a call under way keeps its own', async () => {
    const { made, asked, gate } = resumable();
    const first = await made.attach();
    first.say([CALL, 1, QUERY, 'who', 0], [CALL, 3, QUERY, 'whoLater', 0]);
    first.close();
    await turn();
    const second = await made.attach({ params: { name: 'ada' } });
    second.say([CALL, 5, QUERY, 'who', 0]);
    gate.open('');
    await turn();
    expect(second.counted).toEqual([
      [RESULT, 1, ['nobody', 'open']],
      [RESULT, 5, ['ada', 'resume']],
      [RESULT, 3, ['nobody', 'open']],
    ]);
    expect(asked).toEqual([
      ['nobody', 'open'],
      ['ada', 'resume'],
    ]);
  });

  it('that cannot be made refuses that connection, and leaves the session as it is (case 10)', async () => {
    const { made, sessions, gate } = resumable();
    const first = await made.attach({ params: { name: 'ada' } });
    first.say([CALL, 1, MUTATION, 'hang', 0]);
    await turn();
    for (const name of ['mallory', 'mallory']) {
      const refused = await made.greet({ params: { name } });
      expect(refused.heard).toMatchObject([[REJECT, 1, { code: 'REJECTED', retry: 'never' }]]);
      expect(refused.goodbye?.code).toBe(4401);
    }
    gate.open('still here');
    await turn();
    expect(first.counted).toEqual([[RESULT, 1, 'still here']]);
    expect(first.goodbye).toBe(undefined);
    expect(sessions[0]!.identity).toBe('ada');
  });
});

describe('a session that is identified', () => {
  it.each([
    { what: 'long', lifeMs: 600_000, askedAtMs: 540_000 },
    { what: 'short', lifeMs: 20_000, askedAtMs: 10_000 },
  ])('for a $what time is asked for fresh params in good time, and again', async (row) => {
    const { made, sessions, log } = resumable();
    const expiresAtMs = Date.now() + row.lifeMs;
    const client = await made.attach({ params: { name: 'ada', expiresAtMs } });
    client.say([CALL, 1, MUTATION, 'wait', 0]);
    await alive(client, row.askedAtMs - 1);
    expect(client.all(RENEW).length).toBe(0);
    await alive(client, SWEEP_MS + 1);
    expect(client.all(RENEW).length).toBe(1);
    await alive(client, row.lifeMs - row.askedAtMs - SWEEP_MS - 1);
    expect(client.all(RENEW).length).toBe(Math.floor((row.lifeMs - row.askedAtMs) / 10_500) + 1);
    expect(sessions[0]!.signal.aborted).toBe(false);
    await alive(client, SWEEP_MS);
    expect(client.goodbye).toEqual({ code: 4301, reason: 'the credentials have expired' });
    expect(sessions[0]!.signal.aborted).toBe(true);
    expect(log).toEqual(['wait runs', 'wait is aborted']);
  });

  it('and gets fresh params goes on under them', async () => {
    const { made, sessions } = resumable();
    const expiresAtMs = Date.now() + 20_000;
    const client = await made.attach({ params: { name: 'ada', expiresAtMs } });
    client.say([PARAMS, 7, { name: 'ada', expiresAtMs: expiresAtMs + 60_000 }]);
    await turn();
    expect(client.all(RENEWED)).toEqual([[RENEWED, 7, 0]]);
    await alive(client, 70_000);
    expect(sessions[0]!.signal.aborted).toBe(false);
    await alive(client, 10_000 + SWEEP_MS);
    expect(client.goodbye?.code).toBe(4301);
  });

  it('expires also while it has no connection', async () => {
    const { made, sessions } = resumable();
    const expiresAtMs = Date.now() + 20_000;
    const client = await made.attach({ params: { name: 'ada', expiresAtMs } });
    client.say([CALL, 1, QUERY, 'echo', 0]);
    client.close();
    await pass(20_000 + SWEEP_MS);
    expect(sessions[0]!.signal.aborted).toBe(true);
  });

  it('is not asked on a new connection for what that has just brought', async () => {
    const { made } = resumable();
    const expiresAtMs = Date.now() + 20_000;
    const client = await made.attach({ params: { name: 'ada', expiresAtMs } });
    client.say([CALL, 1, QUERY, 'echo', 0]);
    client.close();
    await pass(15_000);
    const second = await made.attach({ params: { name: 'ada', expiresAtMs: Date.now() + 1e9 } });
    expect(second.heard.map(([tag]) => tag)).toEqual([WELCOME, ACK, RESULT]);
  });

  it.each(['bob', undefined])(
    'is not had by a connection of %s, who learns nothing (case 10)',
    async (name) => {
      const { made, sessions, server } = resumable();
      const first = await made.attach({ params: { name: 'ada' } });
      first.say([CALL, 1, QUERY, 'echo', 0, 'a']);
      await turn();
      const other = await made.greet({ params: { name } });
      const stranger = await new MemorySession(server).greet({ attempt: 2, params: { name } });
      expect(other.heard).toEqual([GONE]);
      expect(other.heard).toEqual(stranger.heard);
      expect(sessions[0]!.identity).toBe('ada');
      first.say([CALL, 3, QUERY, 'who', 0]);
      await turn();
      expect(first.counted.at(-1)).toEqual([RESULT, 3, ['ada', 'open']]);
    },
  );
});

describe('a session that the application ends', () => {
  it('answers nothing more, and aborts its signal and what runs', async () => {
    const { made, sessions, log } = resumable();
    const client = await made.attach();
    client.say([CALL, 1, MUTATION, 'wait', 0], [CALL, 3, MUTATION, 'end', 0]);
    await turn();
    await turn();
    expect(client.counted).toEqual([]);
    expect(client.goodbye).toEqual({ code: 4403, reason: 'enough' });
    expect(sessions[0]!.signal.aborted).toBe(true);
    expect(log).toEqual(['wait runs', 'wait is aborted']);
    await pass(SWEEP_MS);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a peer that falls silent', () => {
  const KEEP_ALIVE_MS = 10_000;

  it('is asked three times and abandoned within five intervals, and its session waits', async () => {
    const { made, sessions } = resumable({ keepAliveMs: KEEP_ALIVE_MS });
    const client = await made.attach();
    client.say([CALL, 1, QUERY, 'echo', 0]);
    await pass(3 * KEEP_ALIVE_MS);
    expect(client.isAbandoned).toBe(false);
    await pass(2 * KEEP_ALIVE_MS);
    expect([client.isAbandoned, client.goodbye]).toEqual([true, undefined]);
    expect(client.all(PING).length).toBe(3);
    expect(sessions[0]!.signal.aborted).toBe(false);
    await made.attach();
  });

  it('is not given up while anything at all is heard', async () => {
    const { made } = resumable({ keepAliveMs: KEEP_ALIVE_MS });
    const client = await made.attach();
    for (let i = 0; i < 20; i++) {
      await pass(3 * KEEP_ALIVE_MS);
      client.say();
    }
    expect(client.isAbandoned).toBe(false);
  });
});

describe('the clock of a server', () => {
  it('is one timer, however many connections, sessions and calls there are', async () => {
    const { server } = resumable();
    expect(vi.getTimerCount()).toBe(0);
    const made = [];
    for (let i = 0; i < 500; i++) {
      const session = new MemorySession(server);
      const client = await session.attach({
        params: { name: 'ada', expiresAtMs: Date.now() + 1e6 },
      });
      client.say([CALL, 1, MUTATION, 'wait', { timeout: 600_000 }]);
      if (i % 2 === 0) client.close();
      made.push(client);
      MemoryClient.connect(server); // One that has not said who it is.
    }
    await turn();
    expect(vi.getTimerCount()).toBe(1);
    for (const client of made) client.close(1000);
    expect(made.length).toBe(500);
  });

  it('pings the many at different times', async () => {
    const { server } = resumable({ keepAliveMs: 10_000 });
    const clients: MemoryClient[] = [];
    for (let i = 0; i < 200; i++) clients.push(await new MemorySession(server).attach());
    await pass(10_000);
    const pinged: number[] = [];
    for (let sweep = 0; sweep < 20; sweep++) {
      const before = clients.reduce((sum, client) => sum + client.all(PING).length, 0);
      await pass(SWEEP_MS);
      pinged.push(clients.reduce((sum, client) => sum + client.all(PING).length, 0) - before);
    }
    expect(pinged).toEqual(Array<number>(20).fill(10));
  });
});

/** Lets time pass for a client that answers whatever it is asked. */
async function alive(client: MemoryClient, ms: number): Promise<void> {
  for (let restMs = ms; restMs > 0; restMs -= 5_000) {
    client.say([PONG]);
    await pass(Math.min(restMs, 5_000));
  }
}
