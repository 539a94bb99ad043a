import { afterEach, describe, expect, it, vi } from 'vitest';
import { transformer } from '../src/index.ts';
import { overTheWire, textOf } from './support.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const everywhere: readonly (readonly [string, (value: unknown) => unknown])[] = [
  ['at the top', (value) => value],
  ['in an object', (value) => ({ plain: 1, deep: { value } })],
  ['in an array', (value) => ['plain', [value]]],
  ['as the value of a Map', (value) => new Map([['key', value]])],
  ['as the key of a Map', (value) => new Map([[value, 'value']])],
  ['in a Set', (value) => new Set([value])],
  ['as the field of an error', (value) => Object.assign(new Error('no'), { value })],
  ['as the cause of an error', (value) => new Error('no', { cause: value })],
];

describe.each(everywhere)('%s, there arrives as it was', (_where, put) => {
  it.each<readonly [string, unknown]>([
    ['a Date', new Date(1_700_000_000_123)],
    ['a Date before 1970', new Date(-1)],
    ['the last Date', new Date(8.64e15)],
    ['an invalid Date', new Date(Number.NaN)],
    ['a bigint', 12_345_678_901_234_567_890n],
    ['a negative bigint', -1n],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [1, 'a'],
        [new Map(), null],
      ]),
    ],
    ['a Set', new Set([1, 'a', undefined])],
    ['a RegExp', /a\/b[\n]"\u2028/giu],
    ['an empty RegExp', new RegExp('')],
    ['a URL', new URL('https://user:pw@example.com:81/a%20b?c=d#e')],
    ['a lone surrogate', '\ud800'],
    ['an array that begins like a tagged one', ['~d', 0]],
    ['one that begins like an escaped one', ['~', ['~', new Date(0)]]],
    ['an object that looks like an envelope', { '~': ['~d', 0] }],
  ])('%s', (_what, value) => {
    const whole = put(value);
    expect(overTheWire(whole)).toStrictEqual(whole);
  });

  it('-0, except as a key, where the language has 0', () => {
    const whole = put(-0);
    expect(overTheWire(whole)).toStrictEqual(whole);
  });
});

describe('bytes', () => {
  const { buffer } = new Uint8Array(48).map((_, index) => index * 7);

  it.each([
    ...[Uint8Array, Uint8ClampedArray, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array],
    ...[Float32Array, Float64Array, BigUint64Array, BigInt64Array],
  ])('arrive as the typed array that they were: %o', (TypedArray) => {
    const value = new TypedArray(buffer, 8, 3);
    const arrived = overTheWire(value);
    expect(Object.getPrototypeOf(arrived)).toBe(TypedArray.prototype);
    expect(new Uint8Array(arrived.buffer)).toEqual(new Uint8Array(buffer, 8, value.byteLength));
    expect(overTheWire(new TypedArray())).toStrictEqual(new TypedArray());
  });

  it('arrive as the ArrayBuffer or DataView that they were, and of that no more than it shows', () => {
    expect(overTheWire(buffer)).toStrictEqual(buffer);
    const { buffer: seen } = overTheWire(new DataView(buffer, 3, 2));
    expect(new Uint8Array(seen)).toEqual(new Uint8Array([21, 28]));
    expect(overTheWire(new DataView(buffer))).toBeInstanceOf(DataView);
  });

  it('of a Buffer arrive as Uint8Array', () => {
    const arrived = overTheWire<Uint8Array>(Buffer.from('bytes'));
    expect(Object.getPrototypeOf(arrived)).toBe(Uint8Array.prototype);
    expect(arrived).toEqual(new Uint8Array(Buffer.from('bytes')));
    expect(arrived.buffer.byteLength).toBe(5);
  });

  it('are the same text where there is no Buffer', () => {
    for (const length of [0, 1, 2, 3, 8_191, 8_192, 8_193, 20_000]) {
      const value = new Uint8Array(length).map((_, index) => index * 31);
      const text = textOf(value);
      vi.stubGlobal('Buffer', undefined);
      expect(textOf(value)).toBe(text);
      expect(overTheWire(value)).toStrictEqual(value);
      vi.unstubAllGlobals();
    }
  });
});

describe('an error', () => {
  it.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])(
    'of the language arrives as its class: %o',
    (Class) => {
      const arrived = overTheWire(new Class('no'));
      expect(Object.getPrototypeOf(arrived)).toBe(Class.prototype);
      expect([arrived.name, arrived.message]).toEqual([Class.name, 'no']);
    },
  );

  it('keeps its enumerable fields, and its cause however deep', () => {
    const cause = Object.assign(new TypeError('inner', { cause: 1n }), {
      code: 'E',
      at: new Date(0),
    });
    const arrived = overTheWire(new Error('outer', { cause }));
    expect(arrived.cause).toBeInstanceOf(TypeError);
    expect(arrived.cause).toMatchObject({
      message: 'inner',
      cause: 1n,
      code: 'E',
      at: new Date(0),
    });
    expect(Object.keys(arrived)).toEqual([]);
    expect(Object.keys(arrived.cause as object)).toEqual(['code', 'at']);
  });

  it('of another class arrives as an Error that has its name', () => {
    class SoldOut extends RangeError {
      override name = 'SoldOut';
      left = 3;
    }
    const arrived = overTheWire<Error>(new SoldOut('none left'));
    expect(Object.getPrototypeOf(arrived)).toBe(Error.prototype);
    expect(arrived).toMatchObject({ name: 'SoldOut', message: 'none left', left: 3 });
    const aborted = overTheWire<Error>(new DOMException('too late', 'AbortError'));
    expect([aborted instanceof Error, String(aborted)]).toEqual([true, 'AbortError: too late']);
  });

  it('that is an AggregateError keeps its errors', () => {
    const arrived = overTheWire(new AggregateError([new TypeError('a'), 2n], 'both'));
    expect(arrived).toBeInstanceOf(AggregateError);
    expect(arrived.errors).toEqual([new TypeError('a'), 2n]);
    expect(Object.keys(arrived)).toEqual([]);
  });

  it('does not carry its stack', () => {
    const error = new Error('no');
    expect(textOf(error)).toBe('{"~":["~e","Error","no"]}');
    expect(overTheWire(error).stack).toBe('Error: no');
  });
});

describe('what is different when it arrives', () => {
  it('is a hole in an array, which is undefined', () => {
    const holes: number[] = [];
    holes[1] = 1;
    holes.length = 3;
    expect(overTheWire(holes)).toStrictEqual([undefined, 1, undefined]);
  });

  it('is what is there twice, which is two', () => {
    const shared = { at: new Date(0) };
    const arrived = overTheWire({ a: shared, b: shared });
    expect(arrived).toStrictEqual({ a: shared, b: shared });
    expect(arrived.a).not.toBe(arrived.b);
  });

  it('is what derives from a class that is carried: it has that class', () => {
    class Prices extends Map<string, number> {}
    const arrived = overTheWire(new Prices([['a', 1]]));
    expect(Object.getPrototypeOf(arrived)).toBe(Map.prototype);
    vi.useFakeTimers({ now: 5 });
    expect(overTheWire(new Date()).getTime()).toBe(5);
  });

  it('is an object without a prototype, which has one', () => {
    const bare = Object.assign(Object.create(null) as object, { at: new Date(0) });
    expect(overTheWire(bare)).toStrictEqual({ at: new Date(0) });
  });

  it('is what JSON leaves out: symbols as keys, and members that are not enumerable', () => {
    const value = { [Symbol('key')]: 1, at: new Date(0) };
    Object.defineProperty(value, 'hidden', { value: 1 });
    expect(overTheWire(value)).toStrictEqual({ at: new Date(0) });
  });

  it('is where a RegExp begins: at 0', () => {
    const regexp = /a/g;
    regexp.lastIndex = 3;
    expect(overTheWire(regexp).lastIndex).toBe(0);
  });
});

describe('on the wire', () => {
  it.each<readonly [unknown, string]>([
    [{ at: new Date(5), n: 1 }, '{"~":{"at":["~d",5],"n":1}}'],
    [[new Map([['a', 1n]]), new Set([undefined])], '{"~":[["~m","a",["~i","1"]],["~s",["~u"]]]}'],
    [new Uint8Array([1, 2, 3]), '{"~":["~b","AQID"]}'],
    [new Int16Array([-2]), '{"~":["~b","/v8=","Int16Array"]}'],
    [[-0, /a/g, new URL('a:b')], '{"~":[["~n","-0"],["~r","a","g"],["~l","a:b"]]}'],
    [['~', 1n], '{"~":["~","~",["~i","1"]]}'],
    [undefined, '{"~":["~u"]}'],
    [{ '~': 1 }, '{"~":{"~":1}}'],
    [new RangeError('no', { cause: 1n }), '{"~":["~e","RangeError","no",{"cause":["~i","1"]}]}'],
  ])('%o is %s', (value, text) => {
    expect(textOf(value)).toBe(text);
  });
});

describe('serializing and deserializing', () => {
  it('change nothing that they are given, and share what is plain', () => {
    const plain = { a: [1] };
    const value = { plain, at: new Date(0) };
    const envelope = transformer.serialize(value) as { '~': typeof value };
    expect(value).toStrictEqual({ plain: { a: [1] }, at: new Date(0) });
    expect(envelope['~'].plain).toBe(plain);
    const before = JSON.stringify(envelope);
    expect(transformer.deserialize(envelope)).toStrictEqual(value);
    expect(transformer.deserialize(envelope)).toStrictEqual(value);
    expect(JSON.stringify(envelope)).toBe(before);
  });
});
