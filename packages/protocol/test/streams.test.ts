import { describe, expect, it } from 'vitest';
import { FLOW_FRAMES_MAX, MESSAGE_BYTES_MAX, STREAM_WINDOW } from '../src/constants.ts';
import type { Limits } from '../src/index.ts';
import { Pair, type PlainEvent, type Side } from './pair.ts';
import { openStream, PATHS, type Direction } from './stream-pair.ts';
import { bytesOf, LIMITS } from './support.ts';

const ROOMY: Limits = { ...LIMITS, backlogBytesMax: 64 * 1_048_576 };
const DIRECTIONS: readonly { readonly direction: Direction }[] = [
  { direction: 'input' },
  { direction: 'returned' },
  { direction: 'subscription' },
];
/** Those that have an end of their own. */
const NUMBERED = DIRECTIONS.slice(0, 2);

function dataOf(events: readonly PlainEvent[]): unknown[] {
  return events.filter(({ event }) => event === 'item').map(({ data }) => data);
}

/** Bytes of items that were received and not consumed. */
function unreadBytes({ session }: Side): number {
  return session.caller.streams.heldBytes + session.callee.streams.heldBytes;
}

function news(events: readonly PlainEvent[]): unknown[] {
  return events.map(({ event }) => event);
}

describe('a call with streams', () => {
  it('says where in its input they belong', () => {
    const { client, server } = new Pair();
    client.call('a', { file: null }, 'mutation', { streams: [['file']] });
    expect(client.write()).toBe('[[32,1,1,"a",{"streams":[["file"]]},{"file":null}]]');
    server.read();
    expect(server.told()).toEqual([
      {
        event: 'call',
        id: 1,
        kind: 'mutation',
        path: 'a',
        input: { file: null },
        streams: [['file']],
      },
    ]);
  });

  it('says where in what it returned they belong, and ends once they are over', () => {
    const { pair, client, server } = started();
    const incoming = server.incoming(1);
    const { callee } = server.session;
    callee.returned(incoming, [['rows'], [0]], 'data');
    callee.item(incoming, 'one', undefined, 1);
    callee.item(incoming, 'two', undefined, 2);
    callee.streams.close(incoming, 1);
    callee.streams.fail(incoming, 2, { message: 'no' });
    callee.end(incoming);
    pair.settle();
    expect(client.told()).toEqual([
      { event: 'returned', id: 1, streams: [['rows'], [0]], data: 'data' },
      { event: 'item', id: 1, stream: 1, data: 'one' },
      { event: 'item', id: 1, stream: 2, data: 'two' },
      { event: 'close', id: 1, stream: 1, isFailed: false },
      { event: 'close', id: 1, stream: 2, isFailed: true, shape: { message: 'no' } },
      { event: 'end', id: 1 },
    ]);
    expect([...client.session.caller.calls]).toEqual([]);
  });

  it('may have streams both ways, each with numbers of its own', () => {
    const pair = new Pair();
    const { client, server } = pair;
    const call = client.call('a', 0, 'mutation', { streams: PATHS });
    pair.settle();
    const incoming = server.incoming(1);
    server.session.callee.returned(incoming, PATHS, 0);
    server.session.callee.item(incoming, 'out', undefined, 1);
    client.session.caller.streams.close(call, 1);
    pair.settle();
    expect(client.told().at(-1)).toEqual({ event: 'item', id: 1, stream: 1, data: 'out' });
    expect(server.told().at(-1)).toEqual({ event: 'close', id: 1, stream: 1, isFailed: false });
    client.session.caller.streams.stop(call, 1);
    pair.settle();
    expect(server.told()).toEqual([{ event: 'stop', id: 1, stream: 1 }]);
  });

  it('tells what its streams bring behind itself, and only once it is seen', () => {
    const pair = new Pair();
    pair.client.call('a', 0, 'mutation', { streams: PATHS });
    pair.client.write();
    const frames = '[40,1,2,"one"],[40,1,1,"two"],[41,1,2]';
    pair.server.receive(`[[32,1,1,"a",{"streams":[["a"],["b"]]},0],${frames}]`);
    expect(pair.server.told().map(({ event, stream }) => [event, stream])).toEqual([
      ['call', undefined],
      ['item', 2],
      ['item', 1],
      ['close', 2],
    ]);
  });

  it('whose paths the other side would refuse is not answered so, and is still to be settled', () => {
    const { server } = started();
    const { callee } = server.session;
    const returned = (): void => callee.returned(server.incoming(1), [['p'.repeat(1_025)]], 0);
    expect(returned).toThrow('malformed: streams');
    callee.fail(server.incoming(1), 'INTERNAL');
    expect(server.write()).toBe('[[34,1,"INTERNAL"]]');
  });

  function started(): Pair & { readonly pair: Pair } {
    const pair = new Pair();
    pair.client.call('a');
    pair.settle();
    pair.server.told();
    return Object.assign(pair, { pair });
  }
});

describe.each(DIRECTIONS)('a stream ($direction)', ({ direction }) => {
  it('gives 16 items, and more as they are consumed (case 27)', () => {
    const { pair, reader, writer, writeAll } = openStream(direction);
    reader.isReading = false;
    expect(writeAll()).toBe(STREAM_WINDOW);
    pair.settle();
    reader.consume(7);
    pair.settle();
    expect(writeAll()).toBe(0);
    reader.consume(1);
    pair.settle();
    expect(news(writer.told())).toEqual(['room']);
    expect(writeAll()).toBe(8);
  });

  it('keeps its order, whatever its items weigh (case 28)', () => {
    const { pair, reader, writeAll } = openStream(direction, {
      clientLimits: ROOMY,
      serverLimits: ROOMY,
    });
    const sizes = [1, 70_000, 1, 300_000, 2, 900_000, 3];
    const given: string[] = [];
    while (given.length < 40) {
      const data = `${given.length}:${'x'.repeat(sizes[given.length % sizes.length]!)}`;
      if (writeAll(data, 1) === 1) given.push(data);
      else pair.settle();
    }
    pair.settle();
    expect(dataOf(reader.told())).toEqual(given);
    expect([unreadBytes(reader), reader.isOver]).toEqual([0, false]);
  });

  it('costs a reader that never consumes its window and no more, however long (case 28)', () => {
    const { pair, reader, writeAll } = openStream(direction, {
      clientLimits: ROOMY,
      serverLimits: ROOMY,
    });
    reader.isReading = false;
    let written = 0;
    for (let i = 0; i < 50; i++) {
      written += writeAll('x'.repeat(60_000));
      pair.settle();
      pair.reconnect();
      pair.settle();
    }
    expect(written).toBe(STREAM_WINDOW);
    const heldBytes = unreadBytes(reader);
    expect(heldBytes).toBeGreaterThan(STREAM_WINDOW * 60_000);
    expect(heldBytes).toBeLessThanOrEqual(STREAM_WINDOW * MESSAGE_BYTES_MAX);
    reader.consume();
    expect(unreadBytes(reader)).toBe(0);
  });

  it('goes as far into debt as one item, and pays it back first (case 28)', () => {
    const { pair, reader, writeAll } = openStream(direction, {
      clientLimits: ROOMY,
      serverLimits: ROOMY,
    });
    reader.isReading = false;
    const large = 'x'.repeat(10 * MESSAGE_BYTES_MAX);
    expect(writeAll(large)).toBe(2); // 11 credits each.
    pair.settle();
    reader.consume(1);
    pair.settle();
    expect(writeAll(large)).toBe(1);
    reader.consume(1);
    pair.settle();
    expect(writeAll(large)).toBe(1);
  });

  it('has its window widened while a long line makes it wait', () => {
    const { pair, reader, writer, writeAll } = openStream(direction, {
      clientLimits: ROOMY,
      serverLimits: ROOMY,
    });
    const total = 20_000;
    let written = 0;
    let rounds = 0;
    for (; written < total; rounds++) {
      written += writeAll('x', total - written);
      pair.flush(writer);
      pair.flush(reader);
    }
    // With a window of 16 it would take 1,250.
    expect(rounds).toBeLessThan(20);
    expect(dataOf(reader.told()).length).toBe(total);
  });

  it('keeps its window where it is the reader that is slow', () => {
    const { pair, reader, writeAll } = openStream(direction);
    reader.isReading = false;
    for (let i = 0; i < 100; i++) {
      writeAll();
      pair.settle();
      expect(reader.unread.length).toBeLessThanOrEqual(STREAM_WINDOW);
      reader.consume(reader.unread.length - 1);
      pair.settle();
    }
  });

  it('goes on when its grants were lost with a connection (case 27)', () => {
    const { pair, reader, writer, writeAll } = openStream(direction);
    writeAll();
    pair.flush(writer);
    reader.write(); // The grant is on the wire, and is lost.
    writer.told();
    pair.reconnect();
    pair.settle();
    expect(news(writer.told())).toEqual(['room']);
    expect(writeAll()).toBeGreaterThanOrEqual(STREAM_WINDOW);
  });

  it('goes on when its grants were given while there was no connection', () => {
    const { pair, reader, writer, writeAll } = openStream(direction);
    reader.isReading = false;
    writeAll();
    pair.settle();
    writer.session.detach();
    reader.session.detach();
    reader.consume();
    pair.reconnect();
    pair.settle();
    expect(writeAll()).toBeGreaterThanOrEqual(STREAM_WINDOW);
  });

  it('says at attach who waits, and what is granted where it is more than at first', () => {
    const { pair, reader, writer, writeAll, mayWrite, stream } = openStream(direction);
    writer.session.tick({ ping: false });
    reader.session.tick({ ping: false });
    pair.settle();
    pair.reconnect();
    expect([reader.write(), writer.write()].join()).not.toMatch(/\[1[12],/u);
    reader.isReading = false;
    writeAll();
    pair.settle();
    reader.consume(8);
    writeAll();
    pair.settle();
    writeAll();
    pair.settle();
    expect(mayWrite()).toBe(false);
    pair.reconnect();
    expect(reader.write()).toContain(`[11,1,${stream},24]`);
    expect(writer.write()).toContain(`[12,1,${stream}]`);
  });

  it('waits for the backlog as well, and is told that there is room', () => {
    const { pair, writer, writeAll, stream } = openStream(direction);
    const count = writeAll('x'.repeat(60_000));
    expect(count).toBe(5);
    writer.told();
    pair.settle();
    expect(writer.told()).toEqual([{ event: 'room', id: 1, stream }]);
    expect(writeAll('x'.repeat(60_000))).toBe(5);
  });

  it('is stopped by its reader: what is on its way is dropped, and no close comes', () => {
    const { pair, reader, writer, writeAll, write, close, fail, stop, stream } =
      openStream(direction);
    reader.isReading = false;
    writeAll('early', 3);
    pair.settle();
    writeAll('late', 3);
    stop();
    stop();
    pair.settle();
    expect(writer.told()).toEqual([{ event: 'stop', id: 1, stream }]);
    expect(dataOf(reader.told())).toEqual(['early', 'early', 'early']);
    expect(unreadBytes(reader)).toBe(0);
    const { next } = writer.session;
    write('after');
    close();
    fail('after');
    expect([writeAll(), writer.session.next, writer.write()]).toEqual([0, next, undefined]);
  });
});

describe.each(NUMBERED)('a stream ($direction) of two', ({ direction }) => {
  it('leaves the other alone when its own credit is spent, or it is over', () => {
    const { pair, reader, writer, writeAll, close, call, incoming } = openStream(direction);
    reader.isReading = false;
    writeAll();
    const streams = writer.session.caller.streams;
    const mayWriteOther =
      direction === 'input'
        ? () => streams.mayWrite(call, 1)
        : () => writer.session.callee.streams.mayWrite(incoming, 1);
    expect(mayWriteOther()).toBe(true);
    close();
    pair.settle();
    expect(mayWriteOther()).toBe(true);
  });

  it.each([
    { how: 'ends', shape: undefined },
    { how: 'fails', shape: undefined },
    { how: 'fails, and says how', shape: { message: 'no' } },
  ])('$how once', ({ how, shape }) => {
    const { pair, reader, close, fail, writeAll, stream } = openStream(direction);
    writeAll('x', 1);
    for (let i = 0; i < 3; i++) {
      if (how === 'ends') close();
      else fail(shape);
    }
    pair.settle();
    expect(reader.told()).toEqual([
      { event: 'item', id: 1, stream, data: 'x' },
      { event: 'close', id: 1, stream, isFailed: how !== 'ends', ...(shape && { shape }) },
    ]);
    expect(writeAll()).toBe(0);
  });

  it('whose failure cannot be encoded is still open', () => {
    const { pair, reader, fail, writeAll } = openStream(direction);
    expect(() => fail(1n)).toThrow(TypeError);
    expect(writeAll('x', 1)).toBe(1);
    fail('no');
    pair.settle();
    expect(news(reader.told())).toEqual(['item', 'close']);
  });

  it('counts what it has brought until that is consumed, also once it has ended', () => {
    const { pair, reader, close, writeAll } = openStream(direction);
    reader.isReading = false;
    writeAll('x'.repeat(1_000), 16);
    close();
    pair.settle();
    expect(unreadBytes(reader)).toBeGreaterThan(15_000);
    reader.consume();
    expect(unreadBytes(reader)).toBe(0);
    expect(reader.write()).toBeUndefined(); // Nothing is granted to it any more.
  });
});

describe('a stream of an input', () => {
  it('is not written before its call, and its writer is told when it may', () => {
    const pair = new Pair({ serverLimits: { ...LIMITS, callsMax: 1 } });
    pair.client.call('first');
    const call = pair.client.call('second', 0, 'mutation', { streams: [[]] });
    pair.settle();
    const { streams } = pair.client.session.caller;
    expect(streams.mayWrite(call, 1)).toBe(false);
    pair.settle();
    expect(pair.client.told()).toEqual([]);
    pair.server.session.callee.result(pair.server.incoming(1), 1);
    pair.settle();
    expect(pair.client.told().at(-1)).toEqual({ event: 'room', id: 3, stream: 1 });
    expect(streams.mayWrite(call, 1)).toBe(true);
  });

  it('may be written behind the first piece of its call, and comes behind the last', () => {
    const pair = new Pair();
    const { client, server } = pair;
    const call = client.call('a', 'x'.repeat(150_000), 'mutation', { streams: [[]] });
    client.write();
    const { streams } = client.session.caller;
    expect(streams.mayWrite(call, 1)).toBe(true);
    streams.write(call, 1, [40, 1, 1, 'item']);
    streams.close(call, 1);
    pair.settle();
    expect(news(server.told())).toEqual(['call', 'item', 'close']);
  });

  it('vanishes with a call that is cancelled before it was written', () => {
    const { client } = new Pair();
    const call = client.call('a', 0, 'mutation', { streams: [[]] });
    client.session.caller.cancel(call);
    client.session.caller.streams.write(call, 1, [40, 1, 1, 'late']);
    client.session.caller.streams.close(call, 1);
    expect(client.write()).toBeUndefined();
  });
});

describe('frames of credit', () => {
  it('go behind what is written again, 512 in a message, in messages of at most 64 KiB', () => {
    const limits: Limits = { ...ROOMY, callsMax: 1_000 };
    const pair = new Pair({ clientLimits: limits, serverLimits: limits });
    const count = 600;
    const { client, server } = pair;
    for (let i = 0; i < count; i++) client.call('a', undefined, 'subscription');
    pair.settle();
    const { callee } = server.session;
    for (const call of callee.calls) {
      callee.subscribed(call);
      for (let i = 0; i < STREAM_WINDOW; i++) callee.item(call, i, undefined);
    }
    pair.settle();
    client.call('replayed');
    client.write();
    pair.reconnect();
    // Characters that take three bytes each, so that what fits is measured by the worst.
    for (let i = 0; i < 10; i++) client.call('語'.repeat(1_000), '語'.repeat(1_900));
    const messages: string[] = [];
    for (let message = client.write(); message !== undefined; message = client.write()) {
      expect(bytesOf(message)).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
      messages.push(message as string);
    }
    const tags = messages.flatMap((message) =>
      (JSON.parse(message) as number[][]).map(([tag]) => tag),
    );
    expect(tags.indexOf(11)).toBeGreaterThan(tags.indexOf(32));
    const grants = messages.map((message) => message.split('[11,').length - 1);
    expect(Math.max(...grants)).toBe(FLOW_FRAMES_MAX);
    expect(grants.reduce((sum, n) => sum + n)).toBe(count);
    while (server.read()) continue;
    expect(server.isOver).toBe(false);
    expect(server.session.received).toBe(count + 11);
  });

  it('are not kept for a call that is over', () => {
    const { pair, reader, incoming, writeAll } = openStream('input');
    writeAll();
    pair.flush(pair.client);
    reader.session.callee.result(incoming, 'done');
    expect(reader.write()).toBe('[[33,1,"done"]]');
  });
});
