import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_BYTES_MAX, type Message, type OutgoingCall } from '../src/index.ts';
import { Outbox } from '../src/outbox.ts';
import { parsePiece } from '../src/piece.ts';
import { bytesOf, codec, failureOf } from './support.ts';

const BACKLOG_BYTES_MAX = 262_144;
const PAYLOAD_BYTES_MAX = 1_048_576;

function createOutbox(backlogBytesMax = BACKLOG_BYTES_MAX): Outbox<string> {
  const outbox = new Outbox<string>(codec, backlogBytesMax);
  outbox.payloadBytesMax = PAYLOAD_BYTES_MAX;
  return outbox;
}

/** An encoded frame: the call's id, a mark, and so many characters of payload. */
function frameOf(id: number, mark: string, length = 0, character = 'x'): Message {
  return codec.encode([35, id, mark, character.repeat(length)]);
}

function callOf(id: number, length = 0): OutgoingCall<string> {
  return newCall(id, frameOf(id, 'call', length));
}

function newCall(id: number, unwritten: Message): OutgoingCall<string> {
  return { id, owner: '', unwritten, number: 0, cancelled: false, streams: undefined };
}

interface TakeOptions {
  readonly control?: Message[];
  readonly callRoom?: number;
  readonly tooLarge?: number[];
}

function take(outbox: Outbox<string>, options: TakeOptions = {}): Message | undefined {
  const { control = [], callRoom = Infinity, tooLarge = [] } = options;
  return outbox.take(control, callRoom, (call) => tooLarge.push(call.id));
}

/** Everything there is to write now, in order: frames as `id:mark`, pieces as `id:piece`. */
function takeAll(outbox: Outbox<string>, options: TakeOptions = {}): string[][] {
  const messages: string[][] = [];
  for (;;) {
    const message = take(outbox, options);
    if (message === undefined) return messages;
    messages.push(told(message));
  }
}

function told(message: Message): string[] {
  if (typeof message !== 'string') {
    const { id, size, last } = parsePiece(message);
    return [`${id}:${size === undefined ? '' : 'first '}${last ? 'last ' : ''}piece`];
  }
  return codec.split(message).map(([, id, mark]) => `${String(id)}:${String(mark)}`);
}

function isEmpty(outbox: Outbox<string>): boolean {
  return outbox.heldBytes === 0 && outbox.waitingCount === 0;
}

/** Two pieces of one frame. */
const TWO_PIECES = MESSAGE_BYTES_MAX + 10;

describe('an outbox', () => {
  it('writes frames in the order in which they were given, in one message', () => {
    const outbox = createOutbox();
    outbox.push(2, frameOf(2, 'a'));
    outbox.push(4, frameOf(4, 'b'));
    outbox.push(2, frameOf(2, 'c'));
    expect(takeAll(outbox)).toEqual([['2:a', '4:b', '2:c']]);
    expect(outbox.next - 1).toBe(3);
  });

  it('writes control frames first, also when there is nothing else', () => {
    const outbox = createOutbox();
    outbox.push(2, frameOf(2, 'a'));
    expect(take(outbox, { control: ['[5]', '[7,1]'] })).toBe('[[5],[7,1],[35,2,"a",""]]');
    expect(take(outbox, { control: ['[6]'] })).toBe('[[6]]');
    expect(outbox.next - 1).toBe(1);
  });

  it('joins frames up to 16 KiB, and sends a larger one on its own', () => {
    const outbox = createOutbox();
    outbox.push(2, frameOf(2, 'a'));
    outbox.push(2, frameOf(2, 'large', 20_000));
    outbox.push(2, frameOf(2, 'b', 10_000));
    outbox.push(2, frameOf(2, 'c', 10_000));
    outbox.push(2, frameOf(2, 'd'));
    expect(takeAll(outbox)).toEqual([['2:a'], ['2:large'], ['2:b'], ['2:c', '2:d']]);
  });

  it('makes no message larger than 64 KiB, whatever it is joined of', () => {
    const frame = fc.record({
      length: fc.oneof(fc.nat(200), fc.nat(70_000), fc.integer({ min: 21_700, max: 21_900 })),
      character: fc.constantFrom('x', 'é', '€', '😀', '"'),
      isCall: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.boolean(), (frames, hasControl) => {
        const outbox = createOutbox();
        frames.forEach(({ length, character, isCall }, index) => {
          const encoded = frameOf(2 * index + 1, 'f', length, character);
          if (isCall) outbox.pushCall(newCall(2 * index + 1, encoded));
          else outbox.push(2 * index + 2, encoded);
        });
        for (;;) {
          const message = take(outbox, { control: hasControl ? ['[5]'] : [] });
          expect(bytesOf(message ?? '')).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
          if (message === undefined || message === '[[5]]') break;
          outbox.acknowledge(outbox.next - 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps to 64 KiB also with as many frames of credit in front as go in a message', () => {
    const outbox = createOutbox();
    const id = Number.MAX_SAFE_INTEGER;
    const control = Array.from({ length: 512 }, () => codec.encode([11, id, 32, id]));
    outbox.push(2, frameOf(2, 'a', 16_000, '語'));
    const message = take(outbox, { control })!;
    expect(bytesOf(message)).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
    expect(takeAll(outbox)).toEqual([['2:a']]);
  });

  describe('with calls', () => {
    it('writes them behind what else there is, in order', () => {
      const outbox = createOutbox();
      outbox.pushCall(callOf(1));
      outbox.pushCall(callOf(3));
      outbox.push(2, frameOf(2, 'a'));
      expect(takeAll(outbox)).toEqual([['2:a', '1:call', '3:call']]);
    });

    it('holds back those that the other side has no room for', () => {
      const outbox = createOutbox();
      const calls = [callOf(1), callOf(3), callOf(5)];
      for (const call of calls) outbox.pushCall(call);
      expect([outbox.waitingCount, outbox.waitingBytes]).toEqual([
        3,
        calls.reduce((sum, call) => sum + call.unwritten!.length, 0),
      ]);
      expect(told(take(outbox, { callRoom: 2 })!)).toEqual(['1:call', '3:call']);
      expect(take(outbox, { callRoom: 0 })).toBeUndefined();
      expect(take(outbox, { callRoom: -1 })).toBeUndefined();
      expect([outbox.waitingCount, outbox.waitingBytes]).toEqual([1, calls[2]!.unwritten!.length]);
      expect(told(take(outbox, { callRoom: 1 })!)).toEqual(['5:call']);
      expect([outbox.waitingCount, outbox.waitingBytes]).toEqual([0, 0]);
    });

    it('holds them back while the backlog is full', () => {
      const outbox = createOutbox();
      for (let i = 0; i < 5; i++) outbox.push(2, frameOf(2, 'a', 60_000));
      outbox.pushCall(callOf(1));
      expect(outbox.isFull).toBe(true);
      expect(takeAll(outbox)).toEqual([['2:a'], ['2:a'], ['2:a'], ['2:a'], ['2:a']]);
      outbox.acknowledge(1);
      expect(takeAll(outbox)).toEqual([['1:call']]);
    });

    it('marks them as written when they are, and not before', () => {
      const outbox = createOutbox();
      const call = callOf(1);
      outbox.pushCall(call);
      expect(call.unwritten).toBeDefined();
      take(outbox);
      expect(call.unwritten).toBeUndefined();
    });

    it('takes back one that was not written', () => {
      const outbox = createOutbox();
      const [kept, withdrawn] = [callOf(1), callOf(3)];
      outbox.pushCall(kept);
      outbox.pushCall(withdrawn);
      outbox.withdraw(withdrawn);
      outbox.withdraw(withdrawn);
      expect(takeAll(outbox)).toEqual([['1:call']]);
      expect([outbox.waitingCount, outbox.waitingBytes]).toEqual([0, 0]);
    });

    it('takes back a large one whose first piece still waits', () => {
      const outbox = createOutbox();
      const large = callOf(1, TWO_PIECES);
      outbox.pushCall(large);
      outbox.pushCall(callOf(3));
      take(outbox, { control: ['[5]'] });
      expect([outbox.waitingCount, large.unwritten === undefined]).toEqual([1, false]);
      outbox.withdraw(large);
      expect(takeAll(outbox)).toEqual([['3:call']]);
      outbox.acknowledge(1);
      expect([outbox.heldBytes, isEmpty(outbox)]).toEqual([0, true]);
    });

    it('lets no later one overtake the first piece of a large one', () => {
      const outbox = createOutbox();
      outbox.pushCall(callOf(1, TWO_PIECES));
      outbox.pushCall(callOf(3));
      expect(takeAll(outbox)).toEqual([['1:first piece'], ['3:call'], ['1:last piece']]);
    });

    it('says which are larger than the other side takes, and goes on with the next', () => {
      const outbox = createOutbox();
      const tooLarge: number[] = [];
      const [one, three] = [callOf(1, PAYLOAD_BYTES_MAX), callOf(3)];
      outbox.pushCall(one);
      outbox.pushCall(three);
      expect(takeAll(outbox, { tooLarge })).toEqual([['3:call']]);
      expect(tooLarge).toEqual([1]);
      outbox.acknowledge(1);
      expect([outbox.heldBytes, outbox.waitingCount, outbox.waitingBytes]).toEqual([0, 0, 0]);
    });
  });

  describe('with frames too large for a message', () => {
    it.each([
      { bytes: MESSAGE_BYTES_MAX - 2, expected: ['2:a'] },
      { bytes: MESSAGE_BYTES_MAX - 1, expected: ['2:first piece', '2:last piece'] },
    ])('sends one of $bytes bytes as $expected', ({ bytes, expected }) => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a', bytes - bytesOf(frameOf(2, 'a'))));
      expect(takeAll(outbox).flat()).toEqual(expected);
    });

    it('counts each piece', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a', TWO_PIECES));
      takeAll(outbox);
      expect(outbox.next - 1).toBe(2);
    });

    it('lets them take turns', () => {
      const outbox = createOutbox();
      for (const id of [2, 4]) outbox.push(id, frameOf(id, 'a', TWO_PIECES));
      expect(takeAll(outbox).flat()).toEqual([
        '2:first piece',
        '4:first piece',
        '2:last piece',
        '4:last piece',
      ]);
    });

    it('has four under way at most', () => {
      const outbox = createOutbox();
      const ids = [2, 4, 6, 8, 10];
      for (const id of ids) outbox.push(id, frameOf(id, 'a', TWO_PIECES));
      const written: string[] = [];
      while (!isEmpty(outbox)) {
        written.push(...told(take(outbox)!));
        outbox.acknowledge(outbox.next - 1);
      }
      expect(written).toEqual([
        ...ids.slice(0, 4).map((id) => `${id}:first piece`),
        '2:last piece',
        '10:first piece',
        ...ids.slice(1).map((id) => `${id}:last piece`),
      ]);
    });

    it('lets a call wait while four are under way', () => {
      const outbox = createOutbox(1_048_576);
      for (const id of [2, 4, 6, 8]) outbox.push(id, frameOf(id, 'a', TWO_PIECES));
      outbox.pushCall(callOf(1, TWO_PIECES));
      outbox.pushCall(callOf(3));
      expect(takeAll(outbox).flat()).toEqual([
        ...[2, 4, 6, 8].map((id) => `${id}:first piece`),
        '2:last piece',
        '1:first piece',
        '3:call',
        ...[4, 6, 8, 1].map((id) => `${id}:last piece`),
      ]);
    });

    it('lets the first piece of a call go before those that are under way', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a', TWO_PIECES));
      take(outbox);
      outbox.pushCall(callOf(1, TWO_PIECES));
      expect(takeAll(outbox).flat()).toEqual(['1:first piece', '2:last piece', '1:last piece']);
    });

    it('lets small frames of other calls pass, and none of the same call', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'large', TWO_PIECES));
      outbox.push(2, frameOf(2, 'behind'));
      outbox.push(2, frameOf(2, 'large behind', TWO_PIECES));
      outbox.push(2, frameOf(2, 'last'));
      outbox.push(4, frameOf(4, 'other'));
      expect(takeAll(outbox).flat()).toEqual([
        '4:other',
        '2:first piece',
        '2:last piece',
        '2:behind',
        '2:first piece',
        '2:last piece',
        '2:last',
      ]);
    });

    it('forgets the rest of one that nobody wants, and what is behind it', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'large', TWO_PIECES));
      outbox.push(2, frameOf(2, 'behind'));
      expect(told(take(outbox)!)).toEqual(['2:first piece']);
      outbox.discardParcel(2);
      outbox.discardParcel(2);
      outbox.push(2, frameOf(2, 'terminal'));
      expect(takeAll(outbox)).toEqual([['2:terminal']]);
      outbox.acknowledge(outbox.next - 1);
      expect([outbox.heldBytes, isEmpty(outbox)]).toEqual([0, true]);
    });

    it.each([
      { bytes: PAYLOAD_BYTES_MAX, expected: 'none' },
      { bytes: PAYLOAD_BYTES_MAX + 1, expected: 'LIMIT_EXCEEDED' },
    ])('throws at more than the other side takes; at $bytes bytes: $expected', (row) => {
      const outbox = createOutbox();
      const frame = frameOf(2, 'a', row.bytes - bytesOf(frameOf(2, 'a')));
      expect(failureOf(() => outbox.push(2, frame))).toBe(row.expected);
      const isHeld = row.expected === 'none';
      expect([isEmpty(outbox), outbox.heldBytes]).toEqual([!isHeld, isHeld ? row.bytes : 0]);
    });

    it('lets their pieces wait while the backlog is full, and frames pass', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a', PAYLOAD_BYTES_MAX / 2));
      expect(takeAll(outbox).length).toBe(BACKLOG_BYTES_MAX / MESSAGE_BYTES_MAX);
      outbox.push(4, frameOf(4, 'result'));
      expect(takeAll(outbox)).toEqual([['4:result']]);
      outbox.acknowledge(2);
      expect(takeAll(outbox)).toEqual([['2:piece'], ['2:piece']]);
    });
  });

  describe('told what the other side has', () => {
    it('drops it', () => {
      const outbox = createOutbox();
      const frames = ['a', 'b', 'c'].map((mark) => frameOf(2, mark));
      for (const frame of frames) outbox.push(2, frame);
      take(outbox);
      outbox.acknowledge(2);
      expect(outbox.heldBytes).toBe(frames[2]!.length);
      outbox.acknowledge(1);
      outbox.acknowledge(2);
      expect(outbox.heldBytes).toBe(frames[2]!.length);
      outbox.acknowledge(3);
      expect([outbox.heldBytes, outbox.next - 1]).toEqual([0, 3]);
    });

    it('refuses more than was written', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a'));
      expect(failureOf(() => outbox.acknowledge(1))).toBe('SEQUENCE_BROKEN');
      take(outbox);
      expect(failureOf(() => outbox.acknowledge(1))).toBe('none');
      expect(failureOf(() => outbox.acknowledge(2))).toBe('SEQUENCE_BROKEN');
    });
  });

  describe('on another connection', () => {
    function writtenOutbox(): Outbox<string> {
      const outbox = createOutbox();
      for (const mark of ['a', 'b', 'c']) outbox.push(2, frameOf(2, mark));
      take(outbox);
      return outbox;
    }

    it.each([
      { received: 0, expected: [['2:a', '2:b', '2:c', '2:d']], next: 1 },
      { received: 2, expected: [['2:c', '2:d']], next: 3 },
      { received: 3, expected: [['2:d']], next: 4 },
    ])('writes again what is behind $received frames, then goes on', (row) => {
      const outbox = writtenOutbox();
      outbox.push(2, frameOf(2, 'd'));
      outbox.attach(row.received, PAYLOAD_BYTES_MAX);
      expect(outbox.next).toBe(row.next);
      expect(takeAll(outbox)).toEqual(row.expected);
      outbox.acknowledge(4);
      expect([outbox.next, outbox.heldBytes]).toEqual([5, 0]);
    });

    it('refuses a claim to have more than was written', () => {
      expect(failureOf(() => writtenOutbox().attach(4, PAYLOAD_BYTES_MAX))).toBe('SEQUENCE_BROKEN');
    });

    it('raises a claim to have less than was acknowledged (case 3)', () => {
      const outbox = writtenOutbox();
      outbox.acknowledge(2);
      outbox.attach(1, PAYLOAD_BYTES_MAX);
      expect([outbox.next, takeAll(outbox)]).toEqual([3, [['2:c']]]);
    });

    it('writes what is due in order, also where it is acknowledged meanwhile (case 3)', () => {
      const outbox = writtenOutbox();
      outbox.attach(1, PAYLOAD_BYTES_MAX);
      outbox.acknowledge(3); // Received on the connection before, after the handshake was written.
      expect([outbox.next, takeAll(outbox)]).toEqual([2, [['2:b', '2:c']]]);
      expect(outbox.heldBytes).toBe(0);
    });

    it('writes control frames first, and large frames alone', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a'));
      outbox.push(2, frameOf(2, 'large', 20_000));
      outbox.push(4, frameOf(4, 'pieces', TWO_PIECES));
      const before = takeAll(outbox);
      outbox.push(2, frameOf(2, 'b'));
      outbox.attach(0, PAYLOAD_BYTES_MAX);
      expect(take(outbox, { control: ['[5]'] })).toBe('[[5],[35,2,"a",""]]');
      expect(takeAll(outbox)).toEqual([...before.slice(1), ['2:b']]);
    });

    it('goes on with a frame in pieces where it was cut', () => {
      const outbox = createOutbox();
      outbox.push(2, frameOf(2, 'a', TWO_PIECES));
      expect(told(take(outbox)!)).toEqual(['2:first piece']);
      outbox.attach(0, PAYLOAD_BYTES_MAX);
      expect(takeAll(outbox)).toEqual([['2:first piece'], ['2:last piece']]);
    });
  });

  it('numbers a call by its frame, and one in pieces by the last of them', () => {
    const outbox = createOutbox();
    const [small, large] = [callOf(1), callOf(3, TWO_PIECES)];
    outbox.pushCall(small);
    outbox.pushCall(large);
    take(outbox);
    take(outbox);
    expect([small.number, large.number, large.unwritten]).toEqual([1, 0, undefined]);
    take(outbox);
    expect([small.number, large.number]).toEqual([1, 3]);
  });

  it('holds nothing once all was written and acknowledged, whatever happened before', () => {
    const size = fc.oneof(fc.nat(100), fc.constantFrom(70_000, 200_000, 2_000_000));
    const id = fc.integer({ min: 1, max: 4 }).map((n) => 2 * n);
    const stepArbitrary = fc.oneof(
      fc.record({ do: fc.constant('push' as const), id, size }),
      fc.record({ do: fc.constant('call' as const), size }),
      fc.record({ do: fc.constant('withdraw' as const), index: fc.nat(20) }),
      fc.record({ do: fc.constant('discard' as const), id }),
      fc.record({ do: fc.constant('take' as const), callRoom: fc.nat(3) }),
      fc.record({
        do: fc.constant('acknowledge' as const),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
        const outbox = createOutbox();
        const calls: OutgoingCall<string>[] = [];
        let acknowledged = 0;
        for (const step of steps) {
          switch (step.do) {
            case 'push':
              failureOf(() => outbox.push(step.id, frameOf(step.id, 'f', step.size, '€')));
              break;
            case 'call':
              outbox.pushCall(calls[calls.push(callOf(2 * calls.length + 1, step.size)) - 1]!);
              break;
            case 'withdraw': {
              const call = calls[step.index];
              if (call?.unwritten !== undefined) outbox.withdraw(call);
              break;
            }
            case 'discard':
              outbox.discardParcel(step.id);
              break;
            case 'take':
              take(outbox, { callRoom: step.callRoom });
              break;
            case 'acknowledge':
              acknowledged += Math.floor((outbox.next - 1 - acknowledged) * step.part);
              outbox.acknowledge(acknowledged);
              break;
          }
          expect(outbox.heldBytes).toBeGreaterThanOrEqual(0);
          expect(outbox.waitingBytes).toBeGreaterThanOrEqual(0);
        }
        outbox.acknowledge(outbox.next - 1);
        while (!isEmpty(outbox)) {
          take(outbox);
          outbox.acknowledge(outbox.next - 1);
        }
        expect(take(outbox)).toBeUndefined();
        expect([outbox.heldBytes, outbox.waitingBytes, outbox.waitingCount]).toEqual([0, 0, 0]);
      }),
      { numRuns: 100 },
    );
  });
});
