import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CODES,
  MESSAGE_BYTES_MAX,
  TAGS,
  type IncomingCall,
  type Limits,
  type Message,
  type OutgoingCall,
} from '../src/index.ts';
import { Pair, type PlainEvent, type Side } from './pair.ts';
import { bytesOf, codec, NOT_IDS } from './support.ts';

/** Tight, so that calls wait, producers wait and frames go in pieces. */
const TIGHT: Limits = { payloadBytesMax: 400_000, callsMax: 3, backlogBytesMax: 131_072 };

type Name = 'client' | 'server';
const NAMES: readonly Name[] = ['client', 'server'];
const OTHER = { client: 'server', server: 'client' } as const;

type Terminal = 'result' | 'error' | 'end' | 'fail';
type Step =
  | { readonly do: 'call'; readonly side: Name; readonly size: number }
  | { readonly do: 'cancel'; readonly side: Name; readonly pick: number }
  | { readonly do: 'item'; readonly side: Name; readonly pick: number; readonly size: number }
  | {
      readonly do: 'settle';
      readonly side: Name;
      readonly pick: number;
      readonly by: Terminal;
      readonly size: number;
    }
  | { readonly do: 'tick' | 'write' | 'read'; readonly side: Name }
  /** The steps of a takeover; between them the connection before is still read. */
  | { readonly do: 'hello' }
  | { readonly do: 'attach' }
  | { readonly do: 'welcome' };

/** What must be true of one call, whatever is done in whatever order. */
class Expected {
  readonly call: OutgoingCall<string>;
  readonly input: string;
  /** What its callee gave, as its caller must be told. */
  readonly given: PlainEvent[] = [];
  /** It was cancelled before it was written. */
  withdrawn = false;
  timesSeen = 0;
  readonly told: PlainEvent[] = [];

  constructor(call: OutgoingCall<string>, input: string) {
    this.call = call;
    this.input = input;
  }
}

/** Two sessions whose hosts do what the steps say, and note what they are told. */
class Story {
  readonly pair: Pair = new Pair({ clientLimits: TIGHT, serverLimits: TIGHT });
  readonly #calls = { client: new Map<number, Expected>(), server: new Map<number, Expected>() };
  #count = 0;

  /** Gives `false` where there was nothing to do. */
  play(step: Step): boolean {
    const hasPlayed = this.#play(step);
    this.#listen();
    return hasPlayed;
  }

  #play(step: Step): boolean {
    if (step.do === 'hello') {
      this.pair.hello();
      return true;
    }
    if (step.do === 'attach') return this.pair.attachServer();
    if (step.do === 'welcome') return this.pair.attachClient();
    const side = this.pair[step.side];
    switch (step.do) {
      case 'call': {
        const input = this.#payload(step.size);
        const call = side.call('path', input, 'subscription');
        this.#calls[step.side].set(call.id, new Expected(call, input));
        return true;
      }
      case 'cancel': {
        const expected = pick([...this.#calls[step.side].values()], step.pick);
        if (expected === undefined || expected.call.cancelled) return false;
        expected.withdrawn = expected.call.unwritten !== undefined;
        side.session.caller.cancel(expected.call);
        return true;
      }
      case 'item': {
        const call = pick(running(side), step.pick);
        if (call === undefined) return false;
        const { callee } = side.session;
        if (call.streams === undefined) {
          callee.subscribed(call);
          this.#given(step.side, { event: 'subscribed', id: call.id });
        }
        // A good host waits, and so does this one.
        if (!callee.streams.mayWrite(call, 0)) return false;
        const data = this.#payload(step.size);
        callee.item(call, data, undefined);
        this.#given(step.side, { event: 'item', id: call.id, data });
        return true;
      }
      case 'settle': {
        const call = pick(running(side), step.pick);
        if (call === undefined) return false;
        this.#settle(step.side, call, step.by, step.size);
        return true;
      }
      case 'tick':
        side.session.tick({ ping: true });
        return true;
      case 'write': {
        const message = side.write();
        if (message === undefined) return false;
        expect(bytesOf(message)).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
        return true;
      }
      case 'read':
        return side.read();
    }
  }

  /** Cuts once more, answers everything, and lets everything arrive. */
  end(): void {
    this.pair.reconnect();
    do {
      for (const name of NAMES) {
        for (const call of running(this.pair[name])) this.#settle(name, call, 'result', 1);
        this.pair[name].session.tick({ ping: false });
      }
      this.pair.settle();
      this.#listen();
    } while (NAMES.some((name) => this.pair[name].session.callee.count > 0));
    for (const name of NAMES) this.pair[name].session.tick({ ping: false });
    this.pair.settle();
    this.#listen();
  }

  check(): void {
    for (const name of NAMES) {
      for (const expected of this.#calls[name].values()) checkCall(expected);
      const { session } = this.pair[name];
      expect(this.pair[name].isOver).toBe(false);
      // The books balance, and nothing is held.
      expect(session.received).toBe(this.pair[OTHER[name]].session.next - 1);
      expect([...session.caller.calls]).toEqual([]);
      expect([session.caller.openCount, session.callee.count]).toEqual([0, 0]);
      expect([session.waitingCount, session.waitingBytes]).toEqual([0, 0]);
      expect([session.takeMessage(), session.heldBytes]).toEqual([undefined, 0]);
    }
  }

  #settle(name: Name, call: IncomingCall<string>, by: Terminal, size: number): void {
    const { callee } = this.pair[name].session;
    const { id } = call;
    const data = this.#payload(size);
    if (by === 'result') {
      callee.result(call, data);
      this.#given(name, { event: 'result', id, data });
    } else if (by === 'error') {
      callee.error(call, data);
      this.#given(name, { event: 'error', id, code: null, shape: data });
    } else if (by === 'end') {
      callee.end(call);
      this.#given(name, { event: 'end', id });
    } else {
      callee.fail(call, 'INTERNAL');
      this.#given(name, { event: 'error', id, code: 'INTERNAL' });
    }
  }

  #given(name: Name, event: PlainEvent): void {
    this.#calls[OTHER[name]].get(event['id'] as number)?.given.push(event);
  }

  #listen(): void {
    for (const name of NAMES) {
      for (const event of this.pair[name].told()) this.#note(name, event);
    }
  }

  #note(name: Name, event: PlainEvent): void {
    const id = event['id'] as number;
    switch (event.event) {
      case 'call': {
        const expected = this.#calls[OTHER[name]].get(id)!;
        expected.timesSeen++;
        expect(event['input']).toBe(expected.input);
        return;
      }
      case 'result':
      case 'error':
      case 'end':
      case 'item':
      case 'subscribed':
        this.#calls[name].get(id)!.told.push(event);
        return;
      case 'cancel':
        expect(this.#calls[OTHER[name]].get(id)!.call.cancelled).toBe(true);
        return;
      case 'room':
        return;
      default:
        expect.fail(`nobody expected ${event.event}`);
    }
  }

  #payload(size: number): string {
    return `${++this.#count}:${'€'.repeat(size)}`;
  }
}

function checkCall({ call, given, told, timesSeen, withdrawn }: Expected): void {
  if (withdrawn) return expect([timesSeen, told]).toEqual([0, []]);
  if (call.cancelled) {
    expect(timesSeen).toBeLessThanOrEqual(1);
    return expect(told).toEqual(given.slice(0, told.length));
  }
  expect(timesSeen).toBe(1);
  const terminal = given.at(-1);
  if (terminal?.event === 'error' && terminal['code'] === 'INTERNAL') {
    // What was under way in pieces, and behind it, is given up with the call.
    expect(told.at(-1)).toEqual(terminal);
    expect(told.slice(0, -1)).toEqual(given.slice(0, told.length - 1));
  } else expect(told).toEqual(given);
}

function running(side: Side): IncomingCall<string>[] {
  return [...side.session.callee.calls].filter(({ state }) => state === 'running');
}

function pick<T>(values: readonly T[], index: number): T | undefined {
  return values[index % Math.max(1, values.length)];
}

const side = fc.constantFrom<Name>('client', 'server');
const index = fc.nat(9);
const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(50) },
  { weight: 1, arbitrary: fc.constantFrom(7_000, 21_800, 22_000, 40_000, 90_000) },
);
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('call' as const), side, size }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), side, pick: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('item' as const), side, pick: index, size }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      side,
      pick: index,
      by: fc.constantFrom<Terminal>('result', 'error', 'end', 'fail'),
      size,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick' as const), side }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'read'), side }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>({ do: 'hello' }, { do: 'attach' }, { do: 'welcome' }),
  },
);

describe('two sessions and a wire', () => {
  it('deliver everything once and in order, over any connections, and hold nothing', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 120, size: 'max' }), (steps) => {
        const story = new Story();
        for (const step of steps) story.play(step);
        story.end();
        story.check();
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    { what: 'small', size: 1, depth: 9, atLeast: 2_000 },
    { what: 'in pieces', size: 22_000, depth: 8, atLeast: 500 },
  ])(
    'keep this law in every order of a call, its items, end and cancel: $what',
    { timeout: 60_000 },
    (row) => {
      const call: Step = { do: 'call', side: 'client', size: row.size };
      const moves: readonly Step[] = [
        { do: 'cancel', side: 'client', pick: 0 },
        { do: 'item', side: 'server', pick: 0, size: row.size },
        { do: 'settle', side: 'server', pick: 0, by: 'fail', size: 1 },
        { do: 'settle', side: 'server', pick: 0, by: 'result', size: row.size },
        { do: 'write', side: 'client' },
        { do: 'read', side: 'server' },
        { do: 'write', side: 'server' },
        { do: 'read', side: 'client' },
        { do: 'hello' },
        { do: 'attach' },
        { do: 'welcome' },
      ];
      let stories = 0;
      const explore = (steps: readonly Step[]): void => {
        const story = new Story();
        for (const step of steps.slice(0, -1)) story.play(step);
        if (!story.play(steps.at(-1)!)) return;
        stories++;
        story.end();
        story.check();
        if (steps.length < row.depth) for (const move of moves) explore([...steps, move]);
      };
      explore([call]);
      expect(stories).toBeGreaterThan(row.atLeast);
    },
  );
});

describe('a session that is sent anything', () => {
  const hostileId = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom(...NOT_IDS, 2 ** 53 - 1) },
  );
  const member = fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 'a', 'BUSY', '__proto__', 'toString', null),
    fc.record({ timeout: fc.anything(), spreadMs: fc.nat() }),
    fc.jsonValue(),
  );
  const tag = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...Object.values(TAGS)) },
    { weight: 1, arbitrary: fc.integer({ min: -1, max: 50 }) },
  );
  const frame = fc.oneof(
    fc.tuple(tag, hostileId, fc.array(member, { maxLength: 4 })).map(([t, i, m]) => [t, i, ...m]),
    // Valid where the moment is right.
    hostileId.map((id) => [TAGS.call, id, 0, 'a', 0]),
    hostileId.map((id) => [TAGS.cancel, id]),
    hostileId.map((id) => [TAGS.result, id, 1]),
    fc.nat(4).map((received) => [TAGS.ack, received]),
    fc.constant([TAGS.ping]),
  );
  const piece = fc
    .tuple(
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 12 }),
      fc.option(fc.constantFrom(1, 13, 20, 400_001, 2 ** 40)),
      fc.oneof(fc.constant('[32,1,0,"a",0]'), fc.string({ maxLength: 20 })),
    )
    .map(([flags, id, length, text]) => {
      const bytes = new TextEncoder().encode(text);
      const message = new Uint8Array((length === null ? 10 : 18) + bytes.length);
      const view = new DataView(message.buffer);
      message.set([TAGS.piece, flags]);
      view.setBigUint64(2, BigInt(id));
      if (length !== null) view.setBigUint64(10, BigInt(length));
      message.set(bytes, message.length - bytes.length);
      return message;
    });
  const messageArbitrary: fc.Arbitrary<Message> = fc.oneof(
    { weight: 8, arbitrary: fc.array(frame, { maxLength: 5 }).map((it) => JSON.stringify(it)) },
    { weight: 3, arbitrary: piece },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );

  it('throws nothing, and is attached or has ended once, with a code, and last', () => {
    fc.assert(
      fc.property(fc.array(messageArbitrary, { maxLength: 12 }), side, (messages, name) => {
        const pair = new Pair({ clientLimits: TIGHT, serverLimits: TIGHT });
        pair.client.call('a');
        pair.server.call('b');
        pair.settle();
        const victim = pair[name];
        victim.told();
        const events: PlainEvent[] = [];
        for (const message of messages) {
          victim.receive(message);
          events.push(...victim.told());
          const answer = victim.write();
          if (answer !== undefined && typeof answer === 'string') codec.split(answer);
        }
        const ends = events.filter(({ event }) => event === 'ended');
        expect(ends.length).toBe(victim.isOver ? 1 : 0);
        if (!victim.isOver) {
          victim.session.tick({ ping: true });
          expect(victim.write()).toBeDefined();
          return;
        }
        expect(events.at(-1)).toBe(ends[0]);
        expect(Object.keys(CODES)).toContain(ends[0]!['code']);
        expect(ends[0]!['code']).not.toBe('INTERNAL');
        expect(victim.write()).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});
