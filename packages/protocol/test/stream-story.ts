import { expect } from 'vitest';
import {
  inputFrame,
  type IncomingCall,
  type Limits,
  type OutgoingCall,
  type StreamPath,
} from '../src/index.ts';
import type { StreamCall, Streams } from '../src/streams.ts';
import { creditsOf } from '../src/streams.ts';
import { Pair, type PlainEvent } from './pair.ts';
import { bytesOf, codec } from './support.ts';

export type Name = 'client' | 'server';
const NAMES: readonly Name[] = ['client', 'server'];
const OTHER = { client: 'server', server: 'client' } as const;

export type StreamStep =
  | { readonly do: 'call'; readonly side: Name; readonly inputs: number; readonly live: boolean }
  | { readonly do: 'give'; readonly pick: number; readonly count: number }
  | { readonly do: 'cancel' | 'settle'; readonly pick: number }
  | { readonly do: 'item'; readonly pick: number; readonly size: number; readonly times: number }
  | { readonly do: 'close' | 'fail' | 'stop'; readonly pick: number }
  | { readonly do: 'consume'; readonly side: Name; readonly count: number }
  | { readonly do: 'tick' | 'write' | 'read'; readonly side: Name }
  | { readonly do: 'hello' | 'attach' | 'welcome' };

/** A call as its two hosts know it. */
interface Told {
  readonly caller: Name;
  readonly call: OutgoingCall<string>;
  readonly isLive: boolean;
  incoming: IncomingCall<string> | undefined;
  /** Its terminal was told to the caller, or the caller has cancelled it. */
  isOver: boolean;
}

/** One stream, and what must be true of it whatever is done in whatever order. */
interface Stream {
  readonly of: Told;
  readonly writer: Name;
  readonly number: number;
  readonly given: string[];
  told: number;
  credits: number;
  end: 'close' | 'fail' | undefined;
  isEndTold: boolean;
  isStopped: boolean;
  isStopTold: boolean;
  isConsumed: boolean;
}

const pathsOf = (count: number): StreamPath[] => Array.from({ length: count }, (_, i) => [i]);

/** Two sessions whose hosts write, read, close and stop streams as the steps say. */
export class StreamStory {
  readonly pair: Pair;
  readonly #calls: Told[] = [];
  readonly #streams: Stream[] = [];
  #count = 0;

  constructor(limits: Limits) {
    this.pair = new Pair({ clientLimits: limits, serverLimits: limits });
    for (const name of NAMES) this.pair[name].isReading = false;
  }

  play(step: StreamStep): void {
    this.#play(step);
    this.#listen();
    this.#checkHeld();
  }

  /** Cuts once more, and ends everything, after the books of what is open were compared. */
  end(): void {
    this.pair.reconnect();
    this.#rest();
    this.#checkCredit();
    do {
      for (const stream of this.#streams) if (this.#isOpen(stream)) this.#finish(stream, 'close');
      this.#rest();
      for (const told of this.#calls) this.#settle(told);
      this.#rest();
    } while (NAMES.some((name) => this.pair[name].session.callee.count > 0));
  }

  check(): void {
    for (const stream of this.#streams) {
      const { of, given, told, end, isEndTold, isStopped } = stream;
      if (of.call.cancelled || isStopped || of.incoming === undefined) continue;
      expect([stream.number, told]).toEqual([stream.number, given.length]);
      if (stream.number > 0) expect([end !== undefined, isEndTold]).toEqual([true, true]);
    }
    for (const name of NAMES) {
      const { session, isOver } = this.pair[name];
      expect([isOver, session.heldBytes, session.takeMessage()]).toEqual([false, 0, undefined]);
      expect([[...session.caller.calls], session.callee.count]).toEqual([[], 0]);
      expect(session.received).toBe(this.pair[OTHER[name]].session.next - 1);
    }
  }

  #play(step: StreamStep): void {
    switch (step.do) {
      case 'call':
        return this.#call(step.side, step.inputs, step.live);
      case 'give':
        return this.#give(pick(this.#calls, step.pick), step.count);
      case 'cancel':
        return this.#cancel(pick(this.#calls, step.pick));
      case 'settle':
        return this.#settle(pick(this.#calls, step.pick));
      case 'item':
        for (let i = 0; i < step.times; i++) this.#item(pick(this.#streams, step.pick), step.size);
        return;
      case 'close':
      case 'fail':
        return this.#finish(pick(this.#streams, step.pick), step.do);
      case 'stop':
        return this.#stop(pick(this.#streams, step.pick));
      case 'consume':
        return this.#consume(step.side, step.count);
      case 'tick':
        return this.pair[step.side].session.tick({ ping: true });
      case 'write':
        return void this.pair[step.side].write();
      case 'read':
        return void this.pair[step.side].read();
      case 'hello':
        return this.pair.hello();
      case 'attach':
        return void this.pair.attachServer();
      case 'welcome':
        return void this.pair.attachClient();
    }
  }

  #call(caller: Name, inputs: number, isLive: boolean): void {
    const options = inputs > 0 ? { streams: pathsOf(inputs) } : {};
    const call = this.pair[caller].call('a', 0, isLive ? 'subscription' : 'mutation', options);
    const told: Told = { caller, call, isLive, incoming: undefined, isOver: false };
    this.#calls.push(told);
    for (let number = 1; number <= inputs; number++) this.#open(told, caller, number);
  }

  #open(of: Told, writer: Name, number: number): void {
    const state = { told: 0, credits: 0, end: undefined, isEndTold: false, isStopped: false };
    const stream = { of, writer, number, given: [], ...state, isStopTold: false };
    this.#streams.push({ ...stream, isConsumed: false });
  }

  /** The callee's host gives the streams of the call. */
  #give(told: Told | undefined, count: number): void {
    if (told?.incoming?.state !== 'running') return;
    const callee = OTHER[told.caller];
    if (this.#streams.some(({ of, writer }) => of === told && writer === callee)) return;
    const { session } = this.pair[callee];
    if (told.isLive) session.callee.subscribed(told.incoming);
    else session.callee.returned(told.incoming, pathsOf(count), 0);
    if (told.isLive) this.#open(told, callee, 0);
    else for (let number = 1; number <= count; number++) this.#open(told, callee, number);
  }

  #cancel(told: Told | undefined): void {
    if (told === undefined) return;
    this.pair[told.caller].session.caller.cancel(told.call);
    if (told.call.cancelled) told.isOver = true;
  }

  #settle(told: Told | undefined): void {
    if (told?.incoming?.state !== 'running') return;
    const callee = OTHER[told.caller];
    // An honest callee ends a call when its streams are over.
    for (const stream of this.#streams) {
      if (stream.of === told && stream.writer === callee) this.#finish(stream, 'close');
    }
    this.pair[callee].session.callee.end(told.incoming);
    // What its caller writes from here on is for nobody.
    for (const stream of this.#streams)
      if (stream.of === told) stream.isStopped ||= stream.writer !== callee;
  }

  #item(stream: Stream | undefined, size: number): void {
    if (stream === undefined || !this.#isOpen(stream)) return;
    const { of, number } = stream;
    const data = `${++this.#count}:${'€'.repeat(size)}`;
    if (!this.#with(stream, 'writer', (streams, call) => streams.mayWrite(call, number))) return;
    const { session } = this.pair[stream.writer];
    const frame = inputFrame(of.call.id, number, data);
    if (stream.writer === of.caller) session.caller.streams.write(of.call, number, frame);
    else session.callee.item(of.incoming!, data, undefined, number);
    stream.given.push(data);
    stream.credits += creditsOf(bytesOf(codec.encode(frame)));
  }

  #finish(stream: Stream | undefined, how: 'close' | 'fail'): void {
    if (stream === undefined || !this.#isOpen(stream)) return;
    const { number } = stream;
    // A call that is not written has no stream that could end.
    if (stream.of.call.unwritten !== undefined) return;
    if (number > 0) {
      this.#with(stream, 'writer', (streams, call) =>
        how === 'close' ? streams.close(call, number) : streams.fail(call, number, 'no'),
      );
    }
    stream.end = how;
  }

  #stop(stream: Stream | undefined): void {
    if (stream === undefined || stream.of.incoming === undefined || stream.of.isOver) return;
    this.#with(stream, 'reader', (streams, call) => streams.stop(call, stream.number));
    stream.isStopped = true;
  }

  #consume(name: Name, count: number): void {
    const side = this.pair[name];
    for (const { call, stream } of side.unread.slice(0, count)) {
      const found = this.#find(name, call.id, stream);
      if (found !== undefined) found.isConsumed = true;
    }
    side.consume(count);
  }

  /** Whether its writer may still write, as far as its host knows. */
  #isOpen({ of, writer, end, isStopTold }: Stream): boolean {
    if (end !== undefined || isStopTold) return false;
    return writer === of.caller ? !of.isOver : of.incoming?.state === 'running';
  }

  #with<T>(
    { of, writer }: Stream,
    end: 'writer' | 'reader',
    does: <Call extends StreamCall>(streams: Streams<Call>, call: Call) => T,
  ): T {
    const name = end === 'writer' ? writer : OTHER[writer];
    const { session } = this.pair[name];
    if (name === of.caller) return does(session.caller.streams, of.call);
    return does(session.callee.streams, of.incoming!);
  }

  #listen(): void {
    for (const name of NAMES) for (const event of this.pair[name].told()) this.#note(name, event);
  }

  #note(name: Name, event: PlainEvent): void {
    const id = event['id'] as number;
    const number = (event['stream'] as number | undefined) ?? 0;
    const own = this.#calls.find(({ caller, call }) => caller === name && call.id === id);
    const other = this.#calls.find(({ caller, call }) => caller !== name && call.id === id);
    switch (event.event) {
      case 'call':
        other!.incoming = this.pair[name].incoming(id);
        return;
      case 'item': {
        const stream = this.#find(name, id, number)!;
        const isOver = stream.isEndTold || (own?.isOver ?? false);
        expect([isOver, event['data']]).toEqual([false, stream.given[stream.told++]]);
        return;
      }
      case 'close': {
        const stream = this.#find(name, id, number)!;
        expect([stream.isEndTold, stream.told]).toEqual([false, stream.given.length]);
        expect(event['isFailed']).toBe(stream.end === 'fail');
        stream.isEndTold = true;
        return;
      }
      case 'stop': {
        const stream = this.#streams.find(
          ({ of, writer, number: its }) => of.call.id === id && writer === name && its === number,
        )!;
        expect([stream.isStopped, stream.isStopTold]).toEqual([true, false]);
        stream.isStopTold = true;
        return;
      }
      case 'end':
        own!.isOver = true;
        return;
      case 'cancel':
        expect(other!.call.cancelled).toBe(true);
        return this.pair[name].session.callee.fail(other!.incoming!, 'ABORTED');
      case 'returned':
      case 'subscribed':
      case 'room':
        return;
      default:
        expect.fail(`nobody expected ${event.event}`);
    }
  }

  #find(reader: Name, id: number, number: number): Stream | undefined {
    return this.#streams.find(
      ({ of, writer, number: its }) => of.call.id === id && writer !== reader && its === number,
    );
  }

  /** What is counted is what is not consumed, and a reader that never consumed has one window. */
  #checkHeld(): void {
    for (const name of NAMES) {
      const { session, unread } = this.pair[name];
      let bytes = 0;
      const items = new Map<Stream, number>();
      for (const { call, stream, item } of unread) {
        if (call.streams?.reading.has(stream) !== true) continue;
        bytes += item.bytes;
        const found = this.#find(name, call.id, stream)!;
        items.set(found, (items.get(found) ?? 0) + 1);
      }
      const heldBytes = session.caller.streams.heldBytes + session.callee.streams.heldBytes;
      // What came of a call that is not seen yet is held, and was not told.
      const isSeen = [...session.callee.calls].every(({ state }) => state !== 'arrived');
      if (isSeen) expect(heldBytes).toBe(bytes);
      else expect(heldBytes).toBeGreaterThanOrEqual(bytes);
      for (const [{ isConsumed }, count] of items) {
        if (!isConsumed) expect(count).toBeLessThanOrEqual(16);
      }
    }
  }

  /** Granted is used and left, on both sides: who may write does so until all is used. */
  #checkCredit(): void {
    for (const name of NAMES) this.#consume(name, Infinity);
    this.#rest();
    const used = (): number => this.#streams.reduce((sum, { credits }) => sum + credits, 0);
    for (let before = -1; before !== used();) {
      before = used();
      for (const stream of this.#streams) {
        for (let given = -1; given !== stream.given.length;) {
          given = stream.given.length;
          this.#item(stream, 0);
        }
      }
      this.#rest();
    }
    for (const stream of this.#streams) {
      if (!this.#isOpen(stream) || stream.of.call.unwritten !== undefined || stream.isStopped)
        continue;
      const granted = this.#with(
        stream,
        'reader',
        (_, call) => call.streams?.reading.get(stream.number)?.granted,
      );
      expect([stream.number, stream.credits]).toEqual([stream.number, granted]);
    }
  }

  #rest(): void {
    for (let round = 0; round < 3; round++) {
      this.pair.settle();
      this.#listen();
      for (const name of NAMES) this.pair[name].session.tick({ ping: false });
    }
    this.pair.settle();
    this.#listen();
    this.#checkHeld();
  }
}

function pick<T>(values: readonly T[], index: number): T | undefined {
  return values[index % Math.max(1, values.length)];
}
