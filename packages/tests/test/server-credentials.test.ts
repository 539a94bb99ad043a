import type { Duplex } from 'node:stream';
import { initTRPC, TRPCError } from '@trpc/server';
import { lineError, openLine, type Line } from '@openline/client';
import { createServer, type ContextOptions } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { RawClient, token } from './server-raw.ts';
import { eventually, failureOf, Gate, leaveNoSocket, serve } from './server-support.ts';

const Params = z.object({ user: z.string(), expiresAtMs: z.number().optional() });
type Params = z.output<typeof Params>;

interface Asked {
  readonly user: string;
  readonly reason: string;
}

/** A server whose clients say who they are; `asked` notes each context, `gate` holds refreshes back. */
async function credentialed() {
  const asked: Asked[] = [];
  const gates: Gate[] = [];
  const createContext = async ({ session, params, reason }: ContextOptions<Params>) => {
    asked.push({ user: params.user, reason });
    if (reason === 'refresh') await gates.shift()?.promise;
    if (params.user === 'mallory') throw new TRPCError({ code: 'FORBIDDEN', message: 'not you' });
    if (params.user !== 'nobody') {
      session.identify(params.user, { expiresAtMs: params.expiresAtMs });
    }
    return { session, user: params.user };
  };
  const t = initTRPC.context<typeof createContext>().create();
  const router = t.router({
    who: t.procedure.query(({ ctx }) => [ctx.user, ctx.session.identity]),
    become: t.procedure.input(z.string()).mutation(({ ctx, input }) => ctx.session.identify(input)),
    hang: t.procedure.mutation(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    ),
  });
  const server = createServer({ router, params: Params, createContext, keepAliveMs: 500 });
  const served = await serve(server);
  const sockets = new Set<Duplex>();
  served.httpServer.on('upgrade', (_request, socket) => sockets.add(socket));
  /** Breaks every connection. */
  const cut = (): void => sockets.forEach((socket) => void socket.destroy());
  return { server, asked, gates, cut, ...served };
}

type World = Awaited<ReturnType<typeof credentialed>>;

const lines: Pick<Line, 'close'>[] = [];

/** A line whose params are what the test says now. */
async function lineOf(world: World, params: Params) {
  const current = { params };
  const line = openLine<World['server']>({ url: world.url, params: () => current.params });
  lines.push(line);
  await line.open();
  return { line, api: line.client(), current };
}

beforeEach(leaveNoSocket);
afterEach(async () => {
  for (const line of lines.splice(0)) await line.close();
});

describe('a session that was identified', () => {
  it('says so to whoever has it', async () => {
    const { api } = await lineOf(await credentialed(), { user: 'ada' });
    expect(await api.who.query()).toEqual(['ada', 'ada']);
  });

  it('is nobody else in a procedure either', async () => {
    const { api } = await lineOf(await credentialed(), { user: 'ada' });
    await api.become.mutate('ada');
    expect(await failureOf(api.become.mutate('bob'))).toMatchObject({
      message: 'the session belongs to somebody else',
    });
    expect(await api.who.query()).toEqual(['ada', 'ada']);
  });

  it('that was nobody becomes somebody, once', async () => {
    const { api } = await lineOf(await credentialed(), { user: 'nobody' });
    expect(await api.who.query()).toEqual(['nobody', null]);
    await api.become.mutate('ada');
    expect(await api.who.query()).toEqual(['nobody', 'ada']);
    expect(await failureOf(api.become.mutate('bob'))).toBeInstanceOf(Error);
  });
});

describe('fresh params', () => {
  it('make a new context for later calls, over the same connection', async () => {
    const world = await credentialed();
    const { line, api, current } = await lineOf(world, { user: 'ada', expiresAtMs: 1e15 });
    current.params = { user: 'ada', expiresAtMs: 2e15 };
    await line.refresh();
    expect(world.asked).toEqual([
      { user: 'ada', reason: 'open' },
      { user: 'ada', reason: 'refresh' },
    ]);
    expect(await api.who.query()).toEqual(['ada', 'ada']);
    expect(line.state.get()).toMatchObject({ status: 'open', resumed: 0 });
  });

  it.each([
    { params: { user: 'bob' }, words: 'the session belongs to somebody else' },
    { params: { user: 'nobody' }, words: 'the session belongs to somebody else' },
    { params: { user: 'mallory' }, words: 'not you' },
  ])('of $params.user change nothing of a session of ada', async ({ params, words }) => {
    const { line, api, current } = await lineOf(await credentialed(), { user: 'ada' });
    current.params = params;
    expect(lineError(await failureOf(line.refresh()))).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: words,
    });
    expect(await api.who.query()).toEqual(['ada', 'ada']);
  });

  it('that are larger than a hello may be are not sent, and change nothing', async () => {
    const world = await credentialed();
    const { line, api, current } = await lineOf(world, { user: 'ada' });
    current.params = { user: 'a'.repeat(20_000) };
    expect(lineError(await failureOf(line.refresh()))).toEqual({
      code: 'ENCODING',
      outcome: 'not-executed',
      message: 'the params cannot be sent',
    });
    expect(await api.who.query()).toEqual(['ada', 'ada']);
    expect(world.asked).toEqual([{ user: 'ada', reason: 'open' }]);
  });

  it('are given by the next connection where this one is lost', async () => {
    const world = await credentialed();
    const gate = new Gate();
    world.gates.push(gate);
    const { line, api } = await lineOf(world, { user: 'ada' });
    await api.who.query(); // A session in which nothing was said is not kept.
    const refreshed = line.refresh();
    await eventually(() => expect(world.asked.at(-1)?.reason).toBe('refresh'));
    world.cut();
    await refreshed;
    gate.open();
    expect(world.asked.at(-1)).toEqual({ user: 'ada', reason: 'resume' });
  });

  it('open a line that is not open', async () => {
    const world = await credentialed();
    const line = openLine<World['server']>({ url: world.url, params: { user: 'ada' } });
    lines.push(line);
    await line.refresh();
    expect(world.asked).toEqual([{ user: 'ada', reason: 'open' }]);
  });

  it('are refused where the line is closed meanwhile', async () => {
    const world = await credentialed();
    world.gates.push(new Gate());
    const { line } = await lineOf(world, { user: 'ada' });
    const refreshed = failureOf(line.refresh());
    await eventually(() => expect(world.asked.length).toBe(2));
    await line.close();
    expect(lineError(await refreshed)?.code).toBe('CLOSED');
  });

  describe('that expire', () => {
    const HOUR_MS = 3_600_000;

    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['Date'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('are asked for in good time before, and no sooner', async () => {
      const world = await credentialed();
      const expiresAtMs = Date.now() + HOUR_MS;
      const { line, api, current } = await lineOf(world, { user: 'ada', expiresAtMs });
      current.params = { user: 'ada' };
      const later = await lineOf(world, { user: 'bob', expiresAtMs: expiresAtMs + 30_000 });
      later.current.params = { user: 'bob' };
      const refreshes = () => world.asked.slice(2);

      vi.setSystemTime(expiresAtMs - 60_000);
      await eventually(() => expect(refreshes()).toEqual([{ user: 'ada', reason: 'refresh' }]));
      // Who looks at bob's, which are due now, has looked at what ada's were before, too.
      vi.setSystemTime(expiresAtMs);
      await eventually(() => expect(refreshes()[1]).toEqual({ user: 'bob', reason: 'refresh' }));
      expect(refreshes().length).toBe(2);
      expect(await api.who.query()).toEqual(['ada', 'ada']);
      expect(line.state.get()).toMatchObject({ status: 'open', resumed: 0 });
    });

    it('end the session then, and calls under way honestly', async () => {
      const world = await credentialed();
      const expiresAtMs = Date.now() + HOUR_MS;
      const { line, api, current } = await lineOf(world, { user: 'ada', expiresAtMs });
      current.params = { user: 'mallory' }; // Asked in good time, it has nothing better to say.
      let endedAtMs: number | undefined;
      const call = failureOf(api.hang.mutate()).finally(() => (endedAtMs = Date.now()));

      vi.setSystemTime(expiresAtMs - 60_000);
      await eventually(() => expect(world.asked.at(-1)?.reason).toBe('refresh'));
      vi.setSystemTime(expiresAtMs);
      expect(lineError(await call)).toEqual({
        code: 'REJECTED',
        outcome: 'unknown',
        message: 'not you',
      });
      expect(endedAtMs).toBeGreaterThanOrEqual(expiresAtMs);
      await eventually(() => expect(line.state.get().status).toBe('closed'));
      expect(world.asked.map(({ reason }) => reason)).toEqual(['open', 'refresh', 'open']);
    });
  });

  it('that come in a flood are made into few contexts, and the latest is answered', async () => {
    const world = await credentialed();
    const gate = new Gate();
    world.gates.push(gate);
    const client = await RawClient.welcomed(world.url, {
      sessionId: token(),
      params: { user: 'ada' },
    });
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    client.say(...numbers.map((number) => [9, number, { user: 'ada' }]));
    const answers = () => client.heard.filter(([tag]) => tag === 10);
    await eventually(() => expect(answers()).toEqual([[10, 39, 'params are given too often']]));
    gate.open();
    await eventually(() => expect(answers().at(-1)).toEqual([10, 9, 0]));
    expect(world.asked.filter(({ reason }) => reason === 'refresh').length).toBe(2);
  });

  it.each([
    [9, -1, {}],
    [9, '__proto__', {}],
  ])('that are malformed end the session: %j', async (...frame) => {
    const world = await credentialed();
    const client = await RawClient.welcomed(world.url, { params: { user: 'ada' } });
    client.say(frame);
    expect(await client.closed).toMatchObject({ code: 4400 });
  });
});
