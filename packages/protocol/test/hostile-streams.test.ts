import { describe, expect, it } from 'vitest';
import type { Limits, Message, WireFrame } from '../src/index.ts';
import { cutPiece, pieceLength } from '../src/piece.ts';
import { Pair, type Side } from './pair.ts';
import { openStream } from './stream-pair.ts';
import { codec, LIMITS } from './support.ts';

const ROOMY: Limits = { ...LIMITS, backlogBytesMax: 64 * 1_048_576 };

const text = (...frames: readonly WireFrame[]): Message => JSON.stringify(frames);

/** A call whose input holds two streams. */
const callOf = (id: number): WireFrame => [32, id, 1, 'a', { streams: [['a'], ['b']] }, 0];

/** A server whose host has such a call, 1. */
function running(limits: Limits = LIMITS): { readonly pair: Pair; readonly server: Side } {
  const pair = new Pair({ serverLimits: limits });
  pair.server.receive(text(callOf(1)));
  pair.server.told();
  return { pair, server: pair.server };
}

/** A client that has made a call with streams, 1, to which the server has returned two. */
function returned(): { readonly pair: Pair; readonly client: Side } {
  const { pair, reader } = openStream('returned');
  return { pair, client: reader };
}

function piecesOf(frame: WireFrame): Message[] {
  const bytes = codec.toBytes(codec.encode(frame));
  const pieces: Message[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const piece = cutPiece(frame[1] as number, bytes, offset);
    pieces.push(piece);
    offset += pieceLength(piece);
  }
  return pieces;
}

const LARGE = 'x'.repeat(150_000);

function unreadBytes({ session }: Side): number {
  return session.caller.streams.heldBytes + session.callee.streams.heldBytes;
}

describe('a callee that is sent a frame of a stream', () => {
  it.each<{ what: string; frame: WireFrame }>([
    { what: 'an input of a stream that never was', frame: [40, 1, 3, 'x'] },
    { what: 'an input of stream 0', frame: [40, 1, 0, 'x'] },
    { what: 'an input of no stream', frame: [40, 1] },
    { what: 'an input of the stream __proto__', frame: [40, 1, '__proto__', 'x'] },
    { what: 'an input of half a stream', frame: [40, 1, 1.5, 'x'] },
    { what: 'an input of a call that never was', frame: [40, 3, 1, 'x'] },
    { what: 'an input of its own call', frame: [40, 2, 1, 'x'] },
    { what: 'an item', frame: [35, 1, 1, 'x'] },
    { what: 'returned', frame: [43, 1, [[]], 'x'] },
    { what: 'a close of a stream that never was', frame: [41, 1, 3] },
    { what: 'a close of stream 0', frame: [41, 1, 0] },
    { what: 'a close with a code', frame: [41, 1, 1, 'x'] },
    { what: 'a close of a call that never was', frame: [41, 3, 1] },
    { what: 'a stop of no stream', frame: [42, 1, null] },
    { what: 'a stop of a call that never was', frame: [42, 3, 1] },
    { what: 'a grant below zero (case 27)', frame: [11, 1, 1, -1] },
    { what: 'a grant past what can be counted (case 27)', frame: [11, 1, 1, 2 ** 53] },
    { what: 'a grant of a text (case 27)', frame: [11, 1, 1, '99'] },
    { what: 'a grant of nothing (case 27)', frame: [11, 1, 1] },
    { what: 'a grant of no stream', frame: [11, 1, {}, 20] },
    { what: 'a grant of no call', frame: [11, 'constructor', 1, 20] },
    { what: 'blocked of no stream', frame: [12, 1, -1] },
    { what: 'blocked of no call', frame: [12, 0, 1] },
  ])('ends the session at $what', ({ frame }) => {
    const { server } = running();
    server.receive(text(frame));
    expect(server.told()).toEqual([{ event: 'ended', code: 'FRAME_MALFORMED' }]);
  });

  it.each<{ what: string; frame: WireFrame }>([
    { what: 'a grant of a stream that it does not write', frame: [11, 1, 1, 20] },
    { what: 'a grant of a stream that never was', frame: [11, 1, 99, 20] },
    { what: 'a grant of a call that never was', frame: [11, 99, 1, 20] },
    { what: 'a grant of a call of the other side', frame: [11, 2, 1, 20] },
    { what: 'the highest grant', frame: [11, 1, 1, 2 ** 53 - 1] },
    { what: 'blocked before anything came', frame: [12, 1, 1] },
    { what: 'blocked of a stream that never was', frame: [12, 1, 99] },
    { what: 'blocked of a call that never was', frame: [12, 99, 1] },
    { what: 'a stop of a stream that it does not write', frame: [42, 1, 1] },
  ])('ignores $what', ({ frame }) => {
    const { server } = running();
    server.receive(text(frame, frame));
    expect([server.told(), server.isOver]).toEqual([[], false]);
    server.session.callee.result(server.incoming(1), 1);
    expect(server.write()).toContain('[33,1,1]');
  });

  it('ignores what still comes of a stream that has ended, or that it has stopped', () => {
    const { server } = running();
    server.receive(
      text([41, 1, 1], [41, 1, 1], [41, 1, 1, 0, 'x'], [40, 1, 1, 'late'], [12, 1, 1]),
    );
    expect(server.told()).toEqual([{ event: 'close', id: 1, stream: 1, isFailed: false }]);
    server.session.callee.streams.stop(server.incoming(1), 2);
    server.receive(text([40, 1, 2, 'late'], [41, 1, 2], [41, 1, 2], [12, 1, 2]));
    expect([server.told(), unreadBytes(server), server.isOver]).toEqual([[], 0, false]);
  });

  it('ignores everything of a call that has ended, whatever it is (case 13)', () => {
    const { server } = running();
    server.session.callee.result(server.incoming(1), 1);
    server.receive(
      text([40, 1, 1, 'x'], [40, 1, 99], [41, 1, 1], [42, 1, 0], [11, 1, 1, 9], [12, 1, 1]),
    );
    for (const piece of piecesOf([40, 1, 1, LARGE])) server.receive(piece);
    expect([server.told(), unreadBytes(server), server.isOver]).toEqual([[], 0, false]);
  });

  it('is told once of a stream that brings more than was granted, and keeps none of it', () => {
    const { server } = running();
    server.isReading = false;
    const flood = Array.from({ length: 2_000 }, (): WireFrame => [40, 1, 1, 'x']);
    server.receive(text(...flood));
    const told = server.told().map(({ event }) => event);
    expect(told).toEqual([...Array<string>(16).fill('item'), 'overrun']);
    server.receive(text([40, 1, 2, 'another']));
    expect(server.told()).toEqual([{ event: 'item', id: 1, stream: 2, data: 'another' }]);
    server.session.callee.streams.stop(server.incoming(1), 1);
    server.receive(text([40, 1, 1, 'x']));
    expect([server.told(), server.isOver]).toEqual([[], false]);
  });

  it('does not count an item in pieces for less than it is: credit and debt are the same', () => {
    const { server } = running(ROOMY);
    server.isReading = false;
    for (let i = 0; i < 3; i++) {
      for (const piece of piecesOf([40, 1, 1, 'x'.repeat(600_000)])) server.receive(piece);
    }
    const told = server.told().map(({ event }) => event);
    expect(told).toEqual(['item', 'item', 'overrun']); // 10 credits each, and 16 are granted.
  });

  it('grants no more than it may to a writer that says blocked again and again', () => {
    const { server } = running();
    server.receive(text(...Array.from({ length: 16 }, (): WireFrame => [40, 1, 1, 'x'])));
    server.receive(text(...Array.from({ length: 500 }, (): WireFrame => [12, 1, 1])));
    expect(server.write()).toBe('[[11,1,1,16400]]');
  });
});

describe('pieces of inputs', () => {
  it('leave their places and their bytes when their call ends before the last', () => {
    const { server } = running();
    for (const id of [3, 5, 7]) server.receive(text(callOf(id)));
    const { heldBytes } = server.session;
    for (const id of [1, 3, 5, 7]) server.receive(piecesOf([40, id, 1, LARGE])[0]!);
    expect(server.session.heldBytes).toBeGreaterThan(heldBytes + 4 * 60_000);
    const { callee } = server.session;
    callee.result(server.incoming(1), 1);
    callee.fail(server.incoming(3), 'ABORTED');
    server.receive(text([37, 5]));
    callee.error(server.incoming(7), {});
    callee.fail(server.incoming(5), 'ABORTED');
    while (server.write() !== undefined) continue;
    server.receive(text([7, server.session.next - 1]));
    expect(server.session.heldBytes).toBe(0);
    // What was on its way is dropped, and four others may come.
    for (const id of [1, 3, 7]) server.receive(piecesOf([40, id, 1, LARGE])[1]!);
    for (const id of [9, 11, 13, 15]) {
      server.receive(text(callOf(id)));
      server.receive(piecesOf([40, id, 1, LARGE])[0]!);
    }
    expect(server.isOver).toBe(false);
  });

  it('of an honest caller that stops in their middle do not meet those of its other calls', () => {
    const pair = new Pair();
    const { client, server } = pair;
    for (let round = 0; round < 10; round++) {
      const calls = [1, 2, 3, 4].map(() => client.call('a', 0, 'mutation', { streams: [[]] }));
      pair.settle();
      const { streams } = client.session.caller;
      for (const call of calls) streams.write(call, 1, [40, call.id, 1, LARGE]);
      for (let i = 0; i < 5; i++) {
        client.write();
        server.read();
      }
      for (const { id } of calls) server.session.callee.result(server.incoming(id), id);
      pair.settle();
    }
    expect([client.isOver, server.isOver, unreadBytes(server)]).toEqual([false, false, 0]);
  });

  it('of more than four at a time end the session', () => {
    const { server } = running();
    for (const id of [3, 5, 7, 9]) server.receive(text(callOf(id)));
    server.told();
    for (const id of [1, 3, 5, 7]) server.receive(piecesOf([40, id, 1, LARGE])[0]!);
    expect(server.told()).toEqual([]);
    server.receive(piecesOf([40, 9, 1, LARGE])[0]!);
    expect(server.told()).toEqual([{ event: 'ended', code: 'LIMIT_EXCEEDED' }]);
  });
});

describe('a side whose words are not taken (case 26)', () => {
  /** A server that starts no calls, since what it says is not acknowledged. */
  function stuck(): Side {
    const pair = new Pair({ sessionBytesMax: 2_000_000 });
    pair.client.call('a', undefined, 'subscription');
    pair.settle();
    const { callee } = pair.server.session;
    const incoming = pair.server.incoming(1);
    callee.subscribed(incoming);
    while (callee.streams.mayWrite(incoming, 0))
      callee.item(incoming, 'x'.repeat(50_000), undefined);
    pair.server.told();
    return pair.server;
  }

  it('keeps nothing of calls that are cancelled unseen, and tells nothing of them', () => {
    const server = stuck();
    const { heldBytes } = server.session;
    for (let id = 3; id < 203; id += 2) {
      server.receive(text(callOf(id)));
      for (let i = 0; i < 16; i++) server.receive(text([40, id, 1, 'x'.repeat(60_000)]));
      server.receive(text([37, id]));
      expect(server.isOver).toBe(false);
    }
    // Their answers, and no more.
    expect(server.session.heldBytes - heldBytes).toBeLessThan(100 * 30);
    expect(server.told()).toEqual([]);
    for (let i = 0; i < 3; i++) {
      while (server.write() !== undefined) continue;
      server.receive(text([7, server.session.next - 1]));
    }
    expect(server.told()).toEqual([{ event: 'room', id: 1, stream: 0 }]);
  });

  it('counts what the streams of unseen calls bring, also once they are closed, up to its limit', () => {
    const server = stuck();
    for (let id = 3; id < 17; id += 2) {
      server.receive(text(callOf(id)));
      for (let i = 0; i < 10; i++) server.receive(text([40, id, 1, 'x'.repeat(60_000)]));
      server.receive(text([41, id, 1]));
    }
    expect(server.told()).toEqual([{ event: 'ended', code: 'LIMIT_EXCEEDED' }]);
  });

  it('keeps one word of an overrun of a call that is not seen', () => {
    const server = stuck();
    server.receive(text(callOf(3)));
    for (let i = 0; i < 10; i++) {
      server.receive(text(...Array.from({ length: 1_000 }, (): WireFrame => [40, 3, 1, 'x'])));
    }
    server.receive(text([7, server.session.next - 1]));
    while (server.write() !== undefined) continue;
    server.receive(text([7, server.session.next - 1]));
    const told = server.told().filter(({ id }) => id === 3);
    expect(told.map(({ event }) => event)).toEqual([
      'call',
      ...Array<string>(16).fill('item'),
      'overrun',
    ]);
  });
});

describe('a caller that is sent a frame of a stream', () => {
  it.each<{ what: string; frame: WireFrame }>([
    { what: 'an item of a stream that never was', frame: [35, 1, 3, 'x'] },
    { what: 'an item of stream 0 of a mutation', frame: [35, 1, 0, 'x'] },
    { what: 'a tracked item of a mutation', frame: [35, 1, 'e1', 'x'] },
    { what: 'an item of a call that it did not make', frame: [35, 3, 1, 'x'] },
    { what: 'an input', frame: [40, 1, 1, 'x'] },
    { what: 'a close of a stream that never was', frame: [41, 1, 3] },
    { what: 'a close of a call that it did not make', frame: [41, 3, 1] },
    { what: 'a stop of a call that it did not make', frame: [42, 3, 1] },
    { what: 'returned a second time', frame: [43, 1, [['c']], 'x'] },
    { what: 'returned with 33 streams', frame: [43, 1, Array.from({ length: 33 }, () => []), 'x'] },
  ])('ends the session at $what', ({ frame }) => {
    const { client } = returned();
    client.receive(text(frame));
    expect(client.told()).toEqual([{ event: 'ended', code: 'FRAME_MALFORMED' }]);
  });

  it.each<{ what: string; frame: WireFrame }>([
    { what: 'returned', frame: [43, 1, [[]], 'x'] },
    { what: 'a close of stream 0', frame: [41, 1, 0] },
    { what: 'an item of another stream', frame: [35, 1, 1, 'x'] },
  ])('of a subscription ends the session at $what', ({ frame }) => {
    const { reader } = openStream('subscription');
    reader.receive(text(frame));
    expect(reader.told()).toEqual([{ event: 'ended', code: 'FRAME_MALFORMED' }]);
  });

  it('ignores what still comes of a call that it has cancelled', () => {
    const { reader, call } = openStream('returned');
    reader.session.caller.cancel(call);
    reader.receive(text([35, 1, 1, 'x'], [41, 1, 1], [42, 1, 1], [11, 1, 1, 99], [12, 1, 1]));
    expect([reader.told(), unreadBytes(reader), reader.isOver]).toEqual([[], 0, false]);
    reader.receive(text([34, 1, 'ABORTED']));
    expect([...reader.session.caller.calls]).toEqual([]);
  });

  it('forgets with a terminal what its streams have brought, and ends at what comes behind it', () => {
    const { reader, writeAll, pair, stream } = openStream('returned');
    reader.isReading = false;
    writeAll();
    pair.settle();
    reader.told();
    expect(unreadBytes(reader)).toBeGreaterThan(0);
    reader.receive(text([36, 1]));
    expect(unreadBytes(reader)).toBe(0);
    reader.receive(text([35, 1, stream, 'x']));
    expect(reader.told().map(({ event }) => event)).toEqual(['end', 'ended']);
  });
});
