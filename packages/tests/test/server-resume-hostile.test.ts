import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ACK,
  CALL,
  CANCEL,
  ERROR,
  GRANT,
  HELLO,
  helloBody,
  ITEM,
  MUTATION,
  QUERY,
  RawClient,
  REJECT,
  RESULT,
  SUBSCRIPTION,
  token,
  WELCOME,
  type WireFrame,
} from './server-raw.ts';
import { MemoryClient, MemorySession, turn } from './server-memory.ts';
import { aborted, eventually, leaveNoSocket } from './server-support.ts';
import { createWorld, type World, type WorldOptions } from './server-world.ts';

/*
 * Each test asks for a session in a way that no good client does. Beside it a good client is in the
 * middle of a call and of a subscription: whatever was done, both go on over the same connection.
 */

beforeEach(leaveNoSocket);

let world: World;
async function startWorld(options?: WorldOptions): Promise<World> {
  return (world = await createWorld(options));
}
afterEach(() => world.expectUntouched());

interface Credentials {
  readonly sessionId: string;
  readonly secret: string;
}

function draw(): Credentials {
  return { sessionId: token(), secret: token() };
}

/** A session in which something was said, so that it is kept, and its live connection. */
async function used(own: Credentials, changes: object = {}): Promise<RawClient> {
  const client = await RawClient.welcomed(world.url, { ...own, ...changes });
  client.say([CALL, 1, QUERY, 'echo', 0, 'a']);
  expect(await client.answer(1)).toEqual([RESULT, 1, 'a']);
  return client;
}

/** Drops the connection as a network does that is lost, and waits for the server to notice. */
async function lose(client: RawClient): Promise<void> {
  const socket = world.sockets.at(-1)!;
  client.webSocket.terminate();
  if (!socket.destroyed) await once(socket, 'close');
}

/** Says `hello` and more on another connection. */
async function greet(changes: object, ...behind: WireFrame[]): Promise<RawClient> {
  const client = await RawClient.connect(world.url);
  client.say([HELLO, 1, helloBody(changes)]);
  if (behind.length > 0) client.say(...behind);
  return client;
}

const rejectOf = (client: RawClient): Promise<WireFrame> => client.hears(REJECT);

const GONE = [
  REJECT,
  1,
  { code: 'SESSION_GONE', message: 'no such session is held here', retry: 'afresh', delayMs: 0 },
];

describe('a secret', () => {
  it.each<{ what: string; claim: (own: Credentials) => object }>([
    {
      what: 'that is guessed',
      claim: ({ sessionId }) => ({ sessionId, secret: token(), attempt: 2 }),
    },
    { what: 'of another session', claim: ({ secret }) => ({ secret, attempt: 2 }) },
    { what: 'of no session', claim: () => ({ attempt: 2 }) },
    { what: 'that is guessed at attempt 1', claim: ({ sessionId }) => ({ sessionId }) },
    {
      what: 'that is the id',
      claim: ({ sessionId }) => ({ sessionId, secret: sessionId, attempt: 2 }),
    },
    {
      what: 'that is right but for its last character',
      claim: ({ sessionId, secret }) => ({ sessionId, secret: `${secret}A`, attempt: 2 }),
    },
    {
      what: 'that was stolen from somebody who is known (case 10)',
      claim: (own) => ({ ...own, attempt: 2, params: { name: 'bob' } }),
    },
    {
      what: 'that was stolen, and its thief says nothing of himself (case 10)',
      claim: (own) => ({ ...own, attempt: 2 }),
    },
  ])('$what gets the same answer as any, and the session is not touched', async ({ claim }) => {
    await startWorld();
    const own = draw();
    const client = await used(own, { params: { name: 'ada' } });
    const thief = await greet(claim(own), [CALL, 3, MUTATION, 'held', 0]);
    expect(await rejectOf(thief)).toEqual(GONE);
    client.say([CALL, 3, QUERY, 'echo', 0, 'still mine']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'still mine']);
    expect(world.sessions[1]!.identity).toBe('ada');
    expect(world.runs).toBe(0);
  });

  it('of a session that has expired tells its owner what was received, and nobody else', async () => {
    await startWorld({ resume: { windowMs: 0 } });
    const own = draw();
    await lose(await used(own));
    await aborted(world.sessions[1]!.signal);
    const owner = await greet({ ...own, attempt: 2 });
    const received = { ...(GONE[2] as object), received: 1 };
    expect(await rejectOf(owner)).toEqual([REJECT, 1, received]);
    for (const changes of [{ ...own, secret: token(), attempt: 2 }, { attempt: 2 }]) {
      expect(await rejectOf(await greet(changes))).toEqual(GONE);
    }
  });

  it('may be tried twice on a connection, and then that is closed', async () => {
    await startWorld();
    const own = draw();
    await used(own);
    const thief = await greet({ sessionId: own.sessionId, attempt: 2 });
    await rejectOf(thief);
    thief.say([HELLO, 1, helloBody({ sessionId: own.sessionId, attempt: 2 })]);
    thief.say([HELLO, 1, helloBody({ ...own, attempt: 2 })]);
    expect(await thief.closed).toEqual({ code: 4310, reason: 'no such session is held here' });
    expect(thief.heard).toEqual([GONE, GONE]);
  });

  it('that is tried a thousand times does not keep its owner out', async () => {
    await startWorld({ resume: { resumesPerSecondMax: 5 } });
    const own = draw();
    const client = await used(own);
    for (let i = 0; i < 1_000; i++) {
      const thief = MemoryClient.connect(world.server);
      thief.say([HELLO, 1, helloBody({ sessionId: own.sessionId, attempt: 2 + i })]);
      expect(thief.heard).toEqual([GONE]);
      thief.close();
    }
    await lose(client);
    await RawClient.welcomed(world.url, { ...own, attempt: 2, received: 1, next: 0 });
  });
});

describe('a hello that resumes', () => {
  it('and claims more than was sent, ends the session and its connection', async () => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    const liar = await greet({ ...own, attempt: 2, received: 2, next: 0 });
    expect(await rejectOf(liar)).toMatchObject([
      ...[REJECT, 1, { code: 'SEQUENCE_BROKEN', retry: 'afresh' }],
    ]);
    expect((await liar.closed).code).toBe(4309);
    expect((await client.closed).code).toBe(4309);
    expect(world.sessions[1]!.signal.aborted).toBe(true);
    expect(await rejectOf(await greet({ ...own, attempt: 3, next: 0 }))).toMatchObject([
      ...[REJECT, 1, { code: 'SESSION_GONE', retry: 'afresh' }],
    ]);
  });

  it('and counts on from frames that were never received, ends the session', async () => {
    await startWorld();
    const own = draw();
    await used(own);
    const liar = await greet({ ...own, attempt: 2, received: 1, next: 3 });
    expect((await liar.closed).code).toBe(4309);
    expect(world.sessions[1]!.signal.aborted).toBe(true);
  });

  it('and claims less than it has acknowledged, is honest: the count is raised (case 3)', async () => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    client.say([CALL, 3, QUERY, 'echo', 0, 'b'], [CALL, 5, QUERY, 'echo', 0, 'c']);
    await client.answer(5);
    client.say([ACK, 2], [CALL, 7, QUERY, 'echo', 0, 'd']);
    await client.answer(7);
    const again = await RawClient.welcomed(world.url, { ...own, attempt: 2, next: 0 });
    expect(again.heard[0]).toMatchObject([WELCOME, 1, { received: 4, next: 3 }]);
    again.say([CALL, 9, QUERY, 'echo', 0, 'e']);
    await again.answer(9);
    expect(again.heard.filter(([tag]) => tag === RESULT)).toEqual([
      [RESULT, 5, 'c'],
      [RESULT, 7, 'd'],
      [RESULT, 9, 'e'],
    ]);
  });

  it.each([
    { what: 'repeats the attempt that has it', attempt: 5 },
    { what: 'goes back behind it', attempt: 4 },
    { what: 'goes back to the first', attempt: 1 },
  ])('and $what, does not get it', async ({ attempt }) => {
    await startWorld();
    const own = draw();
    await lose(await used(own));
    const client = await RawClient.welcomed(world.url, {
      ...{ ...own, attempt: 5, received: 1, next: 0 },
    });
    const stale = await greet({ ...own, attempt, received: 1, next: 0 });
    expect(await rejectOf(stale)).toEqual([
      REJECT,
      1,
      {
        code: 'SUPERSEDED',
        message: 'a later connection has the session',
        retry: 'resume',
        delayMs: 0,
      },
    ]);
    expect((await stale.closed).code).toBe(4009);
    client.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'b']);
  });

  it.each<{ what: string; hello: (own: Credentials) => WireFrame; code: number }>([
    {
      what: 'is too large (case 12)',
      hello: (own) => [HELLO, 1, helloBody({ ...own, attempt: 2, params: 'a'.repeat(17_000) })],
      code: 4313,
    },
    {
      what: 'is of another version',
      hello: (own) => [HELLO, 2, helloBody({ ...own, attempt: 2 })],
      code: 4426,
    },
    {
      what: 'has no limits',
      hello: (own) => [HELLO, 1, helloBody({ ...own, attempt: 2, limits: null })],
      code: 4400,
    },
    {
      what: 'counts below zero',
      hello: (own) => [HELLO, 1, helloBody({ ...own, attempt: 2, received: -1 })],
      code: 4400,
    },
  ])('and $what, leaves the session as it is', async ({ hello, code }) => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    const bad = await RawClient.connect(world.url);
    bad.say(hello(own));
    expect((await bad.closed).code).toBe(code);
    client.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'b']);
  });

  it('and is refused, runs nothing of what is behind it (case 1)', async () => {
    await startWorld();
    const replay = [
      [CALL, 1, QUERY, 'run', 0],
      [CALL, 3, MUTATION, 'strict', 0, 1],
    ];
    const client = await greet({ attempt: 2, received: 0, next: 1 }, ...replay);
    expect(await rejectOf(client)).toEqual(GONE);
    client.say(...replay);
    client.say([HELLO, 1, helloBody()]);
    client.say([CALL, 1, QUERY, 'run', 0]);
    await client.hears(WELCOME);
    await client.answer(1);
    expect(client.heard.map(([tag]) => tag)).toEqual([REJECT, WELCOME, RESULT]);
    expect(world.runs).toBe(1);
  });

  it('with more behind it than is kept, is refused, and the session waits on', async () => {
    await startWorld();
    const own = draw();
    await lose(await used(own));
    const eager = await greet({ ...own, attempt: 2, received: 1, next: 0, params: 'slowly' });
    for (let id = 3; id < 13; id += 2) {
      eager.say([CALL, id, QUERY, 'run', 0, 'a'.repeat(20_000)]);
    }
    expect((await eager.closed).code).toBe(4313);
    world.gate.open();
    const client = await RawClient.welcomed(world.url, {
      ...{ ...own, attempt: 3, received: 1, next: 0 },
    });
    client.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'b']);
    expect(world.runs).toBe(0);
  });
});

describe('a welcome that is lost', () => {
  it('loses nothing: the same session is had again, and its call is run once (case 2)', async () => {
    await startWorld();
    const own = draw();
    const client = await RawClient.connect(world.url);
    client.webSocket.pause(); // It never reads the welcome.
    client.say([HELLO, 1, helloBody(own)]);
    client.say([CALL, 1, QUERY, 'run', 0]);
    await eventually(() => expect(world.runs).toBe(1));
    client.webSocket.terminate();
    const again = await greet({ ...own, attempt: 2, next: 1 }, [CALL, 1, QUERY, 'run', 0]);
    expect(await again.answer(1)).toEqual([RESULT, 1, 'ran']);
    expect(again.heard[0]).toMatchObject([WELCOME, 1, { received: 1, next: 1 }]);
    expect(world.runs).toBe(1);
    expect(world.sessions.length).toBe(3);
    expect(new Set(world.sessions.map(({ id }) => id)).size).toBe(2);
  });

  it('before it was said leaves nothing behind, and nothing was run', async () => {
    await startWorld();
    const own = draw();
    const first = await greet({ ...own, params: 'slowly' }, [CALL, 1, QUERY, 'run', 0]);
    await eventually(() => expect(world.sessions.length).toBe(2));
    await lose(first);
    await aborted(world.sessions[1]!.signal);
    const again = await greet({ ...own, attempt: 2, next: 1 });
    expect(await rejectOf(again)).toEqual(GONE);
    world.gate.open();
    again.say([HELLO, 1, helloBody()]);
    again.say([CALL, 1, QUERY, 'run', 0]);
    expect(await again.answer(1)).toEqual([RESULT, 1, 'ran']);
    expect(world.runs).toBe(1);
  });
});

describe('two connections that claim one session', () => {
  it('in the order of their attempts: the later one has it', async () => {
    await startWorld();
    const own = draw();
    await lose(await used(own));
    const both = { ...own, received: 1, next: 0 };
    const [second, third] = await Promise.all([
      greet({ ...both, attempt: 2 }),
      greet({ ...both, attempt: 3 }),
    ]);
    await third.hears(WELCOME);
    expect((await second.closed).code).toBe(4009);
    third.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await third.answer(3)).toEqual([RESULT, 3, 'b']);
  });

  it('with the same attempt: exactly one has it', async () => {
    await startWorld();
    const own = draw();
    await lose(await used(own));
    const claim = { ...own, attempt: 2, received: 1, next: 0, params: 'slowly' };
    const clients = [await greet(claim), await greet(claim), await greet(claim)];
    await eventually(() => expect(world.sessions.length).toBe(5));
    world.gate.open();
    await eventually(() =>
      expect(clients.map(({ heard }) => Number(heard[0]?.[0])).sort((a, b) => a - b)).toEqual([
        WELCOME,
        REJECT,
        REJECT,
      ]),
    );
    const owner = clients.find(({ heard }) => heard[0]?.[0] === WELCOME)!;
    for (const client of clients) {
      if (client !== owner) expect((await client.closed).code).toBe(4009);
    }
    owner.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await owner.answer(3)).toEqual([RESULT, 3, 'b']);
  });

  it('the stale one by a context that takes its time: the live one keeps it (case 3b)', async () => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    const both = { ...own, received: 1, next: 0 };
    const stale = await greet({ ...both, attempt: 2, params: 'slowly' });
    await eventually(() => expect(world.sessions.length).toBe(3));
    const live = await RawClient.welcomed(world.url, { ...both, attempt: 3 });
    expect((await client.closed).code).toBe(4009);
    world.gate.open();
    expect((await stale.closed).code).toBe(4009);
    expect(stale.heard).toMatchObject([[REJECT, 1, { code: 'SUPERSEDED', retry: 'resume' }]]);
    live.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await live.answer(3)).toEqual([RESULT, 3, 'b']);
  });

  it('while one has it: it keeps it until the context of the other is made (case 10)', async () => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    const next = await greet({ ...own, attempt: 2, received: 1, next: 0, params: 'slowly' });
    await eventually(() => expect(world.sessions.length).toBe(3));
    client.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'b']);
    world.gate.open();
    await next.hears(WELCOME);
    // What the first had heard is said again: the second said its count before.
    expect(await next.answer(3)).toEqual([RESULT, 3, 'b']);
    expect((await client.closed).code).toBe(4009);
  });

  it('that is not made yet: it goes to the later one, and the other is superseded', async () => {
    await startWorld();
    const own = draw();
    const first = await greet({ ...own, params: 'slowly' });
    await eventually(() => expect(world.sessions.length).toBe(2));
    const second = await greet({ ...own, attempt: 2, params: 'slowly' });
    await eventually(() => expect(world.sessions.length).toBe(3));
    world.gate.open();
    await second.hears(WELCOME);
    expect((await first.closed).code).toBe(4009);
    second.say([CALL, 1, QUERY, 'echo', 0, 'a']);
    expect(await second.answer(1)).toEqual([RESULT, 1, 'a']);
  });

  it('of different users while it is not yet identified: the first to be admitted has it', async () => {
    await startWorld();
    const own = draw();
    await lose(await used(own));
    const both = { ...own, received: 1, next: 0 };
    const ada = await RawClient.welcomed(world.url, {
      ...{ ...both, attempt: 2, params: { name: 'ada' } },
    });
    for (const params of [{ name: 'bob' }, {}]) {
      expect(await rejectOf(await greet({ ...both, attempt: 3, params }))).toEqual(GONE);
    }
    ada.say([CALL, 3, QUERY, 'echo', 0, 'b']);
    expect(await ada.answer(3)).toEqual([RESULT, 3, 'b']);
  });
});

describe('a poison frame (case 6)', () => {
  it.each<{ what: string; poison: string | Uint8Array; code: number }>([
    { what: 'that the parser refuses', poison: '[[32,3,9,"run",0]]', code: 4400 },
    { what: 'that is no JSON', poison: '[[32,3', code: 4400 },
    { what: 'with an id that was used', poison: '[[32,1,0,"run",0]]', code: 4400 },
    { what: 'in rotten pieces', poison: new Uint8Array([39, 7, 0, 0]), code: 4400 },
    { what: 'that is larger than a message', poison: 'a'.repeat(65_537), code: 1009 },
  ])('$what ends the session, so that no replay brings it again', async ({ poison, code }) => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    client.say([CALL, 3, QUERY, 'wait', 0]);
    await eventually(() => expect(world.runs).toBe(1));
    client.send(poison);
    expect((await client.closed).code).toBe(code);
    await aborted(world.sessions[1]!.signal);
    const again = await greet({ ...own, attempt: 2, received: 1, next: 0 });
    expect(await rejectOf(again)).toMatchObject([
      ...[REJECT, 1, { code: 'SESSION_GONE', retry: 'afresh' }],
    ]);
    expect(world.runs).toBe(1);
  });

  it('of a kind that the server does not know ends its call alone, however often it comes', async () => {
    await startWorld();
    const own = draw();
    let client = await used(own);
    client.say([CALL, 3, QUERY, 'wait', 0], [CALL, 5, QUERY, 'wait', 0]);
    await eventually(() => expect(world.runs).toBe(2));
    client.say([77, 3, 'poison']);
    await client.answer(3);
    for (let attempt = 2; attempt < 6; attempt++) {
      await lose(client);
      client = await greet({ ...own, attempt, received: 1, next: 4 }, [77, 3, 'poison']);
      expect(await client.answer(3)).toEqual([ERROR, 3, 'UNSUPPORTED']);
      expect(client.ofCall(5)).toEqual([]);
    }
    expect(world.runs).toBe(2);
  });
});

describe('a client that never acknowledges (case 26)', () => {
  it('has no calls started while it is owed as much as is kept for it', async () => {
    await startWorld();
    const own = draw();
    const client = await used(own);
    for (let id = 3; id < 3 + 2 * 22; id += 2) client.say([CALL, id, QUERY, 'letters', 0, 50_000]);
    await client.answer(3 + 2 * 20);
    client.say([CALL, 101, QUERY, 'run', 0]);
    await world.roundTrips(10);
    expect(world.runs).toBe(0);
    client.acknowledge();
    expect(await client.answer(101)).toEqual([RESULT, 101, 'ran']);
  });

  it('nor over another connection, where all comes again', async () => {
    await startWorld();
    const own = draw();
    const first = await used(own);
    first.say([CALL, 3, SUBSCRIPTION, 'flood', 0, 10_000], [GRANT, 3, 0, 1_000_000]);
    const items = (client: RawClient) => client.heard.filter(([tag]) => tag === ITEM).length;
    const full = Math.ceil(1_048_576 / 10_014);
    await eventually(() => expect(items(first)).toBeGreaterThanOrEqual(full - 1));
    const count = items(first);
    await lose(first);
    for (let attempt = 2; attempt < 6; attempt++) {
      const client = await greet({ ...own, attempt, next: 0 });
      await eventually(() => expect(items(client)).toBe(count));
      client.say([CALL, 2 * attempt + 1, QUERY, 'run', 0]);
      await world.roundTrips(10);
      await lose(client);
    }
    expect(world.produced).toBe(count);
    expect(world.runs).toBe(0);
  });

  it('has its session ended where its calls alone exceed the limit', async () => {
    await startWorld({ limits: { sessionBytesMax: 2 * 1_048_576, callsMax: 1_000 } });
    const own = draw();
    let client = await used(own);
    let id = 3;
    for (let attempt = 2; !world.sessions[1]!.signal.aborted; attempt++) {
      for (let i = 0; i < 10; i++, id += 2) {
        client.say([CALL, id, MUTATION, 'never', 0, 'a'.repeat(60_000)]);
      }
      client.say([CALL, id, QUERY, 'echo', 0]);
      await Promise.race([client.answer(id), client.closed]);
      id += 2;
      if (world.sessions[1]!.signal.aborted) break;
      await lose(client);
      client = await greet({ ...own, attempt, received: 1, next: 0 });
    }
    expect((await client.closed).code).toBe(4313);
    expect(world.runs).toBe(Math.floor((2 * 1_048_576) / 60_000));
  });
});

describe('a client that calls and takes back, and drops its connection (case 26)', () => {
  it('has no more calls run at once than it may, over however many connections', async () => {
    await startWorld({ limits: { callsMax: 4 } });
    const own = draw();
    let client = await used(own);
    let id = 3;
    let received = 0;
    for (let attempt = 2; attempt < 12; attempt++) {
      for (let i = 0; i < 20; i++, id += 2) {
        client.say([CALL, id, MUTATION, 'never', 0]);
        client.say([CANCEL, id]);
      }
      expect(await client.answer(id - 2)).toEqual([ERROR, id - 2, 'BUSY']);
      received += client.heard.filter(([tag]) => (tag as number) >= CALL).length;
      await lose(client);
      client = await RawClient.welcomed(world.url, { ...own, attempt, received, next: 0 });
    }
    expect(world.runs).toBe(4);
  });
});

describe('a client that resumes too often', () => {
  it('is told to come later, ten thousand times, and loses nothing', async () => {
    await startWorld();
    const made = new MemorySession(world.server);
    const first = await made.attach();
    first.say([CALL, 1, QUERY, 'wait', 0]);
    const answers = { welcomed: 0, later: 0 };
    for (let i = 0; i < 10_000; i++) {
      const client = MemoryClient.connect(world.server);
      client.say([
        HELLO,
        1,
        helloBody({ sessionId: made.sessionId, secret: made.secret, attempt: 2 + i, next: 0 }),
      ]);
      if (client.heard.length === 0) await turn();
      if (client.heard[0]?.[0] === WELCOME) answers.welcomed++;
      else {
        answers.later++;
        expect(client.heard).toEqual([
          [
            REJECT,
            1,
            {
              code: 'TOO_MANY',
              message: 'the session is resumed too often',
              retry: 'later',
              delayMs: 1_000,
            },
          ],
        ]);
        expect(client.goodbye?.code).toBe(4503);
        client.close();
      }
    }
    expect(answers.welcomed + answers.later).toBe(10_000);
    // Twenty at once, and one for each second that this has taken.
    expect(answers.welcomed).toBeGreaterThanOrEqual(20);
    expect(answers.welcomed).toBeLessThan(60);
    expect(world.sessions[1]!.signal.aborted).toBe(false);
    expect(world.runs).toBe(1);
    world.sessions[1]!.end();
  });

  it('with many sessions at once, is let in at the pace of the server', async () => {
    await startWorld({ resume: { resumesPerSecondMax: 10 } });
    const mades = Array.from({ length: 30 }, () => new MemorySession(world.server));
    for (const made of mades) {
      const client = await made.attach();
      client.say([CALL, 1, QUERY, 'echo', 0]);
      client.close();
    }
    await turn();
    const codes: unknown[] = [];
    for (const made of mades) {
      const [frame] = (await made.greet()).heard;
      codes.push(frame![0] === WELCOME ? 'welcome' : (frame![2] as { code: unknown }).code);
    }
    expect(codes.slice(0, 10)).toEqual(Array<string>(10).fill('welcome'));
    expect(new Set(codes)).toEqual(new Set(['welcome', 'TOO_MANY']));
    for (const session of world.sessions.slice(1)) session.end();
  });
});

describe('sessions that wait for their clients', () => {
  /** Makes sessions that wait, in the given order. */
  async function waiting(...kinds: { readonly path: string; readonly name?: string }[]) {
    const first = world.sessions.length;
    for (const { path, name } of kinds) {
      const client = await new MemorySession(world.server).attach({ params: { name } });
      client.say([CALL, 1, QUERY, path, 0, 60_000]);
      await turn();
      client.close();
      await turn();
    }
    const sessions = world.sessions.slice(first);
    return () => sessions.map(({ signal }) => signal.aborted);
  }
  const idle = { path: 'echo' };
  const busy = { path: 'wait' };

  it('are as many as may be: the oldest idle ones go first, then the oldest', async () => {
    await startWorld({ resume: { sessionsMax: 2 } });
    const over = await waiting(busy, idle, busy, idle, busy);
    await eventually(() => expect(over()).toEqual([true, true, false, true, false]));
    await world.roundTrips(5);
    expect(over()).toEqual([true, true, false, true, false]);
  });

  it('are as many of one identity as may be, and others are not counted', async () => {
    await startWorld({ resume: { sessionsPerIdentityMax: 1 } });
    const over = await waiting(
      ...[{ ...idle, name: 'ada' }, { ...idle, name: 'bob' }, idle, idle],
      ...[
        { ...idle, name: 'ada' },
        { ...idle, name: 'ada' },
      ],
    );
    await eventually(() => expect(over()).toEqual([true, false, false, false, true, false]));
  });

  it('hold as much as they may', async () => {
    await startWorld({ resume: { bytesMax: 150_000 } });
    const letters = { path: 'letters' };
    const over = await waiting(letters, letters, idle, letters);
    await eventually(() => expect(over()).toEqual([true, false, false, false]));
  });

  it('do not count while their client is there', async () => {
    await startWorld({ resume: { sessionsMax: 0 } });
    const own = draw();
    const client = await used(own);
    const over = await waiting(idle);
    await eventually(() => expect(over()).toEqual([true]));
    client.say([CALL, 3, QUERY, 'echo', 0, 'still here']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'still here']);
  });
});
