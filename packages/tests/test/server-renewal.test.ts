import { createServer, type ContextOptions, type Session } from '@openline/server';
import { initTRPC } from '@trpc/server';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { MemoryClient, MemorySession, pass, stopTheClock, turn } from './server-memory.ts';
import { CALL, PONG, QUERY, RESULT } from './server-raw.ts';
import { Gate } from './server-support.ts';

const PARAMS = 9;
const RENEWED = 10;

/** How long after an instant the server may look at it, in milliseconds. */
const SWEEP_MS = 500;

const Params = z.object({
  token: z.string(),
  lifeMs: z.number().optional(),
  isSlow: z.boolean().optional(),
  name: z.string().optional(),
});
type Params = z.output<typeof Params>;

/** Params whose context is made when the test says so. */
interface Asked {
  readonly token: string;
  readonly signal: AbortSignal;
  readonly gate: Gate;
}

/** A server in memory, on a clock that stands still. */
function renewable(options: { readonly handshakeTimeoutMs?: number } = {}) {
  const slow: Asked[] = [];
  const sessions: Session[] = [];
  const reported: string[] = [];
  const createContext = async ({ session, params, signal, reason }: ContextOptions<Params>) => {
    const { token, lifeMs, isSlow, name = 'ada' } = params;
    const expiresAtMs = lifeMs && Date.now() + lifeMs;
    sessions.push(session);
    if (isSlow === true) {
      const gate = new Gate();
      slow.push({ token, signal, gate });
      await gate.promise;
    }
    if (token === 'bad') throw new Error('no such token');
    session.identify(name, { expiresAtMs });
    return { token, reason };
  };
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({ token: t.procedure.query(({ ctx }) => [ctx.token, ctx.reason]) });
  const onError = ({ error }: { readonly error: Error }): void => void reported.push(error.message);
  const server = createServer({ router, params: Params, createContext, onError, ...options });
  onTestFinished(() => server.close());
  return { server, slow, sessions, reported, made: new MemorySession(server) };
}

/** What the server makes of the calls of a connection now. */
async function tokenOf(client: MemoryClient, id: number): Promise<unknown> {
  client.say([CALL, id, QUERY, 'token', 0]);
  await turn();
  const [tag, of, answer] = client.counted.at(-1) ?? [];
  expect([tag, of]).toEqual([RESULT, id]);
  return answer;
}

beforeEach(stopTheClock);

describe('params that came on a connection which has the session no more', () => {
  it.each<{ how: string; isCut: boolean }>([
    { how: 'was lost', isCut: true },
    { how: 'was taken over', isCut: false },
  ])('since it $how, do not replace those of the next one', async ({ isCut }) => {
    const { made, slow, sessions } = renewable();
    const first = await made.attach({ params: { token: 'first' } });
    expect(await tokenOf(first, 1)).toEqual(['first', 'open']);
    first.say([PARAMS, 1, { token: 'stale', lifeMs: 20_000, isSlow: true }]);
    await turn();
    if (isCut) first.close();
    await turn();
    const second = await made.attach({ params: { token: 'newest' } });
    expect(slow.map(({ token, signal }) => [token, signal.aborted])).toEqual([['stale', true]]);
    slow[0]!.gate.open();
    await turn();
    expect(await tokenOf(second, 3)).toEqual(['newest', 'resume']);
    expect([...first.all(RENEWED), ...second.all(RENEWED)]).toEqual([]);
    // Nor does the session end when they would have expired.
    for (let i = 0; i < 5; i++) {
      await pass(5_000);
      second.say([PONG]);
    }
    expect([sessions[0]!.signal.aborted, second.goodbye]).toEqual([false, undefined]);
  });

  it('do not count while there is no connection either', async () => {
    const { made, slow } = renewable();
    const first = await made.attach({ params: { token: 'first' } });
    expect(await tokenOf(first, 1)).toEqual(['first', 'open']);
    first.say([PARAMS, 1, { token: 'stale', lifeMs: 20_000, isSlow: true }]);
    await turn();
    first.close();
    await turn();
    slow[0]!.gate.open();
    await pass(30_000);
    const second = await made.attach({ params: { token: 'newest' } });
    expect(await tokenOf(second, 3)).toEqual(['newest', 'resume']);
  });

  it('do not make it that of somebody else', async () => {
    const { made, slow, sessions } = renewable();
    const first = await made.attach({ params: { token: 'first' } });
    await tokenOf(first, 1);
    first.say([PARAMS, 1, { token: 'bobs', name: 'bob', isSlow: true }]);
    await turn();
    const second = await made.attach({ params: { token: 'newest' } });
    slow[0]!.gate.open();
    await turn();
    expect(sessions[0]!.identity).toBe('ada');
    expect(await tokenOf(second, 3)).toEqual(['newest', 'resume']);
  });

  it('and waited for others, are dropped with them', async () => {
    const { made, slow } = renewable();
    const first = await made.attach({ params: { token: 'first' } });
    await tokenOf(first, 1);
    first.say(
      [PARAMS, 1, { token: 'slow', isSlow: true }],
      [PARAMS, 2, { token: 'waiting', isSlow: true }],
    );
    await turn();
    const second = await made.attach({ params: { token: 'newest' } });
    slow[0]!.gate.open();
    await turn();
    expect(slow.map(({ token }) => token)).toEqual(['slow']);
    // Those of the connection that has it are taken as ever.
    second.say([PARAMS, 3, { token: 'fresh' }]);
    await turn();
    expect(second.all(RENEWED)).toEqual([[RENEWED, 3, 0]]);
    expect(await tokenOf(second, 3)).toEqual(['fresh', 'refresh']);
  });

  it('are refused to nobody, and reported to nobody', async () => {
    const { made, slow, reported } = renewable();
    const first = await made.attach({ params: { token: 'first' } });
    await tokenOf(first, 1);
    first.say([PARAMS, 1, { token: 'bad', isSlow: true }]);
    await turn();
    const second = await made.attach({ params: { token: 'newest' } });
    slow[0]!.gate.open();
    await turn();
    expect([second.all(RENEWED), reported]).toEqual([[], []]);
  });
});

describe('params whose context does not come', () => {
  it('are refused when the time of a handshake is over, and the next ones are taken', async () => {
    const { made, slow } = renewable({ handshakeTimeoutMs: 5_000 });
    const client = await made.attach({ params: { token: 'first' } });
    client.say([PARAMS, 1, { token: 'hangs', isSlow: true }], [PARAMS, 2, { token: 'second' }]);
    await pass(4_999);
    expect([client.all(RENEWED), slow[0]!.signal.aborted]).toEqual([[], false]);
    await pass(SWEEP_MS + 1);
    expect(slow[0]!.signal.aborted).toBe(true);
    expect(client.all(RENEWED)).toEqual([
      [RENEWED, 1, 'the check of the params took too long'],
      [RENEWED, 2, 0],
    ]);
    slow[0]!.gate.open();
    await turn();
    expect(await tokenOf(client, 1)).toEqual(['second', 'refresh']);
    expect(client.all(RENEWED).length).toBe(2);
  });

  it('change nothing where they come after that', async () => {
    const { made, slow } = renewable({ handshakeTimeoutMs: 5_000 });
    const client = await made.attach({ params: { token: 'first' } });
    client.say([PARAMS, 1, { token: 'late', isSlow: true }]);
    await pass(5_000 + SWEEP_MS);
    slow[0]!.gate.open();
    await turn();
    expect(await tokenOf(client, 1)).toEqual(['first', 'open']);
  });

  it('are let go of with their session', async () => {
    const { made, slow, sessions } = renewable();
    const client = await made.attach({ params: { token: 'first' } });
    client.say([PARAMS, 1, { token: 'hangs', isSlow: true }]);
    await turn();
    sessions[0]!.end();
    await turn();
    expect(slow[0]!.signal.aborted).toBe(true);
  });
});
