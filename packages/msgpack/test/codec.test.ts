import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msgpack } from '../src/index.ts';
import { describeCodec, jsonArbitrary } from '../../protocol/test/codec-contract.ts';
import { failureOf } from '../../protocol/test/support.ts';
import { nearlyValid, through } from './support.ts';

/** A member of this name is carried by JSON alone. */
function hasProto(value: unknown): boolean {
  return JSON.stringify(value).includes('"__proto__"');
}

const plain = jsonArbitrary.filter((value) => !hasProto(value));
const leaf = fc.oneof(
  { arbitrary: plain, weight: 4 },
  fc.double(),
  fc.date({ noInvalidDate: true }),
  fc.bigInt({ min: -(2n ** 8192n) + 1n, max: 2n ** 8192n - 1n }),
  fc.uint8Array(),
  fc.oneof(fc.int8Array(), fc.uint8ClampedArray(), fc.int16Array(), fc.uint16Array()),
  fc.oneof(fc.int32Array(), fc.uint32Array(), fc.float32Array(), fc.float64Array()),
  fc.oneof(fc.bigInt64Array(), fc.bigUint64Array()),
);
const values = fc.oneof(
  leaf,
  fc.array(leaf),
  fc.array(leaf).map((items) => new Set(items)),
  fc.array(fc.tuple(leaf, leaf)).map((entries) => new Map(entries)),
  fc.array(fc.tuple(leaf, fc.array(leaf))).map((entries) => [new Map(entries)]),
);
/** Minus zero is an integer on the wire, as in JSON. */
const carried = fc.oneof(plain, leaf, values).filter((value) => !hasMinusZero(value));

describe('the MessagePack codec', () => {
  it('has the name of its subprotocol', () => {
    expect(msgpack.name).toBe('openline.v1.msgpack');
  });

  describeCodec({
    codec: msgpack,
    values: carried,
    empty: new Uint8Array(),
    hostile: fc.oneof(
      fc.uint8Array({ maxLength: 256 }),
      nearlyValid(fc.array(values)),
      fc.string(),
    ),
  });

  it.each([
    { what: 'bytes', value: Uint8Array.of(0, 39, 255) },
    { what: 'no bytes', value: new Uint8Array() },
    { what: 'floats', value: Float64Array.of(0.1, NaN, -Infinity) },
    { what: 'a date', value: new Date(1_700_000_000_123) },
    { what: 'the first date that there is', value: new Date(-8.64e15) },
    { what: 'the last date that there is', value: new Date(8.64e15) },
    { what: 'a date before 1970', value: new Date(-1) },
    { what: 'zero as a bigint', value: 0n },
    { what: 'a bigint', value: 2n ** 64n },
    { what: 'a bigint below zero', value: -(2n ** 100n) },
    {
      what: 'a map with keys of any kind',
      value: new Map<unknown, unknown>([
        [1, 'a'],
        [null, new Map([[{ a: 1 }, 2]])],
      ]),
    },
    { what: 'a set', value: new Set(['a', 1n, new Set([1])]) },
    { what: 'what is no number', value: [NaN, Infinity, -Infinity] },
    { what: 'the largest integers', value: [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER] },
    { what: 'integers that numbers round', value: [2 ** 53, -(2 ** 64), 1e300] },
    { what: 'halves of pairs', value: ['\ud800', 'a\udc00b', { x: '\udfff'.repeat(100) }] },
    { what: 'a mark of the byte order', value: `\ufeff${'a'.repeat(300)}` },
    { what: 'a long text', value: '€'.repeat(70_000) },
  ])('carries $what', ({ value }) => {
    expect(through(value)).toStrictEqual(value);
  });

  it('gives bytes as a Uint8Array of their own, whatever they were', () => {
    const buffer = Buffer.from('bytes');
    for (const value of [buffer, { in: [buffer] }, new Map([[1, buffer]]), new Set([buffer])]) {
      const message = Buffer.from(msgpack.encode([1, value]) as Uint8Array);
      const [, given] = msgpack.split(message)[0] as [number, unknown];
      const bytes = findBytes(given);
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
      expect(bytes.buffer.byteLength).toBe(5);
      message.fill(0);
      expect(Buffer.from(bytes).toString()).toBe('bytes');
    }
  });

  it.each([
    { what: 'an ArrayBuffer', value: Uint8Array.of(1, 2).buffer, given: Uint8Array.of(1, 2) },
    { what: 'the bytes of a DataView', value: new DataView(new ArrayBuffer(2)), given: undefined },
    {
      what: 'what says how it is in JSON',
      value: new URL('https://a.example/'),
      given: 'https://a.example/',
    },
    {
      what: 'functions',
      value: { a: () => 1, b: [() => 1, Symbol('a')] },
      given: { b: [null, null] },
    },
    {
      what: 'an object of a class',
      value: new (class {
        a = 1;
      })(),
      given: { a: 1 },
    },
  ])('makes plain, or refuses, $what', ({ value, given }) => {
    if (given === undefined) expect(() => msgpack.encode([1, value])).toThrow(TypeError);
    else expect(through(value)).toEqual(given);
  });

  it.each([
    { what: 'an invalid date', value: new Date(NaN) },
    { what: 'a bigint of more than 1,024 bytes', value: 2n ** 8192n },
    { what: 'a member named __proto__', value: JSON.parse('{"__proto__":1}') as unknown },
    { what: 'a name that UTF-8 cannot carry', value: { '\ud800': 1 } },
    { what: 'more than 100 values in one another', value: nest(99, (inner) => [inner]) },
    { what: 'more than 16 maps in one another', value: nest(17, (inner) => new Map([[1, inner]])) },
    {
      what: 'maps and lists that are too deep together',
      value: nest(16, (inner) => new Set([[[[[[[inner]]]]]]])),
    },
    {
      what: 'more than 262,144 byte strings',
      value: Array.from({ length: 262_145 }, () => new Uint8Array()),
    },
  ])('does not send $what, which would end the session', ({ value }) => {
    expect(() => msgpack.encode([1, value])).toThrow(Error);
    expect(through('and goes on')).toBe('and goes on');
  });

  it.each([
    { what: '100 values in one another', value: nest(98, (inner) => [inner]) },
    { what: '16 maps in one another', value: nest(16, (inner) => new Map([[1, inner]])) },
    {
      what: '262,144 byte strings',
      value: Array.from({ length: 262_144 }, () => new Uint8Array()),
    },
  ])('carries $what', ({ value }) => {
    expect(through(value)).toEqual(value);
  });

  it('reads as text the reject of a server that speaks JSON alone, and no other', () => {
    const reject = [3, 1, { code: 'CODEC_UNSUPPORTED', message: 'a', retry: 'never' }];
    expect(msgpack.split(JSON.stringify([reject]))).toEqual([reject]);
    for (const text of ['', '[[5]]', '[]', '{}', '[[2,1,{}]]', '[[3,1,{}],[5]]', 'null']) {
      expect(failureOf(() => msgpack.split(text))).toBe('FRAME_MALFORMED');
    }
  });
});

function nest(times: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let i = 0; i < times; i++) value = wrap(value);
  return value;
}

function findBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const items =
    value instanceof Map || value instanceof Set
      ? [...value.values()]
      : Object.values(value as object).flat();
  return items[0] as Uint8Array;
}

function hasMinusZero(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  if (Array.isArray(value)) return value.some(hasMinusZero);
  if (value instanceof Map) return [...value].flat().some(hasMinusZero);
  if (value instanceof Set) return [...value].some(hasMinusZero);
  return false;
}
