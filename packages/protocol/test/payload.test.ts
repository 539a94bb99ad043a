import { describe, expect, it } from 'vitest';
import { cutPiece, pieceLength } from '../src/piece.ts';
import { type Limits, type Message } from '../src/index.ts';
import { Pair, type Side } from './pair.ts';
import { codec, LIMITS } from './support.ts';

/** Two pieces and a little of a third. */
const LARGE = '€'.repeat(45_000);

/** The pieces of a frame as another implementation may cut it. */
function piecesOf(frame: readonly unknown[], id = frame[1] as number): Message[] {
  const bytes = codec.toBytes(codec.encode(frame));
  const pieces: Message[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const piece = cutPiece(id, bytes, offset);
    pieces.push(piece);
    offset += pieceLength(piece);
  }
  return pieces;
}

function receiveAll(side: Side, messages: readonly Message[]): void {
  for (const message of messages) side.receive(message);
}

const largeCall = (id: number) => piecesOf([32, id, 0, 'a', 0, LARGE]);

describe('a payload larger than a message', () => {
  it('goes both ways in pieces', () => {
    const pair = new Pair();
    pair.client.call('a', LARGE);
    pair.settle();
    expect(pair.server.told()).toEqual([
      { event: 'call', id: 1, kind: 'query', path: 'a', input: LARGE },
    ]);
    pair.client.call('b', undefined, 'subscription');
    pair.settle();
    const { callee } = pair.server.session;
    callee.result(pair.server.incoming(1), LARGE);
    const subscription = pair.server.incoming(3);
    callee.subscribed(subscription);
    callee.item(subscription, LARGE, 'e1');
    callee.error(subscription, { message: LARGE });
    pair.settle();
    expect(pair.client.told()).toEqual([
      { event: 'subscribed', id: 3 },
      { event: 'result', id: 1, data: LARGE },
      { event: 'item', id: 3, data: LARGE, eventId: 'e1' },
      { event: 'error', id: 3, code: null, shape: { message: LARGE } },
    ]);
  });

  it('may be much larger than the backlog', () => {
    const limits: Limits = { payloadBytesMax: 4_194_304, callsMax: 1, backlogBytesMax: 65_536 };
    const pair = new Pair({ clientLimits: limits, serverLimits: limits });
    const input = 'x'.repeat(4_000_000);
    pair.client.call('a', input);
    pair.settle();
    expect(pair.server.told()).toEqual([{ event: 'call', id: 1, kind: 'query', path: 'a', input }]);
  });

  it('takes turns with three others', () => {
    const pair = new Pair();
    for (const path of ['a', 'b', 'c', 'd', 'e', 'f']) pair.client.call(path, path + LARGE);
    pair.settle();
    expect(pair.server.told().map(({ path, input }) => [path, input])).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((path) => [path, path + LARGE]),
    );
  });

  it('lets small calls pass that were made later', () => {
    const pair = new Pair();
    pair.client.call('large', LARGE);
    pair.client.call('small');
    pair.settle();
    expect(pair.server.told().map(({ path }) => path)).toEqual(['small', 'large']);
  });

  it('stays behind what its own stream gave before, and before what it gave later', () => {
    const pair = new Pair();
    pair.client.call('a', undefined, 'subscription');
    pair.settle();
    const { callee } = pair.server.session;
    const incoming = pair.server.incoming(1);
    callee.subscribed(incoming);
    for (const data of [1, LARGE, 2, LARGE, LARGE, 3]) callee.item(incoming, data, undefined);
    callee.end(incoming);
    pair.settle();
    expect(pair.client.told().map(({ data }) => data)).toEqual([
      undefined, // That it is subscribed.
      1,
      LARGE,
      2,
      LARGE,
      LARGE,
      3,
      undefined, // The end.
    ]);
  });

  it('may come in pieces of any size', () => {
    const { server } = new Pair();
    const [first, ...rest] = Buffer.from('[32,1,0,"a",0]');
    const last = rest.pop();
    const id = [0, 0, 0, 0, 0, 0, 0, 1];
    const size = [0, 0, 0, 0, 0, 0, 0, rest.length + 2];
    server.receive(Uint8Array.from([0x27, 1, ...id, ...size, first!]));
    for (const byte of rest) server.receive(Uint8Array.from([0x27, 0, ...id, byte]));
    expect(server.told()).toEqual([]);
    server.receive(Uint8Array.from([0x27, 2, ...id, last!]));
    expect(server.told()).toEqual([{ event: 'call', id: 1, kind: 'query', path: 'a' }]);
  });

  describe('that opens a call', () => {
    it('is answered CANCELLED and never seen when it is cancelled in its middle', () => {
      const pair = new Pair();
      const call = pair.client.call('a', LARGE);
      pair.client.write();
      pair.server.read();
      pair.client.session.caller.cancel(call);
      pair.client.call('b', LARGE);
      pair.settle();
      expect(pair.server.told().map(({ path }) => path)).toEqual(['b']);
      expect(pair.client.told()).toEqual([]);
      expect([...pair.client.session.caller.calls].map(({ id }) => id)).toEqual([3]);
    });

    it('vanishes when it is cancelled before its first piece', () => {
      const pair = new Pair();
      const call = pair.client.call('a', LARGE);
      pair.client.session.tick({ ping: true });
      pair.client.write(); // The ping; the piece is next.
      pair.client.session.caller.cancel(call);
      pair.settle();
      expect(pair.server.told()).toEqual([]);
      expect(pair.client.session.next).toBe(1);
    });

    it('is answered BUSY above the cap', () => {
      const { server } = new Pair({ serverLimits: { ...LIMITS, callsMax: 0 } });
      receiveAll(server, largeCall(1));
      expect(server.told()).toEqual([]);
      expect(server.write()).toBe('[[7,3],[34,1,"BUSY"]]');
    });

    it('has its id from the first piece on', () => {
      const { server } = new Pair();
      const [first, ...rest] = largeCall(3);
      receiveAll(server, [first!, '[[32,5,0,"later",0]]', ...rest]);
      expect(server.told().map(({ id }) => id)).toEqual([5, 3]);
    });
  });

  it('is dropped when its call ends in its middle', () => {
    const pair = new Pair();
    for (const path of ['a', 'b']) pair.client.call(path, undefined, 'subscription');
    pair.settle();
    const { callee } = pair.server.session;
    for (const id of [1, 3]) callee.subscribed(pair.server.incoming(id));
    pair.settle();
    pair.client.told();
    callee.item(pair.server.incoming(1), LARGE, undefined);
    pair.server.write();
    pair.client.read();
    callee.fail(pair.server.incoming(1), 'INTERNAL');
    callee.item(pair.server.incoming(3), LARGE, undefined);
    pair.settle();
    expect(pair.client.told()).toEqual([
      { event: 'error', id: 1, code: 'INTERNAL' },
      { event: 'item', id: 3, data: LARGE },
    ]);
  });

  it('leaves nothing behind when its call ends in its middle, however often', () => {
    const pair = new Pair();
    const { callee } = pair.server.session;
    for (let id = 1; id < 20; id += 2) {
      pair.client.call('a', undefined, 'subscription');
      pair.settle();
      callee.subscribed(pair.server.incoming(id));
      pair.flush(pair.server);
      callee.item(pair.server.incoming(id), LARGE, undefined);
      pair.server.write();
      callee.fail(pair.server.incoming(id), 'INTERNAL');
      pair.settle();
    }
    expect(pair.client.told()).toEqual(
      Array.from({ length: 10 }, (_, i) => [
        { event: 'subscribed', id: 2 * i + 1 },
        { event: 'error', id: 2 * i + 1, code: 'INTERNAL' },
      ]).flat(),
    );
  });

  it('of a call that was cancelled meanwhile is taken, and not told', () => {
    const pair = new Pair();
    const call = pair.client.call('a');
    pair.settle();
    pair.server.session.callee.result(pair.server.incoming(1), LARGE);
    pair.server.write();
    pair.client.session.caller.cancel(call);
    pair.settle();
    expect(pair.client.told()).toEqual([]);
    expect([...pair.client.session.caller.calls]).toEqual([]);
  });

  it('with a frame of a newer peer ends its call', () => {
    const pair = new Pair();
    pair.client.call('a');
    pair.settle();
    pair.server.told();
    receiveAll(pair.server, piecesOf([60, 1, LARGE]));
    expect(pair.server.told()).toEqual([{ event: 'cancel', id: 1, code: 'UNSUPPORTED' }]);
  });

  describe('ends the session with FRAME_MALFORMED', () => {
    const [first, ...rest] = largeCall(1) as [Message, Message, Message];
    it.each<{ when: string; messages: readonly Message[] }>([
      { when: 'it has no first piece', messages: rest },
      { when: 'its first piece comes twice', messages: [first, first] },
      { when: 'its id was used before', messages: ['[[32,1,0,"a",0],[37,1]]', first] },
      { when: 'its id is below the last one', messages: ['[[32,3,0,"a",0]]', first] },
      { when: 'a small call takes its id', messages: [first, '[[32,1,0,"a",0]]'] },
      { when: 'it opens a call that is open', messages: ['[[32,1,0,"a",0]]', ...largeCall(1)] },
      { when: 'it is a frame of another call', messages: piecesOf([32, 3, 0, 'a', 0, LARGE], 1) },
      { when: 'it is a frame of no call', messages: piecesOf([5, LARGE], 1) },
      { when: 'it is a hello', messages: piecesOf([1, 1, LARGE], 1) },
      { when: 'it is a newer frame that is not counted', messages: piecesOf([8, 1, LARGE], 1) },
      { when: 'it is an answer to nothing', messages: piecesOf([33, 2, LARGE]) },
      { when: 'it opens a call with an id of this side', messages: largeCall(2) },
      { when: 'its frame is malformed', messages: piecesOf([32, 1, 7, 'a', 0, LARGE]) },
      { when: 'its rest comes after its cancel', messages: [first, '[[37,1]]', ...rest] },
      { when: 'it is an input of a call that it opens', messages: piecesOf([40, 1, 1, LARGE]) },
    ])('when $when', ({ messages }) => {
      const { server } = new Pair();
      receiveAll(server, messages);
      expect(server.told().at(-1)).toEqual({ event: 'ended', code: 'FRAME_MALFORMED' });
      expect(server.isOver).toBe(true);
    });
  });

  describe('ends the session with LIMIT_EXCEEDED', () => {
    it('when it states more than is taken, at its first piece', () => {
      const { server } = new Pair();
      const [first] = piecesOf([32, 1, 0, 'a', 0, 'x'.repeat(LIMITS.payloadBytesMax)]);
      server.receive(first!);
      expect(server.told()).toEqual([{ event: 'ended', code: 'LIMIT_EXCEEDED' }]);
    });

    it('when it is the fifth under way', () => {
      const { server } = new Pair();
      for (const id of [1, 3, 5, 7]) server.receive(largeCall(id)[0]!);
      expect(server.told()).toEqual([]);
      server.receive(largeCall(9)[0]!);
      expect(server.told()).toEqual([{ event: 'ended', code: 'LIMIT_EXCEEDED' }]);
    });

    it('and not when one of four was cancelled before', () => {
      const { server } = new Pair();
      for (const id of [1, 3, 5, 7]) server.receive(largeCall(id)[0]!);
      server.receive('[[37,3]]');
      receiveAll(server, largeCall(9));
      expect(server.told().map(({ id }) => id)).toEqual([9]);
    });
  });
});
