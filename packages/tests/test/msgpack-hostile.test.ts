import { msgpack } from '@openline/msgpack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CALL,
  HELLO,
  helloBody,
  MUTATION,
  QUERY,
  RawClient,
  REJECT,
  RESULT,
  token,
  WELCOME,
} from './server-raw.ts';
import { leaveNoSocket } from './server-support.ts';
import { createWorld, type World } from './server-world.ts';

/* As in server-hostile.test.ts a good client is in the middle of things, and notices nothing. */

beforeEach(leaveNoSocket);

let world: World;
async function startWorld(): Promise<World> {
  return (world = await createWorld({ codecs: [msgpack] }));
}
afterEach(() => world.expectUntouched());

const BOMBS: readonly { readonly what: string; readonly bytes: Uint8Array }[] = [
  ...[
    { what: 'a list that claims 4,294,967,295 frames', hex: 'ddffffffff' },
    { what: 'an input that claims 4,294,967,295 members', hex: '962001 00a36563686f00ddffffffff' },
    { what: 'an object that claims 4,294,967,295 members', hex: '96200100a36563686f00dfffffffff' },
    { what: 'text that claims 4 GiB', hex: '96200100a36563686f00dbffffffff' },
    { what: 'bytes that claim 4 GiB', hex: '96200100a36563686f00c6ffffffff' },
    { what: 'an unknown extension type', hex: '96200100a36563686f00d46400' },
    { what: 'a member named __proto__', hex: '96200100a36563686f0081a95f5f70726f746f5f5f81a16101' },
    { what: 'an integer beyond 2^53', hex: '96200100a36563686f00cfffffffffffffffff' },
    { what: 'text that is not UTF-8', hex: '96200100a36563686f00a1ff' },
    { what: 'half a frame', hex: '96200100a3656368' },
    { what: 'a frame and then rubbish', hex: '91c05f' },
    { what: 'zeros', hex: '00'.repeat(1_000) },
  ].map(({ what, hex }) => ({ what, bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex') })),
  { what: 'lists in lists, 65,536 deep', bytes: Buffer.alloc(65_536, 0x91) },
  { what: 'lists that each claim 65,535 members', bytes: Buffer.alloc(65_535, 'dcffff', 'hex') },
];

describe('a server that speaks MessagePack and hears', () => {
  it.each(BOMBS)('$what, ends the session', async ({ bytes }) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url, {}, msgpack);
    client.send(bytes);
    expect((await client.closed).code).toBe(4400);
    expect(world.runs).toBe(0);
  });

  it.each(BOMBS)('$what, before it knows the client, refuses it', async ({ bytes }) => {
    const { url } = await startWorld();
    const client = await RawClient.connect(url, [msgpack.name], msgpack);
    client.send(bytes.subarray(0, 16_384));
    expect((await client.closed).code).toBe(4400);
    expect(client.heard).toMatchObject([[REJECT, 1, { code: 'FRAME_MALFORMED' }]]);
  });

  it.each(['[[5]]', '[]', ''])('the text %j, ends the session', async (text) => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url, {}, msgpack);
    client.send(text);
    expect((await client.closed).code).toBe(4400);
  });

  it('a bomb in pieces, ends the session', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url, {}, msgpack);
    const bomb = Buffer.alloc(60_000, 'ddffffffff', 'hex');
    const header = Buffer.from('2703' + '0000000000000001' + '000000000000ea60', 'hex');
    client.send(Buffer.concat([header, bomb]));
    expect((await client.closed).code).toBe(4400);
  });

  it('no frames at all, goes on', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url, {}, msgpack);
    client.send(new Uint8Array());
    client.say([CALL, 1, QUERY, 'echo', 0, Uint8Array.of(39)]);
    expect(await client.answer(1)).toEqual([RESULT, 1, Uint8Array.of(39)]);
  });

  it.each([{ value: new Map([['timeout', 1]]) }, { value: new Date(1) }, { value: 1n }])(
    '$value where an object has to be, ends the session',
    async ({ value }) => {
      const { url } = await startWorld();
      const client = await RawClient.welcomed(url, {}, msgpack);
      client.say([CALL, 1, QUERY, 'run', value]);
      expect((await client.closed).code).toBe(4400);
      expect(world.runs).toBe(0);
    },
  );

  it('inputs of kinds that JSON does not have, leaves them to the schema', async () => {
    const { url } = await startWorld();
    const client = await RawClient.welcomed(url, {}, msgpack);
    const inputs = [1n, new Map(), new Set([1]), new Date(1), Uint8Array.of(1), NaN];
    client.say(...inputs.map((input, i) => [CALL, 2 * i + 1, MUTATION, 'strict', 0, input]));
    for (const [index] of inputs.entries()) {
      expect(await client.answer(2 * index + 1)).toMatchObject([34, 2 * index + 1, 0, {}]);
    }
    expect(world.runs).toBe(0);
  });
});

describe('a session', () => {
  it.each([
    { kept: 'openline.v1.msgpack', other: 'openline.v1.json' },
    { kept: 'openline.v1.json', other: 'openline.v1.msgpack' },
  ])('asked for in $other keeps $kept, and says so (case 30)', async ({ kept, other }) => {
    const { url } = await startWorld();
    const connect = (name: string) =>
      RawClient.connect(url, [name], name === msgpack.name ? msgpack : undefined);
    const session = { sessionId: token(), secret: token() };
    const first = await connect(kept);
    first.say([HELLO, 1, helloBody(session)]);
    await first.hears(WELCOME);

    const stranger = await connect(other);
    stranger.say([HELLO, 1, helloBody({ ...session, secret: token(), attempt: 2 })]);
    const [, , gone] = await stranger.hears(REJECT);
    expect(gone).toMatchObject({ code: 'SESSION_GONE' });

    const second = await connect(other);
    second.say([HELLO, 1, helloBody({ ...session, attempt: 2 })]);
    expect(await second.closed).toEqual({ code: 4415, reason: `this session speaks ${kept}` });
    expect(second.heard).toMatchObject([
      [REJECT, 1, { code: 'CODEC_UNSUPPORTED', message: `this session speaks ${kept}` }],
    ]);

    first.say([CALL, 1, QUERY, 'echo', 0, 'goes on']);
    expect(await first.answer(1)).toEqual([RESULT, 1, 'goes on']);
    const third = await connect(kept);
    third.say([HELLO, 1, helloBody({ ...session, attempt: 2, next: 2, received: 1 })]);
    await third.hears(WELCOME);
  });
});
