import { describe, expect, it } from 'vitest';
import { transformer } from '../src/index.ts';
import { failureOf, overTheWire, read, textOf } from './support.ts';

const LONG = 200_000;

describe('hostile input', () => {
  it.each<readonly [string, readonly unknown[]]>([
    ['number', ['~n']],
    ['number', ['~n', 'NaN', 1]],
    ['number', ['~n', 'toString']],
    ['number', ['~n', 1]],
    ['bigint', ['~i', 5]],
    ['bigint', ['~i', '']],
    ['bigint', ['~i', '1e3']],
    ['bigint', ['~i', '0x1']],
    ['bigint', ['~i', ' 1']],
    ['bigint', ['~i', '1\n']],
    ['date', ['~d']],
    ['date', ['~d', '2020-01-01']],
    ['date', ['~d', 8.64e15 + 1]],
    ['date', ['~d', 1.5]],
    ['date', ['~d', [5]]],
    ['regexp', ['~r', 'a']],
    ['regexp', ['~r', '(', '']],
    ['regexp', ['~r', 'a', 'gg']],
    ['regexp', ['~r', 'a', 'toString']],
    ['regexp', ['~r', ['a'], '']],
    ['regexp', ['~r', '('.repeat(4_000), '']],
    ['URL', ['~l']],
    ['URL', ['~l', 'not a URL']],
    ['URL', ['~l', { href: 'a:b' }]],
    ['bytes', ['~b']],
    ['bytes', ['~b', 5]],
    ['bytes', ['~b', 'AAA']],
    ['bytes', ['~b', 'AA A']],
    ['bytes', ['~b', 'AA-_']],
    ['bytes', ['~b', '====']],
    ['bytes', ['~b', 'A===']],
    ['bytes', ['~b', 'AA=A']],
    ['bytes', ['~b', 'AAAA\n\n\n\n']],
    ['bytes', ['~b', `${'A'.repeat(LONG)}!AAA`]],
    ['bytes', ['~b', 'AAAA', 'Int16Array']],
    ['bytes', ['~b', 'AAAA', 'BigInt64Array']],
    ['bytes', ['~b', 'AAAA', 'DataView', 1]],
    ['Map', ['~m', 1]],
    ['Map', ['~m', 1, 2, 1, 3]],
    ['Map', ['~m', ['~n', '-0'], 2, 0, 3]],
    ['Set', ['~s', 1, 1]],
    ['Set', ['~s', ['~n', 'NaN'], ['~n', 'NaN']]],
    ['error', ['~e', 'Error']],
    ['error', ['~e', 'Error', 1]],
    ['error', ['~e', null, '']],
    ['error', ['~e', 'Error', '', []]],
    ['error', ['~e', 'Error', '', null]],
    ['error', ['~e', 'Error', '', { stack: 'a' }]],
    ['error', ['~e', 'Error', '', { name: 'a' }]],
    ['error', ['~e', 'Error', '', { message: 'a' }]],
    ['error', ['~e', 'AggregateError', '', { errors: 5 }]],
    ['error', ['~e', 'Error', '', {}, 1]],
    ['undefined', ['~u', 1]],
  ])('is malformed, at the top or below: %s %j', (_type, tagged) => {
    for (const tree of [tagged, { a: [tagged] }, ['~m', 1, ['~s', tagged]]]) {
      const [code, message] = failureOf(() => transformer.deserialize({ '~': tree }));
      expect(code).toBe('MALFORMED');
      // It never says what it was given.
      expect(message).toMatch(/^malformed [A-Za-z ]+\d*$/);
    }
  });

  it.each([
    [['~x']],
    [['~toString']],
    [['~__proto__', 1]],
    [['~D', 5]],
    [['~b', 'AAAA', 'toString']],
    [['~b', 'AAAA', '__proto__']],
    [['~b', 'AAAA', 'Buffer']],
    [['~b', 'AAAA', 5]],
  ])('is of an unknown type: %j', (tagged) => {
    expect(failureOf(() => transformer.deserialize({ '~': tagged }))[0]).toBe('UNKNOWN_TYPE');
  });

  it.each([
    ['arrays', '[', ']'],
    ['escaped arrays', '["~",', ']'],
    ['objects', '{"a":', '}'],
    ['Maps', '["~m",1,', ']'],
    ['Sets', '["~s",', ']'],
    ['causes', '["~e","Error","",{"cause":', '}]'],
  ])('that is too deep is an error and no overflow: %s', (_what, open, close) => {
    const text = `{"~":${open.repeat(LONG)}1${close.repeat(LONG)}}`;
    expect(failureOf(() => read(text))[0]).toBe('TOO_DEEP');
  });

  it('of a great many small parts is read, in time that grows as it does', () => {
    const parts = (part: string): string => `{"~":[${Array(LONG).fill(part).join(',')}]}`;
    for (const part of ['["~m"]', '["~s"]', '["~u"]', '["~d",1]', '["~b",""]', '["~",1]']) {
      expect(read(parts(part))).toHaveLength(LONG);
    }
    expect(read(parts('["~e","",""]'))).toHaveLength(LONG);
    const keys = Array.from({ length: LONG }, (_, index) => `${index},["~u"]`);
    expect(read(`{"~":["~m",${keys.join(',')}]}`)).toHaveProperty('size', LONG);
  });

  it('makes a regular expression that would run for ever, and does not run it', () => {
    expect(read('{"~":["~r","(a+)+$",""]}')).toEqual(/(a+)+$/);
  });
});

describe('names that prototypes have', () => {
  const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];

  it.each(NAMES)('are names like any other: %s', (name) => {
    const value = JSON.parse(`{"${name}":{"polluted":true},"at":0}`) as Record<string, unknown>;
    value['at'] = new Date(0);
    Object.defineProperty(value, name, { value: [1n], enumerable: true });
    const arrived = overTheWire(value);
    expect(Object.getPrototypeOf(arrived)).toBe(Object.prototype);
    expect(Object.entries(arrived)).toEqual([
      [name, [1n]],
      ['at', new Date(0)],
    ]);
    expect(overTheWire(new Map([[name, 1]])).get(name)).toBe(1);
    expect(overTheWire([name, 1n])).toEqual([name, 1n]);
  });

  it.each(NAMES)('are fields of an error like any other: %s', (name) => {
    const error = Object.defineProperty(new Error('no'), name, { value: 1n, enumerable: true });
    const arrived = overTheWire(error);
    expect(Object.getPrototypeOf(arrived)).toBe(Error.prototype);
    expect(Object.entries(arrived)).toEqual([[name, 1n]]);
    expect(textOf(arrived)).toBe(textOf(error));
  });

  it.each(NAMES)('are names of errors like any other: %s', (name) => {
    const arrived = read(`{"~":["~e","${name}","no"]}`) as Error;
    expect([arrived instanceof Error, arrived.name]).toEqual([true, name]);
  });

  it('change no prototype, wherever they come', () => {
    const hostile =
      '{"__proto__":{"polluted":["~u"]},"constructor":{"prototype":{"polluted":["~u"]}}}';
    for (const text of [
      hostile,
      `{"~":${hostile}}`,
      `{"~":["~e","Error","",${hostile}]}`,
      `{"~":["~m","__proto__",${hostile}]}`,
      `{"__proto__":{"~":["~d",0]}}`,
    ]) {
      const value = read(text) as Record<string, unknown>;
      expect([Object, Error, Map].map(({ prototype }) => 'polluted' in prototype)).toEqual([
        false,
        false,
        false,
      ]);
      expect('polluted' in value).toBe(false);
    }
  });
});
