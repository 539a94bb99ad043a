import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALL,
  CANCEL,
  END,
  ERROR,
  GRANT,
  ITEM,
  MUTATION,
  QUERY,
  RawClient,
  RESULT,
  SUBSCRIBED,
  SUBSCRIPTION,
  type WireFrame,
} from './server-raw.ts';
import { eventually, leaveNoSocket } from './server-support.ts';
import { upTo } from './streams-support.ts';
import {
  BLOCKED,
  CLOSE,
  createStreamWorld,
  INPUT,
  ITEM_LENGTH,
  RETURNED,
  STOP,
  type StreamWorld,
} from './streams-world.ts';

/*
 * Each test does something to a server that no good client does. Beside it a good client is in the
 * middle of a stream each way: whatever was done, both go on over the same connection.
 */

const FRAME_MALFORMED = 4400;
const LIMIT_EXCEEDED = 4313;
/** Items that may be sent before anything is granted. */
const WINDOW = 16;
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

function inputs(count: number, id = 1): WireFrame[] {
  return upTo(count).map((n) => [INPUT, id, 1, n]);
}

describe('credit', () => {
  it.each<{ frame: WireFrame }>(
    [
      [GRANT, 1, 0, -1],
      [GRANT, 1, 0, 17.5],
      [GRANT, 1, 0, 2 ** 53],
      [GRANT, 1, 0, '100'],
      [GRANT, 1, 0, null],
      [GRANT, 1, 0],
      [GRANT, 1, -1, 100],
      [GRANT, 1, '__proto__', 100],
      [GRANT, 1],
      [GRANT, 0, 0, 100],
      [GRANT, '__proto__', 0, 100],
      [GRANT],
      [BLOCKED, 1],
      [BLOCKED, 1, 0.5],
      [BLOCKED, 'constructor', 0],
      [BLOCKED],
    ].map((frame) => ({ frame })),
  )('$frame ends the session', async ({ frame }) => {
    await startWorld();
    client.say([CALL, 1, SUBSCRIPTION, 'follow', 0], frame);
    expect((await client.closed).code).toBe(FRAME_MALFORMED);
  });

  it.each<{ frame: WireFrame }>(
    [
      [GRANT, 1, 7, 100],
      [GRANT, 99, 0, 100],
      [GRANT, 2, 0, 100],
      [GRANT, Number.MAX_SAFE_INTEGER, 0, 100],
      [GRANT, 1, 0, 0],
      [GRANT, 1, 0, 1],
      [BLOCKED, 1, 7],
      [BLOCKED, 99, 1],
      [BLOCKED, 2, 0],
    ].map((frame) => ({ frame })),
  )('$frame, of nothing or of less than there was, is ignored', async ({ frame }) => {
    await startWorld();
    client.say([CALL, 1, SUBSCRIPTION, 'follow', 0], frame);
    await eventually(() => expect(client.ofCall(1).length).toBe(1 + WINDOW));
    await expectToLive();
    expect(world.flood.produced).toBe(WINDOW);
  });

  it('that is huge lets a stream go as far as the backlog, and no further', async () => {
    await startWorld({ backlogBytesMax: 100_000 });
    client.say([CALL, 1, QUERY, 'flood', 0]);
    await client.hears(RETURNED, 1);
    client.say([GRANT, 1, 1, Number.MAX_SAFE_INTEGER]);
    await eventually(() => expect(client.ofCall(1).length).toBeGreaterThan(90));
    expect(world.flood.produced).toBeLessThanOrEqual(100_000 / ITEM_LENGTH + 1);
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    expect(world.flood.produced).toBeLessThanOrEqual(100_000 / ITEM_LENGTH + 1);
    client.acknowledge();
    await expectToLive();
  });

  it('that is asked for where all was granted is granted once', async () => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'paused', WHOLE], ...inputs(WINDOW));
    for (let n = 0; n < 1_000; n++) client.say([BLOCKED, 1, 1]);
    await expectToLive();
    expect(client.heard.filter(([tag]) => tag === GRANT)).toEqual([]);
  });
});

describe('items of an input', () => {
  it('past the credit end the stream, but neither the call nor the session', async () => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'paused', WHOLE], ...inputs(WINDOW + 1));
    expect(await client.hears(STOP, 1)).toEqual([STOP, 1, 1]);
    for (let n = 0; n < 100; n++) client.say(...inputs(100)); // They are dropped as they come.
    await expectToLive();
    world.gate.open();
    expect(await client.answer(1)).toEqual([ERROR, 1, 0, shapeWith('PAYLOAD_TOO_LARGE')]);
  });

  it.each<{ what: string; frame: WireFrame }>([
    { what: 'of a stream that the call does not have', frame: [INPUT, 1, 2, 'a'] },
    { what: 'of a call without streams', frame: [INPUT, 3, 1, 'a'] },
    { what: 'of a call that is to come', frame: [INPUT, 5, 1, 'a'] },
    { what: 'of a call of the server', frame: [INPUT, 2, 1, 'a'] },
    { what: 'of a stream with a negative number', frame: [INPUT, 1, -1, 'a'] },
    { what: 'of a stream with an odd name', frame: [INPUT, 1, '__proto__', 'a'] },
    { what: 'of no stream', frame: [INPUT, 1] },
    { what: 'of no call', frame: [INPUT] },
    { what: 'that only a server says', frame: [ITEM, 1, 1, 'a'] },
    { what: 'that only a server returns', frame: [RETURNED, 1, [[]], null] },
    { what: 'that end a stream that the call does not have', frame: [CLOSE, 1, 2] },
    { what: 'that end a stream oddly', frame: [CLOSE, 1, 1, 1] },
    { what: 'that end no stream', frame: [CLOSE, 1] },
    { what: 'that stop no stream', frame: [STOP, 1] },
    { what: 'that stop a stream with an odd name', frame: [STOP, 1, 'constructor'] },
  ])('$what end the session', async ({ frame }) => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'paused', WHOLE], [CALL, 3, SUBSCRIPTION, 'follow', 0]);
    await client.hears(SUBSCRIBED, 3);
    client.say(frame);
    expect((await client.closed).code).toBe(FRAME_MALFORMED);
  });

  it('behind the end of their stream are dropped, and so is another end', async () => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'paused', WHOLE], ...inputs(2), [CLOSE, 1, 1], ...inputs(5));
    client.say([CLOSE, 1, 1], [CLOSE, 1, 1, 0, 'failed'], [INPUT, 1, 1, 'late']);
    await expectToLive();
    world.gate.open();
    expect(await client.answer(1)).toEqual([RESULT, 1, 2]);
    client.say(...inputs(5), [CLOSE, 1, 1], [STOP, 1, 1], [CANCEL, 1]);
    await expectToLive();
  });

  it('that fail end as BAD_REQUEST, whatever is said of it', async () => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'count', WHOLE], ...inputs(2));
    client.say([CLOSE, 1, 1, 0, { message: 's3cret', data: { code: '__proto__' } }]);
    const answer = await client.answer(1);
    expect(answer).toEqual([ERROR, 1, 0, shapeWith('BAD_REQUEST')]);
    expect(JSON.stringify(answer)).not.toContain('s3cret');
    await expectToLive();
  });

  it('that never end leave the call open, and it can be cancelled', async () => {
    await startWorld();
    client.say([CALL, 1, MUTATION, 'count', WHOLE], ...inputs(5));
    await eventually(() => expect(world.runs).toBe(1));
    await expectToLive();
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    client.say(...inputs(100));
    await expectToLive();
  });

  it('that nobody reads end the session where all of them are more than it may hold', async () => {
    await startWorld({ sessionBytesMax: 2_000_000 });
    const ids = upTo(10).map((n) => 2 * n + 1);
    for (const id of ids) client.say([CALL, id, MUTATION, 'paused', WHOLE]);
    for (const id of ids) for (let n = 0; n < WINDOW; n++) client.say([INPUT, id, 1, LARGE]);
    expect((await client.closed).code).toBe(LIMIT_EXCEEDED);
  });
});

describe('a stream that is read', () => {
  it('is closed when it is stopped, once or more often', async () => {
    await startWorld();
    client.say([CALL, 1, QUERY, 'flood', 0]);
    await client.hears(RETURNED, 1);
    client.say([STOP, 1, 1], [STOP, 1, 1], [STOP, 1, 7]);
    expect(await client.answer(1)).toEqual([END, 1]);
    expect(world.flood.isClosed).toBe(true);
    await expectToLive();
  });

  it('of a subscription is closed when it is stopped', async () => {
    await startWorld();
    client.say([CALL, 1, SUBSCRIPTION, 'follow', 0]);
    await client.hears(SUBSCRIBED, 1);
    client.say([STOP, 1, 0]);
    expect(await client.answer(1)).toEqual([END, 1]);
    await expectToLive();
  });

  it('goes where a client grants at once what it never asked for', async () => {
    await startWorld();
    client.say([CALL, 1, QUERY, 'flood', 0], [GRANT, 1, 1, 100]);
    await client.hears(RETURNED, 1);
    await expectToLive();
    expect(world.flood.produced).toBe(WINDOW); // There was no such stream yet.
  });
});

const LARGE = 'a'.repeat(60_000);

/** The shape of an error by tRPC's own formatter, as far as it matters here. */
function shapeWith(code: string): unknown {
  return expect.objectContaining({ data: expect.objectContaining({ code }) as unknown });
}
