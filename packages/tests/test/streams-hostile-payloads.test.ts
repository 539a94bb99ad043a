import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CALL, CANCEL, ERROR, ITEM, MUTATION, QUERY, RawClient, RESULT } from './server-raw.ts';
import { eventually, leaveNoSocket } from './server-support.ts';
import { upTo } from './streams-support.ts';
import { CLOSE, createStreamWorld, INPUT, RETURNED, type StreamWorld } from './streams-world.ts';

const FRAME_MALFORMED = 4400;
const LIMIT_EXCEEDED = 4313;
const WHOLE = { streams: [[]] };

beforeEach(leaveNoSocket);

let world: StreamWorld;
let client: RawClient;
async function startWorld(limits?: Parameters<typeof createStreamWorld>[0]): Promise<void> {
  world = await createStreamWorld(limits);
  client = await RawClient.welcomed(world.url);
  lastId = 99;
}
afterEach(() => world.expectUntouched());

let lastId: number;

/** The client's session goes on: it is answered. */
async function expectToLive(): Promise<void> {
  const id = (lastId += 2);
  client.say([CALL, id, QUERY, 'echo', 0, 'alive']);
  expect(await client.answer(id)).toEqual([RESULT, id, 'alive']);
}

describe('the places of streams', () => {
  it.each([
    { what: 'none', streams: [] },
    { what: 'an object', streams: {} },
    { what: 'a text', streams: 'a' },
    { what: 'null', streams: null },
    { what: 'a text in a list', streams: ['a'] },
    { what: 'null in a list', streams: [null] },
    { what: 'a step that is null', streams: [[null]] },
    { what: 'a step that is an object', streams: [[{}]] },
    { what: 'a step that is true', streams: [[true]] },
    { what: 'a step that is negative', streams: [[-1]] },
    { what: 'a step that is no integer', streams: [[0.5]] },
    { what: 'a step that is huge', streams: [[1e300]] },
    { what: 'a step with a name of 1,025 characters', streams: [['a'.repeat(1_025)]] },
    { what: '33 of them', streams: upTo(33).map((n) => [`${n}`]) },
    { what: 'one that is 33 deep', streams: [upTo(33)] },
  ])('that are malformed, $what, end the session', async ({ streams }) => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'atA', { streams }, { a: null }]);
    expect((await client.closed).code).toBe(FRAME_MALFORMED);
    expect(world.runs).toBe(0);
  });

  it.each([
    { what: 'nothing', streams: [['b']], input: { a: null } },
    { what: 'nothing in nothing', streams: [['b', 'c']], input: { a: null } },
    { what: 'null', streams: [['a', 'b']], input: { a: null } },
    { what: 'a text', streams: [['a', 0]], input: { a: 'text' } },
    { what: 'an input that is none', streams: [['a']], input: undefined },
    { what: '__proto__', streams: [['__proto__']], input: { a: null } },
    { what: 'what is in __proto__', streams: [['__proto__', 'toString']], input: { a: null } },
    { what: 'constructor', streams: [['constructor', 'prototype', 'a']], input: { a: null } },
    { what: 'toString', streams: [['toString']], input: { a: null } },
    { what: 'an array, behind its end', streams: [['a', 2]], input: { a: [1, 2] } },
    { what: 'the length of an array', streams: [['a', 'length']], input: { a: [1, 2] } },
    { what: 'a method of an array', streams: [['a', 'push']], input: { a: [1, 2] } },
    { what: 'another stream', streams: [['a'], ['a', 'next']], input: { a: null } },
    { what: 'a stream that is all of it', streams: [[], ['a']], input: { a: null } },
    { what: 'what is 32 deep in nothing', streams: [upTo(32)], input: { a: null } },
  ])('that lead into $what, end the call as PARSE_ERROR', async ({ streams, input }) => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'atA', { streams }, input]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 0, shapeWith('PARSE_ERROR')]);
    await expectToLive();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('that are one and the same leave the last one there', async () => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'atA', { streams: [['a'], ['a']] }, { a: null }]);
    client.say([INPUT, 1, 1, 'first'], [INPUT, 1, 2, 'second'], [CLOSE, 1, 2]);
    expect(await client.answer(1)).toEqual([RESULT, 1, [['a'], ['second']]]);
    client.say([INPUT, 1, 1, 'late'], [CLOSE, 1, 1]);
    await expectToLive();
  });

  it('that are members of odd names are members like the others', async () => {
    await startWorld();
    const input = { a: null, ['__proto__']: null, constructor: null };
    const streams = [['a'], ['__proto__'], ['constructor']];
    client.say([CALL, 1, MUTATION, 'atA', { streams }, input], [INPUT, 1, 1, 'b'], [CLOSE, 1, 1]);
    const names = ['a', '__proto__', 'constructor'];
    expect(await client.answer(1)).toEqual([RESULT, 1, [names, ['b']]]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    await expectToLive();
  });

  it('are up to 32, each up to 32 deep', async () => {
    await startWorld();
    let input: unknown = upTo(32).map(() => null);
    for (let depth = 0; depth < 31; depth++) input = { a: input };
    const streams = upTo(32).map((n) => [...upTo(31).map(() => 'a'), n]);
    client.say([CALL, 1, QUERY, 'echo', { streams }, input]);
    expect((await client.answer(1)).slice(0, 2)).toEqual([RESULT, 1]);
    await expectToLive();
  });

  it('may be where a procedure asks for no stream', async () => {
    await startWorld();
    client.say([CALL, 1, QUERY, 'echo', { streams: [['a']] }, { a: null, b: 1 }]);
    expect(await client.hears(RETURNED, 1)).toEqual([RETURNED, 1, [['a']], { a: null, b: 1 }]);
    client.say([INPUT, 1, 1, 'given back'], [CLOSE, 1, 1]);
    await client.answer(1);
    expect(client.ofCall(1)).toContainEqual([ITEM, 1, 1, 'given back']);
    await expectToLive();
  });
});

describe('an item that comes in pieces', () => {
  const FRAME = `[${INPUT},1,1,"${'a'.repeat(100_000)}"]`;

  async function startUpload(): Promise<void> {
    await startWorld({ payloadBytesMax: 200_000 });
    client.say([CALL, 1, MUTATION, 'count', WHOLE]);
    await eventually(() => expect(world.runs).toBe(1));
  }

  it('is one item', async () => {
    await startUpload();
    client.send(piece(1, 1, FRAME.length, FRAME.slice(0, 60_000)));
    client.send(piece(1, 2, undefined, FRAME.slice(60_000)));
    client.say([CLOSE, 1, 1]);
    expect(await client.answer(1)).toEqual([RESULT, 1, 1]);
  });

  it('and never whole leaves the call open, and it can be cancelled', async () => {
    await startUpload();
    client.send(piece(1, 1, FRAME.length, FRAME.slice(0, 60_000)));
    await expectToLive();
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    client.send(piece(1, 2, undefined, FRAME.slice(60_000)));
    await expectToLive();
  });

  it('and is cut short by another frame of its call is dropped', async () => {
    await startUpload();
    client.send(piece(1, 1, FRAME.length, FRAME.slice(0, 60_000)));
    client.say([INPUT, 1, 1, 'b'], [CLOSE, 1, 1]);
    expect(await client.answer(1)).toEqual([RESULT, 1, 1]);
    await expectToLive();
  });

  it.each([
    { what: 'claims more than a payload may have', code: LIMIT_EXCEEDED, size: 200_001 },
    { what: 'claims nothing', code: FRAME_MALFORMED, size: 0 },
    { what: 'brings more than it claimed', code: FRAME_MALFORMED, size: 10 },
  ])('and $what ends the session', async ({ code, size }) => {
    await startUpload();
    client.send(piece(1, 1, size, FRAME.slice(0, 60_000)));
    expect((await client.closed).code).toBe(code);
  });

  it('and ends before all that it claimed has come ends the session', async () => {
    await startUpload();
    client.send(piece(1, 3, FRAME.length, FRAME.slice(0, 60_000)));
    expect((await client.closed).code).toBe(FRAME_MALFORMED);
  });

  it('and is no item, or of another call, ends the session', async () => {
    await startUpload();
    const text = `[${INPUT},3,1,"a"]`;
    client.send(piece(1, 3, text.length, text));
    expect((await client.closed).code).toBe(FRAME_MALFORMED);
  });

  it('of more calls at once than may be ends the session', async () => {
    await startUpload();
    const ids = [1, 3, 5, 7, 9];
    for (const id of ids.slice(1)) client.say([CALL, id, MUTATION, 'count', WHOLE]);
    for (const id of ids) client.send(piece(id, 1, FRAME.length, FRAME.slice(0, 60_000)));
    expect((await client.closed).code).toBe(LIMIT_EXCEEDED);
  });

  it('of a call that was answered meanwhile is dropped', async () => {
    await startWorld();
    client.say([CALL, 1, QUERY, 'ignore', WHOLE]);
    expect(await client.answer(1)).toEqual([RESULT, 1, 'ignored']);
    client.send(piece(1, 1, FRAME.length, FRAME.slice(0, 60_000)));
    client.send(piece(1, 2, undefined, FRAME.slice(60_000)));
    await expectToLive();
  });
});

/** A piece of a frame, as the SPEC lays it out. A size is in the first piece only. */
function piece(id: number, flags: number, size: number | undefined, text: string): Buffer {
  const head = Buffer.alloc(size === undefined ? 10 : 18);
  head[0] = 39;
  head[1] = flags;
  head.writeBigUInt64BE(BigInt(id), 2);
  if (size !== undefined) head.writeBigUInt64BE(BigInt(size), 10);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** The shape of an error by tRPC's own formatter, as far as it matters here. */
function shapeWith(code: string): unknown {
  return expect.objectContaining({ data: expect.objectContaining({ code }) as unknown });
}
