import { describe, expect, it } from 'vitest';
import {
  inputFrame,
  StreamEnds,
  type EndsHost,
  type IncomingCall,
  type OutgoingCall,
  type StreamItem,
  type StreamReader,
  type StreamSource,
} from '../src/index.ts';
import { Pair } from './pair.ts';

/** What waits for promises has gone on as far as it can. */
async function rest(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A promise that is kept when the test says so. */
function gate(): { readonly promise: Promise<void>; open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

/** Notes what a host is told, in order. */
class Host implements EndsHost {
  readonly told: string[] = [];
  cause: unknown = new Error('from the other side');
  readonly #write: (stream: number, value: unknown) => void;

  constructor(write: (stream: number, value: unknown) => void) {
    this.#write = write;
  }

  write(stream: number, value: unknown): void {
    this.#write(stream, value);
  }
  read(data: unknown): unknown {
    if (data === 'unreadable') throw new Error('cannot be read');
    return `read ${String(data)}`;
  }
  causeOf(end: string): unknown {
    this.told.push(`cause of ${end}`);
    return this.cause;
  }
  failed(stream: number, cause: unknown): void {
    this.told.push(`failed ${stream}: ${messageOf(cause)}`);
  }
  report(cause: unknown): void {
    this.told.push(`report: ${messageOf(cause)}`);
  }
  written(left: number): void {
    this.told.push(`written, ${left} left`);
  }
  wake(): void {}
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** A source that gives so many items, and notes what is asked of it. */
function source(items: number, options: { readonly closing?: Promise<void> } = {}) {
  const asked: string[] = [];
  let left = items;
  const iterable: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        asked.push('next');
        const done = left-- <= 0;
        return Promise.resolve(done ? { done, value: undefined } : { done, value: left });
      },
      async return() {
        asked.push('return');
        await options.closing;
        asked.push('returned');
        return { done: true, value: undefined };
      },
    }),
  };
  return { iterable, asked };
}

/** The client's end of the streams of an input, and the server's. */
function ends(count: number) {
  const pair = new Pair();
  const paths = Array.from({ length: count }, (_, index) => [index]);
  const call = pair.client.call('a', 0, 'mutation', { streams: paths });
  const { caller } = pair.client.session;
  const writerHost = new Host((stream, value) => {
    caller.streams.write(call, stream, inputFrame(call.id, stream, value));
  });
  const writer = new StreamEnds<OutgoingCall<string>>(caller.streams, call, writerHost);
  pair.settle();
  const incoming = pair.server.incoming(1);
  const { callee } = pair.server.session;
  const readerHost = new Host(() => {});
  const reader = new StreamEnds<IncomingCall<string>>(callee.streams, incoming, readerHost);
  pair.server.told();
  pair.server.isReading = false;
  return { pair, call, incoming, writer, writerHost, reader, readerHost };
}

const item = (data: unknown): StreamItem => ({ type: 'item', data, credits: 1, bytes: 10 });

describe('the sources of a call', () => {
  it('are not touched before they may be written, and then wait for each item', async () => {
    const pair = new Pair();
    const call = pair.client.call('a', 0, 'mutation', { streams: [[]] });
    const { streams } = pair.client.session.caller;
    const host = new Host((stream, value) => {
      streams.write(call, stream, inputFrame(call.id, stream, value));
    });
    const writer = new StreamEnds<OutgoingCall<string>>(streams, call, host);
    const { iterable, asked } = source(100);
    writer.write([iterable], 1);
    await rest();
    expect([asked, writer.hasBegun]).toEqual([[], false]);
    pair.client.write();
    pair.client.listen();
    writer.heard(1, { type: 'room' });
    await rest();
    await rest();
    expect(writer.hasBegun).toBe(true);
    expect(asked.length).toBe(16); // As many as there are credits, and none is taken in advance.
  });

  it('end each by itself, and are all written then', async () => {
    const { pair, writer, writerHost } = ends(2);
    writer.write([source(2).iterable, source(1).iterable], 1);
    await rest();
    pair.settle();
    expect(pair.server.told().map(({ event, stream }) => `${event} ${String(stream)}`)).toEqual([
      'item 1',
      'item 2',
      'item 1',
      'close 2',
      'close 1',
    ]);
    expect(writerHost.told).toEqual(['written, 1 left', 'written, 0 left']);
  });

  it('have begun also once they have ended: a call with them is not made again (case 34)', async () => {
    const { writer } = ends(1);
    writer.write([source(3).iterable], 1);
    await rest();
    expect(writer.hasBegun).toBe(true);
    writer.close();
    expect(writer.hasBegun).toBe(true);
  });

  it('may be ReadableStreams, and are cancelled when they are stopped', async () => {
    const { pair, writer } = ends(1);
    let cancelled = 0;
    const web = new ReadableStream<number>({
      start: (controller) => controller.enqueue(1),
      cancel: () => void cancelled++,
    });
    writer.write([web as StreamSource<unknown>], 1);
    await rest();
    pair.settle();
    expect(pair.server.told()).toEqual([{ event: 'item', id: 1, stream: 1, data: 1 }]);
    writer.heard(1, { type: 'stop' });
    await rest();
    expect([cancelled, web.locked]).toEqual([1, false]);
  });

  describe('that fail', () => {
    const broken = (next: () => unknown): StreamSource<unknown> =>
      ({ [Symbol.asyncIterator]: () => ({ next }) }) as unknown as StreamSource<unknown>;
    it.each<{ how: string; failing: StreamSource<unknown>; message: string }>([
      {
        how: 'by a promise that is broken',
        failing: broken(() => Promise.reject(new Error('no'))),
        message: 'no',
      },
      {
        how: 'at once',
        failing: broken(() => {
          throw new Error('no');
        }),
        message: 'no',
      },
      {
        how: 'by a result that is none',
        failing: broken(() => Promise.resolve(undefined)),
        message: 'no iterator result',
      },
      {
        how: 'when they are opened',
        failing: {
          [Symbol.asyncIterator]() {
            throw new Error('no');
          },
        },
        message: 'no',
      },
    ])('$how are over, and their host is told once', async ({ failing, message }) => {
      const { writer, writerHost } = ends(1);
      writer.write([failing], 1);
      await rest();
      expect(writerHost.told).toEqual([`failed 1: ${message}`, 'written, 0 left']);
    });

    it('with an item that cannot be written are closed first', async () => {
      const { writer, writerHost } = ends(1);
      const asked: string[] = [];
      async function* values() {
        try {
          yield 1n;
        } finally {
          asked.push('finally');
        }
      }
      writer.write([values()], 1);
      await rest();
      expect(asked).toEqual(['finally']);
      expect(writerHost.told[0]).toMatch(/^failed 1: .*BigInt/u);
      expect(writerHost.told.slice(1)).toEqual(['written, 0 left']);
    });
  });

  describe('that are stopped', () => {
    it('are closed, and are written when that has ended', async () => {
      const { writer, writerHost } = ends(1);
      const closing = gate();
      const { iterable, asked } = source(100, { closing: closing.promise });
      writer.write([iterable], 1);
      writer.heard(1, { type: 'stop' });
      writer.heard(1, { type: 'stop' });
      await rest();
      expect(asked).toEqual(['next', 'return']);
      expect(writerHost.told).toEqual([]);
      closing.open();
      await rest();
      expect(writerHost.told).toEqual(['written, 0 left']);
    });

    it('and whose call is cancelled before they are closed, settle it all the same', async () => {
      const { writer, writerHost } = ends(1);
      const closing = gate();
      writer.write([source(100, { closing: closing.promise }).iterable], 1);
      writer.heard(1, { type: 'stop' });
      let settled = 0;
      writer.close(undefined, () => settled++);
      await rest();
      expect(settled).toBe(0);
      closing.open();
      await rest();
      expect([settled, writerHost.told]).toEqual([1, []]);
    });
  });

  it('that failed while their call is cancelled settle it once, and are reported', async () => {
    const { writer, writerHost } = ends(1);
    const closing = gate();
    async function* values() {
      try {
        yield 1n;
      } finally {
        await closing.promise;
      }
    }
    writer.write([values()], 1);
    await rest();
    let settled = 0;
    writer.close(undefined, () => settled++);
    closing.open();
    await rest();
    expect(settled).toBe(1);
    expect(writerHost.told.map((told) => told.split(':')[0])).toEqual(['report']);
  });

  it('settle their call when the last is closed, and report what that throws', async () => {
    const { writer, writerHost } = ends(2);
    const closing = gate();
    const throwing: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: () => Promise.reject(new Error('at the end')),
      }),
    };
    writer.write([throwing, source(100, { closing: closing.promise }).iterable], 1);
    let settled = 0;
    writer.close(undefined, () => settled++);
    await rest();
    expect([settled, writerHost.told]).toEqual([0, ['report: at the end']]);
    closing.open();
    await rest();
    expect(settled).toBe(1);
  });
});

describe('a reader', () => {
  function reading(): ReturnType<typeof ends> & { readonly it: StreamReader } {
    const opened = ends(1);
    return { ...opened, it: opened.reader.reader(1) };
  }

  it('gives what came, in order, and then that no more does', async () => {
    const { reader, it: stream } = reading();
    for (const data of [1, 2]) reader.heard(1, item(data));
    reader.heard(1, { type: 'close', isFailed: false, shape: undefined });
    reader.heard(1, item('late'));
    const read: unknown[] = [];
    for await (const value of stream) read.push(value);
    expect(read).toEqual(['read 1', 'read 2']);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('consumes an item when it is pulled, and not before (case 24)', async () => {
    const { pair, call, reader, it: stream } = reading();
    const { streams } = pair.client.session.caller;
    for (let i = 0; i < 16; i++) streams.write(call, 1, inputFrame(1, 1, i));
    pair.settle();
    for (const { item: unread } of pair.server.unread) reader.heard(1, unread);
    pair.settle();
    expect(streams.mayWrite(call, 1)).toBe(false);
    for (let i = 0; i < 8; i++) await stream.next();
    pair.settle();
    expect(streams.mayWrite(call, 1)).toBe(true);
  });

  it('answers all who wait, in their order', async () => {
    const { reader, it: stream } = reading();
    const waiting = [stream.next(), stream.next(), stream.next()];
    reader.heard(1, item(1));
    reader.heard(1, item(2));
    reader.heard(1, { type: 'close', isFailed: false, shape: undefined });
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual([
      'read 1',
      'read 2',
      undefined,
    ]);
  });

  it('throws the failure of its writer once, behind what came', async () => {
    const { reader, readerHost, it: stream } = reading();
    reader.heard(1, item(1));
    reader.heard(1, { type: 'close', isFailed: true, shape: {} });
    expect(await stream.next()).toEqual({ done: false, value: 'read 1' });
    await expect(stream.next()).rejects.toBe(readerHost.cause);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('that was sent more than it granted is stopped, and what came counts no more', async () => {
    const { pair, reader, readerHost, it: stream } = reading();
    reader.heard(1, item(1));
    reader.heard(1, { type: 'overrun' });
    reader.heard(1, { type: 'overrun' });
    expect(pair.server.write()).toBe('[[42,1,1]]');
    await expect(stream.next()).rejects.toBe(readerHost.cause);
  });

  it('that is left is stopped, once', async () => {
    const { pair, reader, it: stream } = reading();
    reader.heard(1, item(1));
    reader.heard(1, item(2));
    for await (const value of stream) {
      expect(value).toBe('read 1');
      break;
    }
    await stream.return();
    expect(pair.server.write()).toBe('[[42,1,1]]');
    expect(pair.server.write()).toBeUndefined();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('that is left at its end stops nothing', async () => {
    const { pair, reader, it: stream } = reading();
    reader.heard(1, { type: 'close', isFailed: false, shape: undefined });
    await stream.return();
    expect(pair.server.write()).toBeUndefined();
  });

  it('whose item cannot be read throws that, and is stopped', async () => {
    const { pair, reader, it: stream } = reading();
    reader.heard(1, item('unreadable'));
    reader.heard(1, item(2));
    await expect(stream.next()).rejects.toThrow('cannot be read');
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(pair.server.write()).toBe('[[42,1,1]]');
  });

  it('that is left while it waits is done', async () => {
    const { it: stream } = reading();
    const waiting = stream.next();
    await stream.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it('is iterated once', () => {
    const { it: stream } = reading();
    stream[Symbol.asyncIterator]();
    expect(() => stream[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  it('is told when nobody waits for its call any more', async () => {
    const { reader, it: stream } = reading();
    const gone = new Error('gone');
    const waiting = stream.next();
    reader.close({ cause: gone });
    await expect(waiting).rejects.toBe(gone);
  });
});
