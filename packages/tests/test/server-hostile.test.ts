import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ACK,
  CALL,
  CANCEL,
  END,
  ERROR,
  GRANT,
  GOAWAY,
  HELLO,
  helloBody,
  ITEM,
  MUTATION,
  PING,
  PONG,
  QUERY,
  RawClient,
  RawSocket,
  REJECT,
  RESULT,
  SUBSCRIBED,
  SUBSCRIPTION,
  token,
  upgradeRequest,
  webSocketFrame,
  WELCOME,
  type WireFrame,
} from './server-raw.ts';
import { aborted, eventually, leaveNoSocket, RUNNER_PATHS } from './server-support.ts';
import {
  createWorld,
  ITERATORS,
  THROWN,
  UNREADABLE,
  UNWRITABLES,
  type World,
  type WorldOptions,
} from './server-world.ts';

/*
 * Each test does something to a server that no good client does. Beside it a good client is in the
 * middle of a call and of a subscription: whatever was done, both go on over the same connection.
 */

beforeEach(leaveNoSocket);

let world: World;
async function startWorld(options?: WorldOptions): Promise<World> {
  return (world = await createWorld(options));
}
afterEach(() => world.expectUntouched());

describe('a server that hears', () => {
  const NO_MESSAGES: readonly { what: string; text: string }[] = [
    ...['', 'hello', '{', '[', '[[5]', 'undefined', 'NaN', "[['a']]", '\u0000', '[[5]]x'].map(
      (text) => ({ what: `no JSON: ${JSON.stringify(text)}`, text }),
    ),
    ...['{}', 'null', 'true', '1', '"a"', '{"0":[5],"length":1}'].map((text) => ({
      what: `JSON that is no message: ${text}`,
      text,
    })),
    ...['[1]', '[null]', '[{}]', '["a"]', '[[5],1]', '[{"0":5}]'].map((text) => ({
      what: `JSON that has no frames: ${text}`,
      text,
    })),
    ...['[[]]', '[[null]]', '[["5"]]', '[[-1]]', '[[5.5]]', '[[1e400]]', '[[[5]]]', '[[39,1]]'].map(
      (text) => ({ what: `a frame without a tag: ${text}`, text }),
    ),
    { what: 'arrays in arrays in arrays', text: '['.repeat(16_000) },
    { what: 'arrays in arrays, closed', text: '['.repeat(8_000) + ']'.repeat(8_000) },
  ];

  it.each(NO_MESSAGES)('$what, ends the session', async ({ text }) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.send(text);
    expect((await client.closed).code).toBe(4400);
  });

  it.each(NO_MESSAGES)('$what, before it knows the client, refuses it', async ({ text }) => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.send(text);
    expect((await client.closed).code).toBe(4400);
    expect(client.heard).toEqual([
      [REJECT, 1, expect.objectContaining({ code: 'FRAME_MALFORMED', retry: 'never', delayMs: 0 })],
    ]);
  });

  it.each([
    { what: 'text', bytes: Buffer.from('[[5]]') },
    { what: 'nothing', bytes: Buffer.alloc(0) },
    { what: 'zeros', bytes: Buffer.alloc(1_000) },
    { what: 'a piece cut short', bytes: piece(1, 3, 5).subarray(0, 12) },
    { what: 'a piece of nothing', bytes: piece(1, 3, 0) },
    { what: 'a piece with odd flags', bytes: piece(1, 7, 5, '[5]') },
    { what: 'a piece for no call', bytes: piece(0, 3, 5, '[32,]') },
    { what: 'a piece with a huge id', bytes: piece(2n ** 63n, 3, 5, '[32,]') },
    { what: 'a piece in the middle of nothing', bytes: piece(1, 0, undefined, '[32,1') },
    { what: 'a piece with more than it said', bytes: piece(1, 3, 2, '[32,1') },
    { what: 'a last piece with less than it said', bytes: piece(1, 3, 20, '[32,1') },
    { what: 'a payload that is no JSON', bytes: piece(1, 3, 5, '[32,1') },
    { what: 'a payload that is no frame', bytes: piece(1, 3, 4, 'null') },
    { what: 'a payload that is no text', bytes: piece(1, 3, 1, '\xff') },
    { what: 'a payload of another call', bytes: piece(1, 3, 16, '[32,3,0,"run",0]') },
    { what: 'a payload of no call', bytes: piece(1, 3, 3, '[5]') },
  ])('$what in bytes, ends the session', async ({ bytes }) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.send(bytes);
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(0);
  });

  it('bytes before it knows the client, refuses it', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.send(Buffer.from(JSON.stringify([[HELLO, 1, helloBody()]])));
    expect((await client.closed).code).toBe(4400);
  });

  it('of a payload that is too large, ends the session before it comes', async () => {
    const { url } = await startWorld({ limits: { payloadBytesMax: 100_000 } });
    const client = await RawClient.welcomed(url);
    client.send(piece(1, 1, 100_001, '[32,1'));
    expect((await client.closed).code).toBe(4313);
  });

  it('of more payloads in pieces than it takes at once, ends the session', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    for (const id of [1, 3, 5, 7]) client.send(piece(id, 1, 100_000, '[32,1'));
    client.say([CALL, 9, QUERY, 'echo', 0, 'still here']);
    expect(await client.answer(9)).toEqual([RESULT, 9, 'still here']);
    client.send(piece(11, 1, 100_000, '[32,1'));
    expect((await client.closed).code).toBe(4313);
  });

  it('half a payload and then a cancel, does not run it', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.send(piece(1, 1, 16, '[32,1,'));
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'CANCELLED']);
    expect(world.runs).toBe(0);
  });

  it.each([65_536, 65_537])('a message of %i bytes, takes at most 65,536', async (bytes) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    const [head, tail] = ['[[32,1,0,"length",0,"', '"]]'];
    const input = 'a'.repeat(bytes - head.length - tail.length);
    client.send(head + input + tail);
    if (bytes === 65_536) expect(await client.answer(1)).toEqual([RESULT, 1, input.length]);
    else expect((await client.closed).code).toBe(1009);
  });

  it.each([
    { what: 'a frame that is not masked', bytes: Buffer.from([0x81, 1, 0x61]), code: 1002 },
    { what: 'a frame of an unknown kind', bytes: webSocketFrame(3, EMPTY), code: 1002 },
    { what: 'a frame with reserved bits', bytes: webSocketFrame(0x71, EMPTY), code: 1002 },
    { what: 'a continuation of nothing', bytes: webSocketFrame(0, EMPTY), code: 1002 },
    { what: 'a ping that is too long', bytes: webSocketFrame(9, Buffer.alloc(126)), code: 1002 },
    { what: 'text that is no text', bytes: webSocketFrame(1, Buffer.from([0xff])), code: 1007 },
    { what: 'a goodbye of one byte', bytes: webSocketFrame(8, Buffer.alloc(1)), code: 1002 },
    { what: 'a huge length', bytes: Buffer.from([0x81, 0xff, ...Array(8).fill(0x7f)]), code: 1009 },
  ])('$what of WebSocket, says $code', async ({ bytes, code }) => {
    const { port } = await startWorld();
    const raw = await RawSocket.upgraded(port);
    raw.socket.write(bytes);
    await raw.closed;
    const goodbye = Buffer.from(raw.heard.slice(raw.heard.indexOf('\r\n\r\n') + 4), 'latin1');
    expect([goodbye[0], goodbye.readUInt16BE(2)]).toEqual([0x88, code]);
  });

  it('frames that say nothing to it, goes on', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.send('[]');
    client.say([PONG], [PONG, 1, 2], [ACK, 0], [GOAWAY, { spread: 1 }], [CANCEL, 99]);
    client.say([CALL, 1, QUERY, 'echo', 0, 'a', 'and', 'more']);
    expect(await client.answer(1)).toEqual([RESULT, 1, 'a']);
  });
});

describe('a frame', () => {
  it.each<{ frame: WireFrame }>(
    [
      ...[[CALL], [CALL, 1], [CALL, 1, QUERY], [CALL, 1, QUERY, 'run']],
      ...[
        [CALL, 1, 3, 'run', 0],
        [CALL, 1, '0', 'run', 0],
        [CALL, 1, 'toString', 'run', 0],
      ],
      ...[
        [CALL, 1, QUERY, 1, 0],
        [CALL, 1, QUERY, null, 0],
        [CALL, 1, QUERY, ['run'], 0],
      ],
      [CALL, 1, QUERY, 'a'.repeat(1_025), 0],
      ...[
        [CALL, 1, QUERY, 'run', 1],
        [CALL, 1, QUERY, 'run', null],
        [CALL, 1, QUERY, 'run', 'a'],
      ],
      ...[
        [CALL, 1, QUERY, 'run', { timeout: 0 }],
        [CALL, 1, QUERY, 'run', { timeout: -1 }],
      ],
      ...[
        [CALL, 1, QUERY, 'run', { timeout: '1' }],
        [CALL, 1, QUERY, 'run', { timeout: 1e300 }],
      ],
      ...[
        [CALL, 1, QUERY, 'run', { after: 1 }],
        [CALL, 1, QUERY, 'run', { after: null }],
      ],
      ...[[CANCEL], [CANCEL, 'a'], [CANCEL, -1], [ACK], [ACK, -1], [ACK, '0']],
      ...[
        [RESULT, 2, 1],
        [RESULT, 1, 1],
        [ERROR, 2, 'BUSY'],
        [ERROR, 2, 1],
        [ITEM, 2, 0, 1],
      ],
      ...[
        [END, 2],
        [SUBSCRIBED, 2],
        [WELCOME, 1, {}],
        [REJECT, 1, {}],
      ],
    ].map((frame) => ({ frame })),
  )('$frame ends the session', async ({ frame }) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say(frame);
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(0);
  });

  it('that acknowledges what was never sent, ends the session', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say([ACK, 1]);
    expect((await client.closed).code).toBe(4309);
  });

  // 4, 8 and 10 are known, but only a server says them.
  it.each([0, 4, 8, 10, 31])(
    'with the uncounted tag %i, which no client says, is ignored (case 8)',
    async (tag) => {
      const { url } = await startWorld({ keepAliveMs: 100 });
      const client = await RawClient.welcomed(url);
      client.say([tag, 1, 'a'], [CALL, 1, QUERY, 'echo', 0, 'b'], [tag]);
      expect(await client.answer(1)).toEqual([RESULT, 1, 'b']);
      expect(await client.hears(ACK)).toEqual([ACK, 1]);
    },
  );

  it.each([44, 1_000, 2 ** 53 - 1])(
    'with the unknown tag %i is counted, and ends its call as UNSUPPORTED (case 8)',
    async (tag) => {
      const { url } = await startWorld({ keepAliveMs: 100 });
      const client = await RawClient.welcomed(url);
      client.say([CALL, 1, QUERY, 'wait', 0], [CALL, 3, QUERY, 'wait', 0]);
      await eventually(() => expect(world.runs).toBe(2));
      client.say([tag, 1, 'a'], [tag], [tag, 99], [tag, '__proto__'], [tag, 2]);
      expect(await client.answer(1)).toEqual([ERROR, 1, 'UNSUPPORTED']);
      client.say([CALL, 5, QUERY, 'run', 0], [tag, 5]);
      expect(await client.answer(5)).toEqual([ERROR, 5, 'UNSUPPORTED']);
      await client.finds((frame) => frame[0] === ACK && frame[1] === 9);
      expect(world.runs).toBe(2);
      expect(client.ofCall(3)).toEqual([]);
    },
  );
});

describe('the id of a call (case 36)', () => {
  it.each([
    ...[0, -1, -2, 1.5, 2, 2 ** 53, 2 ** 53 + 1, 1e300, '1', '', '__proto__', 'constructor'],
    ...['toString', null, true, [1], {}],
  ])('that is %j ends the session', async (id) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say([CALL, id, QUERY, 'run', 0]);
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(0);
  });

  it.each([
    { what: 'of a call under way', first: [CALL, 5, QUERY, 'wait', 0] },
    { what: 'of a call that was answered', first: [CALL, 5, QUERY, 'wait', 0], answered: true },
    { what: 'below that of an earlier call', first: [CALL, 7, QUERY, 'wait', 0] },
  ])('$what ends the session', async ({ first, answered }) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say(first);
    await eventually(() => expect(world.runs).toBe(1));
    if (answered === true) {
      client.say([CANCEL, 5]);
      await client.answer(5);
    }
    client.say([CALL, 5, QUERY, 'run', 0]);
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(1);
  });

  it('in pieces, must be as new as any other', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say([CALL, 3, QUERY, 'run', 0]);
    await client.answer(3);
    client.send(piece(1, 3, 16, '[32,1,0,"run",0]'));
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(1);
  });

  it('may be the largest, and then be the last', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say([CALL, Number.MAX_SAFE_INTEGER, QUERY, 'echo', 0, 'a']);
    expect(await client.answer(Number.MAX_SAFE_INTEGER)).toEqual([
      ...[RESULT, Number.MAX_SAFE_INTEGER, 'a'],
    ]);
    client.say([CALL, 1, QUERY, 'echo', 0, 'a']);
    expect((await client.closed).code).toBe(4400);
  });
});

describe('a path', () => {
  const NO_PATHS = [
    ...[
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'valueOf',
      '_def',
      'createCaller',
    ],
    ...['', '.', 'echo.', '.echo', 'echo.toString', 'echo.__proto__', 'deep', 'deep.constructor'],
    ...[
      'constructor.constructor',
      '__proto__.echo',
      'lazy.__proto__',
      'a'.repeat(1_024),
      '\0',
      '🙂',
    ],
  ];
  it.each([QUERY, MUTATION, SUBSCRIPTION])(
    'that leads nowhere is answered as such, to a call of kind %i',
    async (kind) => {
      const { url } = await startWorld();
      const client = await RawClient.welcomed(url);
      client.say(...NO_PATHS.map((path, index) => [CALL, 2 * index + 1, kind, path, 0]));
      client.say([CALL, 99, QUERY, 'echo', 0, 'a']);
      expect(await client.answer(99)).toEqual([RESULT, 99, 'a']);
      for (const index of NO_PATHS.keys()) {
        const id = 2 * index + 1;
        expect(await client.answer(id)).toEqual([ERROR, id, 0, shapeWith('NOT_FOUND')]);
      }
    },
  );
});

describe.each(RUNNER_PATHS)('an input, by %s', (path) => {
  it('that zod refuses is answered as such', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    const inputs = ['1', null, undefined, [], {}, true, { length: 1 }];
    client.say(...inputs.map((input, i) => [CALL, 2 * i + 1, MUTATION, 'strict', 0, input]));
    for (const index of inputs.keys()) {
      const id = 2 * index + 1;
      expect(await client.answer(id)).toEqual([ERROR, id, 0, shapeWith('BAD_REQUEST')]);
    }
    client.say([CALL, 99, MUTATION, 'strict', 0, 1]);
    expect(await client.answer(99)).toEqual([RESULT, 99, 1]);
    expect(world.runs).toBe(1);
  });

  it('with names of what is built in changes nothing but itself', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    const names = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    client.send(`[[${CALL},1,${QUERY},"echo",0,${names}]]`);
    client.send(`[[${CALL},3,${SUBSCRIPTION},"once",{"after":"__proto__"},${names}]]`);
    await client.answer(1);
    await client.answer(3);
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined);
    expect(JSON.stringify((await client.hears(RESULT, 1))[2])).toBe(names);
  });

  it('of arrays in arrays is answered one way or the other', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    const depth = 30_000;
    client.send(`[[${CALL},1,${QUERY},"echo",0,${'['.repeat(depth)}${']'.repeat(depth)}]]`);
    client.say([CALL, 3, QUERY, 'echo', 0, 'a']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'a']);
    expect([RESULT, ERROR]).toContain((await client.answer(1))[0]);
  });

  it('that the transformer cannot read is answered as such', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, QUERY, 'echo', 0, UNREADABLE], [CALL, 3, QUERY, 'echo', 0, 'a']);
    client.say([CALL, 5, SUBSCRIPTION, 'once', 0, UNREADABLE]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 0, shapeWith('PARSE_ERROR')]);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'a']);
    expect(await client.answer(5)).toEqual([ERROR, 5, 0, shapeWith('PARSE_ERROR')]);
  });
});

describe.each(RUNNER_PATHS)('a procedure, by %s', (path) => {
  it('is run by that one', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, QUERY, 'path', 0]);
    expect(await client.answer(1)).toEqual([RESULT, 1, path]);
  });

  it.each(Object.keys(THROWN))('that throws %s is answered with an error', async (what) => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, MUTATION, 'throws', 0, what]);
    client.say([CALL, 3, SUBSCRIPTION, 'throwsLater', 0, what]);
    client.say([CALL, 5, SUBSCRIPTION, 'emitsError', 0, what]);
    const error = shapeWith('INTERNAL_SERVER_ERROR');
    for (const id of [1, 3, 5]) expect(await client.answer(id)).toEqual([ERROR, id, 0, error]);
    expect(await client.hears(ITEM, 3)).toEqual([ITEM, 3, 0, 'first']);
  });

  it.each(Object.keys(UNWRITABLES))('that gives %s is answered with an error', async (what) => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, QUERY, 'gives', 0, what], [CALL, 3, SUBSCRIPTION, 'yields', 0, what]);
    const error = shapeWith('INTERNAL_SERVER_ERROR');
    for (const id of [1, 3]) expect(await client.answer(id)).toEqual([ERROR, id, 0, error]);
  });

  it('that gives what cannot be looked at is answered with an error', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, QUERY, 'givesUnseeable', 0]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 0, shapeWith('INTERNAL_SERVER_ERROR')]);
  });

  it('that yields what cannot be written, keeps its place until it is over', async () => {
    const { url } = await startWorld({ path, limits: { callsMax: 3 } });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, MUTATION, 'never', 0], [CALL, 3, MUTATION, 'never', 0]);
    client.say([CALL, 5, SUBSCRIPTION, 'yieldsUnwritableAndWaits', 0]);
    await client.hears(SUBSCRIBED, 5);
    await world.roundTrips(5);
    client.say([CALL, 7, QUERY, 'echo', 0]);
    expect(await client.answer(7)).toEqual([ERROR, 7, 'BUSY']);
    expect(client.ofCall(5)).toEqual([[SUBSCRIBED, 5]]);
    world.gate.open();
    expect(await client.answer(5)).toEqual([ERROR, 5, 0, shapeWith('INTERNAL_SERVER_ERROR')]);
  });

  it.each(Object.keys(ITERATORS))(
    'that returns an iterator which %s, harms nobody, aborted or not',
    async (what) => {
      const { url } = await startWorld({ path, limits: { callsMax: 2 } });
      const client = await RawClient.welcomed(url);
      client.say([CALL, 1, MUTATION, 'never', 0], [CALL, 3, SUBSCRIPTION, 'iterates', 0, what]);
      await eventually(() => expect(world.runs).toBe(2));
      client.say([CANCEL, 3]);
      const [tag] = await client.answer(3);
      expect([ERROR, END]).toContain(tag);
      client.say([CALL, 5, QUERY, 'echo', 0, 'its place is free']);
      expect(await client.answer(5)).toEqual([RESULT, 5, 'its place is free']);
    },
  );

  it('that yields after it was aborted gives nothing more, and one end', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, SUBSCRIPTION, 'yieldsLate', 0]);
    await client.hears(ITEM, 1);
    client.say([CANCEL, 1]);
    await client.answer(1);
    client.say([CANCEL, 1], [CALL, 3, QUERY, 'echo', 0, 'a']);
    await client.answer(3);
    expect(client.ofCall(1)).toEqual([
      [SUBSCRIBED, 1],
      [ITEM, 1, 0, 'in time'],
      [ERROR, 1, 'ABORTED'],
    ]);
  });

  it.each([
    { name: 'never', kind: MUTATION },
    { name: 'neverYields', kind: SUBSCRIPTION },
    { name: 'neverReturns', kind: SUBSCRIPTION },
  ])('that never settles ($name) keeps its place until its session ends', async (procedure) => {
    const { url } = await startWorld({ path, limits: { callsMax: 2 } });
    const { kind, name } = procedure;
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, kind, name, 0], [CALL, 3, kind, name, 0], [CALL, 5, QUERY, 'run', 0]);
    expect(await client.answer(5)).toEqual([ERROR, 5, 'BUSY']);
    await eventually(() => expect(world.runs).toBe(2));
    client.say([CANCEL, 1], [CANCEL, 3]);
    client.say([CALL, 7, QUERY, 'run', 0]);
    expect(await client.answer(7)).toEqual([ERROR, 7, 'BUSY']);
    expect([1, 3].map((id) => client.ofCall(id).filter(([tag]) => tag === ERROR))).toEqual([
      [],
      [],
    ]);

    const other = await RawClient.welcomed(url);
    other.say([CALL, 1, QUERY, 'echo', 0, 'others go on']);
    expect(await other.answer(1)).toEqual([RESULT, 1, 'others go on']);

    const session = world.sessions[1]!;
    client.webSocket.close(1000);
    await aborted(session.signal);
    expect(world.runs).toBe(2);
  });

  it.each<{ how: string; leave: (client: RawClient) => void }>([
    { how: 'is ended by its client', leave: ({ webSocket }) => webSocket.close(1000) },
    { how: 'waits for its client in vain', leave: ({ webSocket }) => webSocket.terminate() },
  ])('that never settles is let go of with its session, when that $how', async ({ leave }) => {
    const { url } = await startWorld({ path, resume: { windowMs: 100 } });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, MUTATION, 'never', 0], [CALL, 3, SUBSCRIPTION, 'neverYields', 0]);
    await eventually(() => expect(world.runs).toBe(2));
    const session = weakly(world.sessions.pop()!);
    world.sockets.pop();
    leave(client);
    await client.closed;
    await eventually(() => {
      collectGarbage();
      // Not the session itself: the error of a check that fails would keep hold of it.
      expect(session.deref() === undefined).toBe(true);
    });
  });

  it('that settles after its session has ended is answered to nobody', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, MUTATION, 'held', 0], [CALL, 3, SUBSCRIPTION, 'heldItems', 0]);
    await eventually(() => expect(world.runs).toBe(2));
    client.webSocket.close(1000);
    const session = world.sessions[1]!;
    await aborted(session.signal);
    world.gate.open();
    await world.gate.promise;
  });

  it('whose time is over is aborted by the server itself', async () => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, QUERY, 'wait', { timeout: 1 }], [CALL, 3, QUERY, 'wait', 0]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    expect(client.ofCall(3)).toEqual([]);
  });
});

describe.each(RUNNER_PATHS)('a formatter or transformer of the router, by %s', (path) => {
  it.each([
    { what: 'a formatter that throws', name: 'formatterThrows' },
    { what: 'a formatter that gives what no codec carries', name: 'formatterGivesBigint' },
    { what: 'a transformer that cannot write the shape', name: 'formatterGivesUnwritable' },
  ])('($what) ends the call as INTERNAL, and is reported', async ({ name }) => {
    const { url } = await startWorld({ path });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, MUTATION, name, 0], [CALL, 3, QUERY, 'echo', 0, 'a']);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'INTERNAL']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'a']);
    expect(world.reports.map(({ path, type }) => ({ path, type }))).toEqual([
      { path: name, type: 'mutation' },
      { path: name, type: 'mutation' },
    ]);
  });
});

describe('a greeting', () => {
  it.each<{ what: string; hello: WireFrame; code: number }>([
    { what: 'of another version', hello: [HELLO, 2, helloBody()], code: 4426 },
    { what: 'of another version and form', hello: [HELLO, 2, 'a', 'b'], code: 4426 },
    { what: 'of no version', hello: [HELLO, null, helloBody()], code: 4426 },
    { what: 'of another kind', hello: [CALL, 1, QUERY, 'run', 0], code: 4400 },
    { what: 'without a body', hello: [HELLO, 1], code: 4400 },
    { what: 'with an array for a body', hello: [HELLO, 1, []], code: 4400 },
    ...Object.entries({
      sessionId: [undefined, null, '', 'short', '../../../../../../etc/passwd', 'a'.repeat(65), 1],
      secret: [undefined, '__proto__', 'a'.repeat(21), ['a'.repeat(22)]],
      attempt: [undefined, 0, -1, 1.5, '1', 2 ** 53],
      received: [undefined, -1, '0', 1e300],
      next: [undefined, -1, null],
      client: [undefined, 1, 'a'.repeat(129)],
      limits: [
        ...[undefined, null, 1, 'a', [], {}, { payload: 65_535, calls: 1, backlog: 65_536 }],
        { payload: 65_536, calls: -1, backlog: 65_536 },
        { payload: 65_536, calls: 1, backlog: 65_535 },
        { payload: 1e300, calls: 1, backlog: 65_536 },
      ],
    }).flatMap(([member, values]) =>
      values.map((value) => ({
        what: `whose ${member} is ${JSON.stringify(value)}`,
        hello: [HELLO, 1, helloBody({ [member]: value })],
        code: 4400,
      })),
    ),
  ])('$what is refused', async ({ hello, code }) => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.say(hello);
    expect((await client.closed).code).toBe(code);
    expect(client.heard).toMatchObject([[REJECT, 1, { retry: 'never' }]]);
    expect(world.sessions.length).toBe(1);
  });

  it('that counts on from frames that were never sent, ends the session', async () => {
    const { url } = await startWorld();
    for (const counts of [{ received: 1 }, { next: 2 }]) {
      const client = await RawClient.connect(url);
      client.say([HELLO, 1, helloBody(counts)]);
      expect((await client.closed).code).toBe(4309);
    }
  });

  it.each([16_384, 16_385])('of %i bytes is taken up to 16,384', async (bytes) => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    const hello = (params: string) => JSON.stringify([[HELLO, 1, helloBody({ params })]]);
    client.send(hello('a'.repeat(bytes - hello('').length)));
    if (bytes === 16_384) await client.hears(WELCOME);
    else expect((await client.closed).code).toBe(4313);
  });

  it('with calls in the same message is refused, and they are not run', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody()], [CALL, 1, QUERY, 'run', 0]);
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(0);
  });

  it('in another codec is refused in words', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url, ['openline.v9.cbor']);
    expect((await client.closed).code).toBe(4415);
    expect(client.heard).toMatchObject([
      [REJECT, 1, { code: 'CODEC_UNSUPPORTED', retry: 'never' }],
    ]);
  });

  it('said twice ends the session', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say([HELLO, 1, helloBody()]);
    expect((await client.closed).code).toBe(4400);
  });

  it('said twice before it is answered ends the session', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody({ params: 'slowly' })]);
    client.say([HELLO, 1, helloBody()]);
    await eventually(() => expect(world.sessions.length).toBe(2));
    world.gate.open();
    expect((await client.closed).code).toBe(4400);
  });

  it('is answered before what came behind it is run', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody({ params: 'slowly' })]);
    client.say([CALL, 1, QUERY, 'run', 0]);
    client.say([CALL, 3, QUERY, 'echo', 0, 'a']);
    await eventually(() => expect(world.sessions.length).toBe(2));
    expect(world.runs).toBe(0);
    world.gate.open();
    expect(await client.answer(3)).toEqual([RESULT, 3, 'a']);
    expect(client.heard.map(([tag]) => tag)).toEqual([WELCOME, RESULT, RESULT]);
  });

  it('with more behind it than is kept is refused, and nothing of that is run (case 26)', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody({ params: 'slowly' })]);
    for (let id = 1; id < 10; id += 2) {
      client.say([CALL, id, QUERY, 'run', 0, 'a'.repeat(20_000)]);
    }
    expect((await client.closed).code).toBe(4313);
    world.gate.open();
    expect(client.heard).toMatchObject([[REJECT, 1, { code: 'LIMIT_EXCEEDED' }]]);
    expect(world.runs).toBe(0);
  });

  it('that is refused takes what is behind it with it', async () => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody({ params: 'throw' })]);
    client.say([CALL, 1, QUERY, 'run', 0]);
    client.say([HELLO, 1, helloBody()]);
    expect((await client.closed).code).toBe(4504);
    expect(client.heard.map(([tag]) => tag)).toEqual([REJECT]);
    expect(world.runs).toBe(0);
  });

  it('that is refused has its connection dropped when it does not answer the goodbye', async () => {
    const { port } = await startWorld();
    const raw = await RawSocket.upgraded(port);
    raw.socket.write(webSocketFrame(1, Buffer.from('rubbish')));
    await raw.closed;
  });
});

describe('a client that says nothing', () => {
  const IMPATIENT = { handshakeTimeoutMs: 200, keepAliveMs: 100 };

  it('is refused after a time', async () => {
    const { url } = await startWorld(IMPATIENT);
    const client = await RawClient.connect(url);
    expect((await client.closed).code).toBe(4508);
    expect(client.heard).toMatchObject([[REJECT, 1, { code: 'HANDSHAKE_LATE', retry: 'later' }]]);
  });

  it('but half a WebSocket frame is refused after a time', async () => {
    const { port } = await startWorld(IMPATIENT);
    const raw = await RawSocket.upgraded(port);
    raw.socket.write(webSocketFrame(1, Buffer.from('[[1,1,{}]]')).subarray(0, 9));
    raw.socket.on('end', () => raw.socket.end());
    await raw.closed;
    expect(raw.heard).toContain('HANDSHAKE_LATE');
  });

  it('is refused after the same time when its context does not come', async () => {
    const { url } = await startWorld(IMPATIENT);
    const client = await RawClient.connect(url);
    client.say([HELLO, 1, helloBody({ params: 'slowly' })]);
    expect((await client.closed).code).toBe(4508);
    expect(world.sessions.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    world.gate.open();
  });

  it('once it was welcomed is asked, and its connection then given up, not its session', async () => {
    const { url } = await startWorld(IMPATIENT);
    const session = { sessionId: token(), secret: token() };
    const client = await RawClient.welcomed(url, session);
    client.say([CALL, 1, QUERY, 'wait', 0]);
    expect((await client.closed).code).toBe(1006);
    expect(client.heard.filter(([tag]) => tag === PING).length).toBe(3);
    const again = await RawClient.welcomed(url, { ...session, attempt: 2, next: 2 });
    again.say([CANCEL, 1]);
    expect(await again.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    expect(world.runs).toBe(1);
  });

  it('but that it is there, is not given up', async () => {
    const { url } = await startWorld(IMPATIENT);
    const client = await RawClient.welcomed(url);
    client.webSocket.on('message', () => client.say([PONG]));
    await eventually(() =>
      expect(client.heard.filter(([tag]) => tag === PING).length).toBeGreaterThan(4),
    );
  });
});

describe('a client that says too much', () => {
  it('has each of its calls answered, and only those run that it may have', async () => {
    const { url } = await startWorld({ limits: { callsMax: 100 } });
    const client = await RawClient.welcomed(url);
    const calls: string[] = [];
    for (let id = 1; calls.join(',').length < 65_500; id += 2) calls.push(`[32,${id},0,"run",0]`);
    client.send(`[${calls.slice(0, -1).join(',')}]`);
    const count = calls.length - 1;
    await eventually(() => expect(client.heard.length).toBeGreaterThanOrEqual(1 + count));
    const answers = client.heard.filter(([tag]) => tag === RESULT || tag === ERROR);
    expect(answers.length).toBe(count);
    expect(new Set(answers.map(([, id]) => id)).size).toBe(count);
    expect(answers.filter(([tag]) => tag === RESULT).length).toBe(100);
    expect(answers.filter(([, , code]) => code === 'BUSY').length).toBe(count - 100);
    expect(world.runs).toBe(100);
  });

  it('has calls not run that it takes back in the same message (case 35)', async () => {
    const { url } = await startWorld({ limits: { callsMax: 2 } });
    const client = await RawClient.welcomed(url);
    const ids = Array.from({ length: 200 }, (_, index) => 2 * index + 1);
    client.say(
      ...ids.flatMap((id) => [
        [CALL, id, MUTATION, 'never', 0],
        [CANCEL, id],
      ]),
    );
    for (const id of ids) expect(await client.answer(id)).toEqual([ERROR, id, 'CANCELLED']);
    expect(world.runs).toBe(0);
  });

  it('has no more calls run at once, however often it takes them back (case 26)', async () => {
    const { url } = await startWorld({ limits: { callsMax: 4 } });
    const client = await RawClient.welcomed(url);
    const ids = Array.from({ length: 200 }, (_, index) => 2 * index + 1);
    for (const id of ids) {
      client.say([CALL, id, MUTATION, 'never', 0]);
      client.say([CANCEL, id]);
    }
    for (const id of ids.slice(4)) expect(await client.answer(id)).toEqual([ERROR, id, 'BUSY']);
    expect(world.runs).toBe(4);
    expect(ids.slice(0, 4).flatMap((id) => client.ofCall(id))).toEqual([]);
  });

  it('has places free again when what it took back has settled', async () => {
    const { url } = await startWorld({ limits: { callsMax: 2 } });
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, MUTATION, 'never', 0]);
    for (let id = 3; id < 100; id += 2) {
      client.say([CALL, id, QUERY, 'wait', 0]);
      await eventually(() => expect(world.runs).toBe((id + 1) / 2));
      client.say([CANCEL, id]);
      expect(await client.answer(id)).toEqual([ERROR, id, 'ABORTED']);
    }
  });

  it('that asks again and again whether the server is there, is told once a turn', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    for (let i = 0; i < 10; i++) client.say(...Array.from({ length: 1_000 }, () => [PING]));
    client.say([CALL, 1, QUERY, 'echo', 0, 'a']);
    await client.answer(1);
    expect(client.heard.filter(([tag]) => tag === PONG).length).toBeLessThanOrEqual(11);
  });
});

describe('a client that does not take what it is sent', () => {
  const ITEM_BYTES = 10_000;

  it('has streams wait until it has taken some', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, SUBSCRIPTION, 'flood', 0, ITEM_BYTES], [GRANT, 1, 0, 1_000_000]);
    // What is not acknowledged is at most the megabyte that the server keeps, and the last item.
    const produced = Math.ceil(1_048_576 / (ITEM_BYTES + 14));
    await eventually(() =>
      expect(client.heard.filter(([tag]) => tag === ITEM).length).toBe(produced),
    );
    await world.roundTrips(50);
    expect(world.produced).toBe(produced);
    client.acknowledge();
    await eventually(() => expect(world.produced).toBe(2 * produced));
  });

  it('nor reads it, costs the server no more than that', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url);
    client.webSocket.pause();
    client.say([CALL, 1, SUBSCRIPTION, 'flood', 0, ITEM_BYTES], [GRANT, 1, 0, 1_000_000]);
    const produced = Math.ceil(1_048_576 / (ITEM_BYTES + 14));
    await eventually(() => expect(world.produced).toBe(produced));
    await world.roundTrips(50);
    expect(world.produced).toBe(produced);
    client.webSocket.resume();
    await eventually(() =>
      expect(client.heard.filter(([tag]) => tag === ITEM).length).toBe(produced),
    );
  });

  it('and asks for more than is kept for it, has its session ended', async () => {
    const { url } = await startWorld({
      limits: { sessionBytesMax: 2 * 1_048_576, callsMax: 1_000 },
    });
    const client = await RawClient.welcomed(url);
    for (let id = 1; id < 1_000; id += 2) client.say([CALL, id, QUERY, 'letters', 0, 50_000]);
    expect((await client.closed).code).toBe(4313);
    const session = world.sessions[1]!;
    expect(session.signal.aborted).toBe(true);
  });

  it('and gives more to procedures than is kept for it, has its session ended', async () => {
    const { url } = await startWorld({
      limits: { sessionBytesMax: 2 * 1_048_576, callsMax: 1_000 },
    });
    const client = await RawClient.welcomed(url);
    for (let id = 1; id < 200; id += 2) {
      client.say([CALL, id, MUTATION, 'never', 0, 'a'.repeat(60_000)]);
    }
    expect((await client.closed).code).toBe(4313);
    // The call that exceeds the limit is not started any more.
    expect(world.runs).toBe(Math.floor((2 * 1_048_576) / 60_000));
    expect(world.sessions[1]?.signal.aborted).toBe(true);
  });

  it('nor reads it, and asks for more than is kept for it, is dropped', async () => {
    const { url } = await startWorld({
      limits: { sessionBytesMax: 2 * 1_048_576, callsMax: 1_000 },
    });
    const client = await RawClient.welcomed(url);
    const socket = world.sockets.at(-1)!;
    client.webSocket.pause();
    for (let id = 1; id < 1_000; id += 2) client.say([CALL, id, QUERY, 'letters', 0, 50_000]);
    const session = world.sessions[1]!;
    await aborted(session.signal);
    expect(socket.writableLength).toBeLessThan(300_000);
    await eventually(() => expect(socket.destroyed).toBe(true));
  });

  it('has no heap of answers to pings of WebSocket, either', async () => {
    const { port } = await startWorld();
    const raw = await RawSocket.upgraded(port);
    const socket = world.sockets.at(-1)!;
    raw.socket.pause();
    const pings = Buffer.concat(
      Array<Buffer>(1_000).fill(webSocketFrame(9, Buffer.alloc(125, 'a'))),
    );
    let largest = 0;
    for (let i = 0; i < 200 && !socket.destroyed; i++) {
      await new Promise((resolve) => raw.socket.write(pings, resolve));
      largest = Math.max(largest, socket.writableLength);
    }
    expect(largest).toBeLessThan(100_000);
    expect(socket.destroyed).toBe(true);
  });
});

describe('a request to upgrade', () => {
  it.each([
    { what: 'to a wrong path', start: { path: '/other' }, headers: {}, status: 404 },
    { what: 'with a wrong method', start: { method: 'DELETE' }, headers: {}, status: 405 },
    { what: 'without a host', start: {}, headers: { Host: undefined }, status: 400 },
    { what: 'to a malformed host', start: {}, headers: { Host: 'a/b' }, status: 400 },
    { what: 'from a strange page', start: {}, headers: { Origin: 'https://a.b' }, status: 403 },
    { what: 'without a key', start: {}, headers: { 'Sec-WebSocket-Key': undefined }, status: 400 },
  ])('$what is answered with $status', async ({ start, headers, status }) => {
    const { port } = await startWorld();
    const raw = new RawSocket(port);
    raw.socket.write(upgradeRequest({ Host: 'localhost', ...headers }, start));
    expect(await raw.status()).toBe(status);
    await raw.closed;
  });

  it('that comes byte by byte is taken', async () => {
    const { port } = await startWorld();
    const raw = new RawSocket(port);
    raw.socket.setNoDelay(true);
    for (const character of upgradeRequest({ Host: 'localhost' })) {
      await new Promise((resolve) => raw.socket.write(character, resolve));
    }
    expect(await raw.status()).toBe(101);
  });

  it('that is broken off in the middle is nothing', async () => {
    const { port } = await startWorld();
    const raw = new RawSocket(port);
    await once(raw.socket, 'connect');
    raw.socket.write(upgradeRequest({ Host: 'localhost' }).slice(0, 50));
    raw.socket.resetAndDestroy();
    await raw.closed;
  });

  it('that is broken off as soon as it is taken is nothing', async () => {
    const { port } = await startWorld();
    const connections = world.sockets.length;
    for (let i = 0; i < 20; i++) {
      const raw = new RawSocket(port);
      await once(raw.socket, 'connect');
      raw.socket.write(upgradeRequest({ Host: 'localhost' }));
      raw.socket.write(webSocketFrame(1, Buffer.from(JSON.stringify([[HELLO, 1, helloBody()]]))));
      await eventually(() => expect(world.sockets.length).toBe(connections + i + 1));
      raw.socket.resetAndDestroy();
      await raw.closed;
    }
    await eventually(() =>
      expect(world.sockets.slice(connections).every(({ destroyed }) => destroyed)).toBe(true),
    );
  });
});

const EMPTY = Buffer.alloc(0);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** In a function of its own, so that the caller keeps no hold of it while it waits. */
function weakly<T extends object>(value: T): WeakRef<T> {
  return new WeakRef(value);
}

/** A piece of a frame, as the SPEC lays it out. A size is in the first piece only. */
function piece(id: number | bigint, flags: number, size: number | undefined, text = ''): Buffer {
  const first = size !== undefined;
  const head = Buffer.alloc(first ? 18 : 10);
  head[0] = 39;
  head[1] = flags;
  head.writeBigUInt64BE(BigInt(id), 2);
  if (first) head.writeBigUInt64BE(BigInt(size), 10);
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

/** The shape of an error by tRPC's own formatter, as far as it matters here. */
function shapeWith(code: string): unknown {
  return expect.objectContaining({ data: expect.objectContaining({ code }) });
}
