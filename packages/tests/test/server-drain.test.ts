import { setImmediate as turn } from 'node:timers/promises';
import { initTRPC, tracked } from '@trpc/server';
import { lineError, openLine, type Line } from '@openline/client';
import { createServer, type Server } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  CALL,
  GOAWAY,
  HELLO,
  helloBody,
  QUERY,
  RawClient,
  REJECT,
  RESULT,
  token,
  WELCOME,
} from './server-raw.ts';
import {
  eventually,
  failureOf,
  Follower,
  Gate,
  leaveNoSocket,
  serve,
  type Served,
} from './server-support.ts';

const t = initTRPC.create();

/** What one node knows and does; `name` tells nodes apart. */
class Node {
  readonly name: string;
  readonly gate: Gate<string> = new Gate<string>();
  /** Where the tracked counter stands; all nodes count alike. */
  readonly ticks = { next: 1, waiting: [] as (() => void)[] };
  readonly server: Server<ReturnType<Node['router']>>;
  served!: Served;

  constructor(name: string) {
    this.name = name;
    this.server = createServer({ router: this.router() });
  }

  static async start(name: string): Promise<Node> {
    const node = new Node(name);
    node.served = await serve(node.server);
    return node;
  }

  tick(): void {
    this.ticks.next++;
    for (const wake of this.ticks.waiting.splice(0)) wake();
  }

  router() {
    const { name, gate, ticks } = this;
    return t.router({
      where: t.procedure.query(() => name),
      hang: t.procedure.query(() => gate.promise),
      hangMutation: t.procedure.mutation(() => gate.promise),
      count: t.procedure
        .input(z.object({ lastEventId: z.string().optional() }).optional())
        .subscription(async function* ({ input }) {
          for (let n = Number(input?.lastEventId ?? 0) + 1; ; n++) {
            while (n >= ticks.next) await new Promise<void>((wake) => ticks.waiting.push(wake));
            yield tracked(String(n), n);
          }
        }),
      untracked: t.procedure.subscription(async function* () {
        yield `first of ${name}`;
        yield await gate.promise;
      }),
    });
  }
}

type Router = ReturnType<Node['router']>;

/** Two nodes, and a line that is sent to whichever the test says. */
async function twoNodes(): Promise<{
  readonly old: Node;
  readonly other: Node;
  readonly line: Line<Router>;
  readonly send: { to: Node };
}> {
  const [old, other] = [await Node.start('old'), await Node.start('other')];
  const send = { to: old };
  const line = openLine<Router>({ url: () => send.to.served.url });
  closeAtEnd(line);
  await line.open();
  return { old, other, line, send };
}

const lines: Line<Router>[] = [];
function closeAtEnd(line: Line<Router>): void {
  lines.push(line);
}

beforeEach(leaveNoSocket);
afterEach(async () => {
  for (const line of lines.splice(0)) await line.close();
});

describe('a server that drains', () => {
  it('has its clients elsewhere before it goes, and ends nothing that is under way', async () => {
    const { old, other, line, send } = await twoNodes();
    const api = line.client();
    const states = [line.state.get().status];
    line.state.subscribe(({ status }) => states.push(status));
    const calls = Promise.all([api.hang.query(), api.hangMutation.mutate()]);
    await eventually(async () => expect(await api.where.query()).toBe('old'));
    send.to = other;
    const drained = old.server.drain();
    await eventually(async () => expect(await api.where.query()).toBe('other'));
    old.gate.open('answered');
    expect(await calls).toEqual(['answered', 'answered']);
    await drained;
    expect(new Set(states)).toEqual(new Set(['open']));
  });

  it('moves a tracked subscription without a missed or doubled item', async () => {
    const { old, other, line, send } = await twoNodes();
    const items: number[] = [];
    const follower = new Follower<number>();
    line.client().count.subscribe(undefined, {
      ...follower.callbacks,
      onData: ({ data }) => void items.push(data),
    });
    for (let i = 0; i < 5; i++) old.tick();
    await eventually(() => expect(items.length).toBe(5));
    send.to = other;
    const drained = old.server.drain();
    // Both go on counting: what comes from where while it moves is left to the line.
    for (let i = 0; i < 12; i++) {
      other.tick();
      if (i < 7) old.tick();
      await turn();
    }
    await drained;
    for (let i = 0; i < 3; i++) other.tick();
    await eventually(() => expect(items.at(-1)).toBe(15));
    expect(items).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
    expect(follower.log.filter((entry) => typeof entry === 'object')).toEqual([]);
  });

  it('keeps an untracked subscription until its end', async () => {
    const { old, other, line, send } = await twoNodes();
    const follower = new Follower<string>();
    line.client().untracked.subscribe(undefined, follower.callbacks);
    await eventually(() => expect(follower.log).toContain('first of old'));
    send.to = other;
    const drained = old.server.drain();
    await eventually(async () => expect(await line.client().where.query()).toBe('other'));
    old.gate.open('last of old');
    await drained;
    expect(follower.log).toEqual(['started', 'first of old', 'last of old', 'complete']);
  });

  it('tells it that it was cut when the time is over, and mutations that nobody knows', async () => {
    const { old, other, line, send } = await twoNodes();
    const api = line.client();
    const follower = new Follower<string>();
    const notices: unknown[] = [];
    api.untracked.subscribe(undefined, {
      ...follower.callbacks,
      onConnectionStateChange: ({ state, error }) => {
        if (error !== null) notices.push([state, lineError(error)?.code]);
      },
    });
    const mutation = failureOf(api.hangMutation.mutate());
    const query = api.hang.query();
    await eventually(() => expect(follower.log).toContain('first of old'));
    send.to = other;
    other.gate.open('from the other');
    await old.server.drain({ timeoutMs: 300, spreadMs: 0 });
    expect(lineError(await mutation)).toMatchObject({ code: 'SESSION_LOST', outcome: 'unknown' });
    expect(await query).toBe('from the other');
    await eventually(() => expect(follower.log.at(-1)).toBe('complete'));
    expect(follower.log).toEqual([
      ...['started', 'first of old'],
      ...['started', 'first of other', 'from the other', 'complete'],
    ]);
    expect(notices).toEqual([['connecting', 'SESSION_LOST']]);
  });

  it('resolves as soon as nobody is there', async () => {
    const { server } = await Node.start('old');
    await server.drain({ timeoutMs: 1e9 });
  });

  it('takes no new session, and lets its own back in to calls under way', async () => {
    const old = await Node.start('old');
    const session = { sessionId: token(), secret: token() };
    const own = await RawClient.welcomed(old.served.url, session);
    own.say([CALL, 1, QUERY, 'hang', 0], [CALL, 3, QUERY, 'where', 0]);
    await own.answer(3);
    own.webSocket.terminate();
    await own.closed;
    const drained = old.server.drain({ timeoutMs: 5_000, spreadMs: 7 });
    const stranger = await RawClient.connect(old.served.url);
    stranger.say([HELLO, 1, helloBody()]);
    const [, , reject] = await stranger.hears(REJECT);
    expect(reject).toMatchObject({ code: 'GOING_AWAY', retry: 'later' });
    const again = await RawClient.connect(old.served.url);
    again.say([HELLO, 1, helloBody({ ...session, attempt: 2, received: 1, next: 3 })]);
    await again.hears(WELCOME);
    expect(await again.hears(GOAWAY)).toEqual([GOAWAY, { spreadMs: 7 }]);
    old.gate.open('answered');
    expect(await again.answer(1)).toEqual([RESULT, 1, 'answered']);
    again.webSocket.close(1000);
    await drained;
  });

  it.each([
    { options: { timeoutMs: -1 }, words: 'timeoutMs is a number of at least 0' },
    { options: { spreadMs: 0.5 }, words: 'spreadMs is an integer' },
  ])('refuses $options', async ({ options, words }) => {
    const { server } = await Node.start('old');
    expect(await failureOf(server.drain(options))).toEqual(new RangeError(words));
  });
});
