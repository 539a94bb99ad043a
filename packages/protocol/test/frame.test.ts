import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answeredErrorFrame,
  callErrorFrame,
  endFrame,
  itemFrame,
  resultFrame,
  subscribedFrame,
} from '../src/answer.ts';
import { ackFrame, PING_FRAME, PONG_FRAME } from '../src/frame.ts';
import { CALL_ERRORS, TAGS, type CallErrorCode, type CallKind } from '../src/index.ts';
import { goawayFrame, paramsFrame, renewedFrame, RENEW_FRAME } from '../src/notice.ts';
import { callFrame, cancelFrame } from '../src/request.ts';
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
      frame: { type: 'item' as const, id, eventId, data },
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
    { what: 'an item whose event id is a number', wire: [TAGS.item, 1, 1, 'data'] },
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
      { tag: 11, counted: false },
      { tag: 31, counted: false },
      { tag: 40, counted: true },
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
