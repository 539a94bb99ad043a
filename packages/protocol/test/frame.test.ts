import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answeredErrorFrame,
  callErrorFrame,
  endFrame,
  itemFrame,
  resultFrame,
  returnedFrame,
  subscribedFrame,
} from '../src/answer.ts';
import { ackFrame, PING_FRAME, PONG_FRAME } from '../src/frame.ts';
import { CALL_ERRORS, TAGS, type CallErrorCode, type CallKind } from '../src/index.ts';
import { goawayFrame, paramsFrame, renewedFrame, RENEW_FRAME } from '../src/notice.ts';
import { callFrame, cancelFrame } from '../src/request.ts';
import {
  blockedFrame,
  closeFrame,
  failedFrame,
  grantFrame,
  inputFrame,
  stopFrame,
} from '../src/stream.ts';
import { codec, failureOf, NOT_IDS, parseWhole, type WholeFrame } from './support.ts';

const PATH_LENGTH_MAX = 1_024;

const idArbitrary = fc
  .oneof(fc.integer({ min: 1 }), fc.maxSafeInteger().map(Math.abs))
  .map((id) => Math.max(1, id));
/** `undefined` is said by leaving the payload out. */
const payloadArbitrary = fc.option(
  fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
  { nil: undefined },
);
const textArbitrary = fc.string({ unit: 'binary' });
const keyArbitrary = fc.string({ unit: 'binary', minLength: 1, maxLength: 128 });
const optionArbitrary = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const pathsArbitrary = fc.array(
  fc.array(fc.oneof(fc.nat(40), fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 32 }),
  { minLength: 1, maxLength: 32 },
);

interface Valid {
  readonly wire: readonly unknown[];
  readonly frame: WholeFrame;
}

const validArbitrary: fc.Arbitrary<Valid> = fc.oneof(
  fc
    .record({
      id: idArbitrary,
      kind: fc.constantFrom<CallKind>('query', 'mutation', 'subscription'),
      path: fc.string({ unit: 'binary', maxLength: 200 }),
      options: fc.record({
        timeoutMs: optionArbitrary(fc.integer({ min: 1 })),
        lastEventId: optionArbitrary(textArbitrary),
        key: optionArbitrary(keyArbitrary),
        streams: optionArbitrary(pathsArbitrary),
        again: optionArbitrary(
          fc.record({
            secret: keyArbitrary,
            id: idArbitrary,
            journal: textArbitrary,
            ageMs: fc.maxSafeNat(),
          }),
        ),
      }),
      input: payloadArbitrary,
    })
    .map(({ id, kind, path, options, input }) => ({
      wire: callFrame(id, { kind, path, options, input }),
      frame: { type: 'call' as const, id, kind, path, options, input },
    })),
  fc.tuple(idArbitrary, payloadArbitrary).map(([id, data]) => ({
    wire: resultFrame(id, data),
    frame: { type: 'result' as const, id, data },
  })),
  fc.tuple(idArbitrary, payloadArbitrary).map(([id, shape]) => ({
    wire: answeredErrorFrame(id, shape),
    frame: { type: 'error' as const, id, code: null, shape },
  })),
  fc
    .tuple(idArbitrary, fc.constantFrom(...(Object.keys(CALL_ERRORS) as CallErrorCode[])))
    .map(([id, code]) => ({
      wire: callErrorFrame(id, code),
      frame: { type: 'error' as const, id, code, shape: undefined },
    })),
  fc
    .tuple(idArbitrary, payloadArbitrary, optionArbitrary(textArbitrary))
    .map(([id, data, eventId]) => ({
      wire: itemFrame(id, data, eventId),
      frame: { type: 'item' as const, id, stream: 0, eventId, data },
    })),
  fc.tuple(idArbitrary, fc.maxSafeNat(), payloadArbitrary).map(([id, stream, data]) => ({
    wire: itemFrame(id, data, stream),
    frame: { type: 'item' as const, id, stream, eventId: undefined, data },
  })),
  fc.tuple(idArbitrary, fc.maxSafeNat(), payloadArbitrary).map(([id, stream, data]) => ({
    wire: inputFrame(id, stream, data),
    frame: { type: 'input' as const, id, stream, data },
  })),
  fc.tuple(idArbitrary, fc.maxSafeNat()).map(([id, stream]) => ({
    wire: closeFrame(id, stream),
    frame: { type: 'close' as const, id, stream, isFailed: false, shape: undefined },
  })),
  fc.tuple(idArbitrary, fc.maxSafeNat(), payloadArbitrary).map(([id, stream, shape]) => ({
    wire: failedFrame(id, stream, shape),
    frame: { type: 'close' as const, id, stream, isFailed: true, shape },
  })),
  fc.tuple(idArbitrary, fc.maxSafeNat()).map(([id, stream]) => ({
    wire: stopFrame(id, stream),
    frame: { type: 'stop' as const, id, stream },
  })),
  fc.tuple(idArbitrary, pathsArbitrary, payloadArbitrary).map(([id, streams, data]) => ({
    wire: returnedFrame(id, streams, data),
    frame: { type: 'returned' as const, id, streams, data },
  })),
  fc.tuple(idArbitrary, fc.maxSafeNat(), fc.maxSafeNat()).map(([id, stream, granted]) => ({
    wire: grantFrame(id, stream, granted),
    frame: { type: 'grant' as const, id, stream, granted },
  })),
  fc.tuple(idArbitrary, fc.maxSafeNat()).map(([id, stream]) => ({
    wire: blockedFrame(id, stream),
    frame: { type: 'blocked' as const, id, stream },
  })),
  idArbitrary.map((id) => ({ wire: endFrame(id), frame: { type: 'end' as const, id } })),
  idArbitrary.map((id) => ({ wire: cancelFrame(id), frame: { type: 'cancel' as const, id } })),
  idArbitrary.map((id) => ({
    wire: subscribedFrame(id),
    frame: { type: 'subscribed' as const, id },
  })),
  fc.maxSafeNat().map((received) => ({
    wire: ackFrame(received),
    frame: { type: 'ack' as const, received },
  })),
  fc.maxSafeNat().map((spreadMs) => ({
    wire: goawayFrame(spreadMs),
    frame: { type: 'goaway' as const, spreadMs },
  })),
  fc.tuple(fc.maxSafeNat(), fc.jsonValue()).map(([number, params]) => ({
    wire: paramsFrame(number, params),
    frame: { type: 'params' as const, number, params },
  })),
  fc
    .tuple(fc.maxSafeNat(), fc.option(fc.string(), { nil: undefined }))
    .map(([number, refusal]) => ({
      wire: renewedFrame(number, refusal),
      frame: { type: 'renewed' as const, number, refusal },
    })),
  fc.constant({ wire: RENEW_FRAME, frame: { type: 'renew' as const } }),
  fc.constant({ wire: PING_FRAME, frame: { type: 'ping' as const } }),
  fc.constant({ wire: PONG_FRAME, frame: { type: 'pong' as const } }),
);

function overTheWire(frame: readonly unknown[]): readonly unknown[] {
  const [arrived] = codec.split(codec.join([codec.encode(frame)]));
  return arrived ?? [];
}

describe('a frame', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(validArbitrary, ({ wire, frame }) => {
        expect(parseWhole(overTheWire(wire))).toEqual(frame);
      }),
    );
  });

  it('is read the same with members that only a newer peer knows', () => {
    // A payload that was left out is no longer left out once something comes behind it.
    const lengths: Record<number, number> = {
      [TAGS.call]: 6,
      [TAGS.result]: 3,
      [TAGS.error]: 4,
      [TAGS.item]: 4,
      [TAGS.input]: 4,
      [TAGS.close]: 5,
      [TAGS.returned]: 4,
    };
    fc.assert(
      fc.property(validArbitrary, fc.array(fc.jsonValue()), ({ wire, frame }, more) => {
        fc.pre(wire.length >= (lengths[wire[0] as number] ?? 0));
        expect(parseWhole([...wire, ...more])).toEqual(frame);
      }),
    );
  });

  it('that is nearly one is refused with FRAME_MALFORMED, and with nothing else', () => {
    const member = fc.oneof(
      fc.anything(),
      fc.constantFrom('__proto__', 'constructor', 'toString', 'BUSY'),
      fc.integer({ min: -1, max: 3 }),
      fc.record(
        {
          timeout: fc.anything(),
          after: fc.anything(),
          key: fc.anything(),
          streams: fc.array(fc.array(fc.anything(), { maxLength: 3 }), { maxLength: 3 }),
          again: fc.oneof(fc.anything(), fc.array(fc.anything(), { maxLength: 4 })),
          spreadMs: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    );
    const tag = fc.oneof(fc.constantFrom(...Object.values(TAGS)), fc.nat(64), fc.anything());
    const near = fc.tuple(tag, fc.array(member, { maxLength: 6 }));
    fc.assert(
      fc.property(near, ([first, rest]) => {
        expect(['none', 'FRAME_MALFORMED']).toContain(
          failureOf(() => parseWhole([first, ...rest])),
        );
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    { type: 'call', wire: (id: unknown) => [TAGS.call, id, 0, 'path', 0] },
    { type: 'result', wire: (id: unknown) => [TAGS.result, id] },
    { type: 'error', wire: (id: unknown) => [TAGS.error, id, 'BUSY'] },
    { type: 'item', wire: (id: unknown) => [TAGS.item, id, 0] },
    { type: 'end', wire: (id: unknown) => [TAGS.end, id] },
    { type: 'cancel', wire: (id: unknown) => [TAGS.cancel, id] },
    { type: 'subscribed', wire: (id: unknown) => [TAGS.subscribed, id] },
    { type: 'input', wire: (id: unknown) => [TAGS.input, id, 1] },
    { type: 'close', wire: (id: unknown) => [TAGS.close, id, 1] },
    { type: 'stop', wire: (id: unknown) => [TAGS.stop, id, 1] },
    { type: 'returned', wire: (id: unknown) => [TAGS.returned, id, [[]]] },
    { type: 'grant', wire: (id: unknown) => [TAGS.grant, id, 1, 17] },
    { type: 'blocked', wire: (id: unknown) => [TAGS.blocked, id, 1] },
  ])(
    'of type $type takes each positive safe integer as its id, and nothing else (case 36)',
    ({ wire }) => {
      for (const id of [1, 2, 2 ** 53 - 1]) {
        expect(parseWhole(wire(id))).toMatchObject({ id });
      }
      for (const id of NOT_IDS) {
        expect([id, failureOf(() => parseWhole(wire(id)))]).toEqual([id, 'FRAME_MALFORMED']);
      }
    },
  );

  describe('that opens a call', () => {
    it.each(['', 'a.b', '__proto__', 'constructor', 'toString', 'p'.repeat(PATH_LENGTH_MAX)])(
      'takes a path as the plain text that it is: %.20s',
      (path) => {
        expect(parseWhole([TAGS.call, 1, 1, path, 0])).toEqual({
          type: 'call',
          id: 1,
          kind: 'mutation',
          path,
          options: {},
          input: undefined,
        });
      },
    );

    it.each([
      { what: 'a path too long', wire: [TAGS.call, 1, 0, 'p'.repeat(PATH_LENGTH_MAX + 1), 0] },
      { what: 'a path that is a number', wire: [TAGS.call, 1, 0, 7, 0] },
      { what: 'a path that is a list', wire: [TAGS.call, 1, 0, ['a'], 0] },
      { what: 'no path', wire: [TAGS.call, 1, 0] },
      { what: 'a kind too high', wire: [TAGS.call, 1, 3, 'a', 0] },
      { what: 'a kind below zero', wire: [TAGS.call, 1, -1, 'a', 0] },
      { what: 'half a kind', wire: [TAGS.call, 1, 0.5, 'a', 0] },
      { what: 'a kind by its word', wire: [TAGS.call, 1, 'query', 'a', 0] },
      { what: 'a kind named length', wire: [TAGS.call, 1, 'length', 'a', 0] },
      { what: 'no options', wire: [TAGS.call, 1, 0, 'a'] },
      { what: 'options that are null', wire: [TAGS.call, 1, 0, 'a', null] },
      { what: 'options that are another number', wire: [TAGS.call, 1, 0, 'a', 1] },
      { what: 'a timeout of zero', wire: [TAGS.call, 1, 0, 'a', { timeout: 0 }] },
      { what: 'a timeout below zero', wire: [TAGS.call, 1, 0, 'a', { timeout: -1 }] },
      { what: 'half a timeout', wire: [TAGS.call, 1, 0, 'a', { timeout: 0.5 }] },
      { what: 'a timeout that is null', wire: [TAGS.call, 1, 0, 'a', { timeout: null }] },
      { what: 'a last event id that is a number', wire: [TAGS.call, 1, 0, 'a', { after: 1 }] },
      { what: 'a key that is a number', wire: [TAGS.call, 1, 1, 'a', { key: 1 }] },
      { what: 'an empty key', wire: [TAGS.call, 1, 1, 'a', { key: '' }] },
      { what: 'a key too long', wire: [TAGS.call, 1, 1, 'a', { key: 'k'.repeat(257) }] },
      { what: 'again that is no list', wire: [TAGS.call, 1, 1, 'a', { again: {} }] },
      { what: 'again without an age', wire: [TAGS.call, 1, 1, 'a', { again: ['s', 1, 'j'] }] },
      { what: 'again of no session', wire: [TAGS.call, 1, 1, 'a', { again: ['', 1, 'j', 0] }] },
      { what: 'again of call zero', wire: [TAGS.call, 1, 1, 'a', { again: ['s', 0, 'j', 0] }] },
      { what: 'again of no journal', wire: [TAGS.call, 1, 1, 'a', { again: ['s', 1, null, 0] }] },
      { what: 'again from tomorrow', wire: [TAGS.call, 1, 1, 'a', { again: ['s', 1, 'j', -1] }] },
    ])('is refused with $what', ({ wire }) => {
      expect(failureOf(() => parseWhole(wire))).toBe('FRAME_MALFORMED');
    });

    it('takes options that a newer peer knows', () => {
      const wire = JSON.parse('[32,1,0,"a",{"timeout":5,"trace":"t","__proto__":{"after":"x"}}]');
      expect(parseWhole(wire as unknown[])).toMatchObject({
        options: { timeoutMs: 5, lastEventId: undefined },
      });
    });
  });

  describe('that ends a call in an error', () => {
    it.each(['NEWER_CODE', '', 'toString', '__proto__', 'constructor'])(
      'is INTERNAL where the code is unknown: %j',
      (code) => {
        expect(parseWhole([TAGS.error, 1, code])).toMatchObject({ code: 'INTERNAL' });
      },
    );

    it.each([null, undefined, 1, true, ['BUSY'], {}])('is refused with the code %j', (code) => {
      expect(failureOf(() => parseWhole([TAGS.error, 1, code]))).toBe('FRAME_MALFORMED');
    });
  });

  it.each([
    { what: 'an item of half a stream', wire: [TAGS.item, 1, 0.5, 'data'] },
    { what: 'an item of a stream below zero', wire: [TAGS.item, 1, -1, 'data'] },
    { what: 'an item of a stream that is a list', wire: [TAGS.item, 1, [1], 'data'] },
    { what: 'an input of no stream', wire: [TAGS.input, 1] },
    { what: 'an input of a stream by its name', wire: [TAGS.input, 1, '__proto__', 'data'] },
    { what: 'a close of no stream', wire: [TAGS.close, 1] },
    { what: 'a close by a code', wire: [TAGS.close, 1, 1, 'INTERNAL'] },
    { what: 'a close by another number', wire: [TAGS.close, 1, 1, 1] },
    { what: 'a close by null', wire: [TAGS.close, 1, 1, null] },
    { what: 'a stop of no stream', wire: [TAGS.stop, 1] },
    { what: 'a stop of a stream by its name', wire: [TAGS.stop, 1, 'constructor'] },
    { what: 'returned without paths', wire: [TAGS.returned, 1] },
    { what: 'returned with no path', wire: [TAGS.returned, 1, []] },
    { what: 'returned with a path that is text', wire: [TAGS.returned, 1, ['a']] },
    { what: 'returned with a step that is null', wire: [TAGS.returned, 1, [[null]]] },
    { what: 'returned with a step below zero', wire: [TAGS.returned, 1, [[-1]]] },
    { what: 'returned with half a step', wire: [TAGS.returned, 1, [[0.5]]] },
    { what: 'returned with a step too long', wire: [TAGS.returned, 1, [['p'.repeat(1_025)]]] },
    { what: 'returned with a path too deep', wire: [TAGS.returned, 1, [Array(33).fill('a')]] },
    {
      what: 'returned with 33 streams',
      wire: [TAGS.returned, 1, Array.from({ length: 33 }, () => [])],
    },
    { what: 'a grant of no call', wire: [TAGS.grant] },
    { what: 'a grant of no stream', wire: [TAGS.grant, 1] },
    { what: 'a grant of nothing', wire: [TAGS.grant, 1, 1] },
    { what: 'a grant below zero', wire: [TAGS.grant, 1, 1, -1] },
    { what: 'half a grant', wire: [TAGS.grant, 1, 1, 16.5] },
    { what: 'a grant beyond the safe integers', wire: [TAGS.grant, 1, 1, 2 ** 53] },
    { what: 'a grant by its digits', wire: [TAGS.grant, 1, 1, '17'] },
    { what: 'blocked of no call', wire: [TAGS.blocked] },
    { what: 'blocked of no stream', wire: [TAGS.blocked, 1] },
    { what: 'a call with streams that are no list', wire: [TAGS.call, 1, 0, 'a', { streams: {} }] },
    { what: 'a call with no streams', wire: [TAGS.call, 1, 0, 'a', { streams: [] }] },
    { what: 'a call with streams by name', wire: [TAGS.call, 1, 0, 'a', { streams: ['a'] }] },
    { what: 'an item without a place for its event id', wire: [TAGS.item, 1] },
    { what: 'an ack below zero', wire: [TAGS.ack, -1] },
    { what: 'an ack beyond the safe integers', wire: [TAGS.ack, 2 ** 53] },
    { what: 'an ack of nothing', wire: [TAGS.ack] },
    { what: 'params without a number', wire: [TAGS.params] },
    { what: 'params numbered by a name', wire: [TAGS.params, '__proto__', {}] },
    { what: 'renewed without a number', wire: [TAGS.renewed] },
    { what: 'renewed with a refusal that is no text', wire: [TAGS.renewed, 1, {}] },
    { what: 'a goaway without its object', wire: [TAGS.goaway] },
    { what: 'a goaway with null', wire: [TAGS.goaway, null] },
    { what: 'a goaway without a spread', wire: [TAGS.goaway, {}] },
    { what: 'a goaway with a spread below zero', wire: [TAGS.goaway, { spreadMs: -1 }] },
  ])('is refused: $what', ({ wire }) => {
    expect(failureOf(() => parseWhole(wire))).toBe('FRAME_MALFORMED');
  });

  describe('with an unknown tag', () => {
    it.each([
      { tag: 0, counted: false },
      { tag: 13, counted: false },
      { tag: 31, counted: false },
      { tag: 60, counted: true },
      { tag: 2 ** 53 - 1, counted: true },
    ])('of $tag, is taken; counted: $counted', ({ tag, counted }) => {
      expect(parseWhole([tag])).toEqual({ type: 'unknown', counted, id: undefined });
      expect(parseWhole([tag, 3])).toEqual({ type: 'unknown', counted, id: 3 });
      expect(parseWhole([tag, '3'])).toEqual({ type: 'unknown', counted, id: undefined });
    });

    it.each([-1, 31.5, 2 ** 53, '32', '__proto__', null, undefined, [32], {}])(
      'is refused when the tag is %j',
      (tag) => {
        expect(failureOf(() => parseWhole([tag, 1]))).toBe('FRAME_MALFORMED');
      },
    );
  });

  it.each([
    { name: 'hello', tag: TAGS.hello },
    { name: 'welcome', tag: TAGS.welcome },
    { name: 'reject', tag: TAGS.reject },
    { name: 'piece', tag: TAGS.piece },
  ])('is refused where $name is not due', ({ tag }) => {
    expect(failureOf(() => parseWhole([tag, 1, {}]))).toBe('FRAME_MALFORMED');
  });

  it('is refused when it has no members', () => {
    expect(failureOf(() => parseWhole([]))).toBe('FRAME_MALFORMED');
  });

  it('is refused in words that do not repeat it', () => {
    const secret = 'sesame';
    for (const wire of [
      [secret],
      [TAGS.call, secret],
      [TAGS.call, 1, secret],
      [TAGS.ack, secret],
    ]) {
      expect(() => parseWhole(wire)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) as string }),
      );
    }
  });
});
