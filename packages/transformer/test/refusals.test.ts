import { describe, expect, it } from 'vitest';
import {
  BIGINT_DIGITS_MAX,
  DEPTH_MAX,
  isTransformerError,
  REGEXP_UNITS_MAX,
  transformer,
  URL_UNITS_MAX,
} from '../src/index.ts';
import { failureOf, nested, overTheWire, read, textOf } from './support.ts';

class Money {
  cents = 1;
}
class Decimal {
  toJSON(): string {
    return '1.5';
  }
}

function refusalOf(value: unknown) {
  return failureOf(() => transformer.serialize(value));
}

describe('what cannot be carried is refused with its place', () => {
  it.each<readonly [unknown, string]>([
    [{ a: [0, { run: () => 1 }] }, '.a[1].run: a function cannot be carried'],
    [[Symbol('s')], '[0]: a symbol cannot be carried'],
    [new Money(), 'the value itself: an instance of the class Money cannot be carried'],
    [{ price: new Decimal() }, '.price: an instance of the class Decimal cannot be carried'],
    [{ toJSON: () => 1 }, '.toJSON: a function cannot be carried'],
    [[Promise.resolve()], '[0]: an instance of the class Promise cannot be carried'],
    [[new WeakMap()], '[0]: an instance of the class WeakMap cannot be carried'],
    [[Object(1)], '[0]: an instance of the class Number cannot be carried'],
    [
      [
        new (class {
          cents = 1;
        })(),
      ],
      '[0]: an object of an unnamed class cannot be carried',
    ],
    [[Object.create({ constructor: 1 })], '[0]: an object of an unnamed class cannot be carried'],
    [new Map([[Money, 1]]), '<key 0>: a function cannot be carried'],
    [
      new Map<unknown, unknown>([
        [1, 1],
        [2, Money],
      ]),
      '<value 1>: a function cannot be carried',
    ],
    [new Set([1, Money]), '<item 1>: a function cannot be carried'],
    [new Error('', { cause: Money }), '.cause: a function cannot be carried'],
    [{ 'a b': { ü: Money } }, '["a b"].ü: a function cannot be carried'],
    [{ ['k'.repeat(300)]: Money }, `.${'k'.repeat(199)}…: a function cannot be carried`],
  ])('%#', (value, message) => {
    expect(refusalOf(value)).toEqual(['UNSUPPORTED', message]);
  });

  it('even where the part before it was rich', () => {
    expect(refusalOf({ at: [new Date(0)], run: Money })).toEqual([
      'UNSUPPORTED',
      '.run: a function cannot be carried',
    ]);
  });

  it('bytes that two threads share', () => {
    const [code] = refusalOf(new SharedArrayBuffer(1));
    expect(code).toBe('UNSUPPORTED');
  });
});

describe('what contains itself is refused with its place', () => {
  it('as an object, array, Map, Set or error', () => {
    const object: Record<string, unknown> = { a: {} };
    Object.assign(object['a'] as object, { back: object });
    const array: unknown[] = [1];
    array.push(array);
    const map = new Map<unknown, unknown>();
    map.set('me', map);
    const set = new Set<unknown>();
    set.add([set]);
    const error = new Error('me');
    error.cause = { error };
    expect([object, array, map, set, error].map(refusalOf)).toEqual([
      ['CYCLIC', '.a.back: it contains itself'],
      ['CYCLIC', '[1]: it contains itself'],
      ['CYCLIC', '<value 0>: it contains itself'],
      ['CYCLIC', '<item 0>[0]: it contains itself'],
      ['CYCLIC', '.cause.error: it contains itself'],
    ]);
  });

  it('however often it does', () => {
    const node: Record<string, unknown> = {};
    for (let i = 0; i < 20; i++) node[`to${i}`] = node;
    expect(refusalOf(node)[0]).toBe('CYCLIC');
  });
});

describe('a limit', () => {
  const wraps: readonly (readonly [string, (inner: unknown) => unknown])[] = [
    ['objects', (inner) => ({ inner })],
    ['arrays', (inner) => [inner]],
    ['escaped arrays', (inner) => ['~', inner]],
    ['Maps', (inner) => new Map([['inner', inner]])],
    ['Sets', (inner) => new Set([inner])],
    ['errors', (cause) => new Error('outer', { cause })],
  ];

  it.each(wraps)('on depth is the same both ways: %s', (_what, wrap) => {
    const fits = nested(DEPTH_MAX, 1n, wrap);
    expect(textOf(overTheWire(fits))).toBe(textOf(fits));
    expect(refusalOf(nested(DEPTH_MAX + 1, 1n, wrap))[0]).toBe('TOO_DEEP');
    expect(refusalOf(nested(100_000, 1, wrap))[0]).toBe('TOO_DEEP');
    const text = JSON.stringify({ '~': wrapped(wrap, DEPTH_MAX + 1) });
    expect(failureOf(() => read(text))[0]).toBe('TOO_DEEP');
  });

  it('on bigints is in digits', () => {
    const digits = '9'.repeat(BIGINT_DIGITS_MAX);
    for (const fits of [BigInt(digits), -BigInt(digits)]) expect(overTheWire(fits)).toBe(fits);
    expect(refusalOf(BigInt(`${digits}9`))[0]).toBe('TOO_LONG');
    for (const text of [`${digits}9`, `-${digits}9`, '9'.repeat(1_000_000)]) {
      expect(failureOf(() => read(`{"~":["~i","${text}"]}`))[0]).toBe('TOO_LONG');
    }
  });

  it('on URLs is in units', () => {
    const href = `a:${'b'.repeat(URL_UNITS_MAX - 2)}`;
    expect(overTheWire(new URL(href)).href).toBe(href);
    expect(refusalOf(new URL(`${href}c`))[0]).toBe('TOO_LONG');
    expect(failureOf(() => read(`{"~":["~l","${href}c"]}`))[0]).toBe('TOO_LONG');
  });

  it('on regular expressions is for all of a value', () => {
    const half = new RegExp('a'.repeat(REGEXP_UNITS_MAX / 2));
    expect(overTheWire([half, half])).toStrictEqual([half, half]);
    expect(refusalOf([half, half, /b/])[0]).toBe('TOO_LONG');
    const text = `{"~":[["~r","${half.source}",""],["~r","${half.source}b",""]]}`;
    expect(failureOf(() => read(text))[0]).toBe('TOO_LONG');
  });
});

describe('an error of the transformer', () => {
  it('is known by its name and code, also from another copy of the package', () => {
    const foreign = Object.assign(new Error('no'), { name: 'TransformerError', code: 'CYCLIC' });
    const unknown = Object.assign(new Error('no'), { name: 'TransformerError', code: 'toString' });
    let own: unknown;
    try {
      transformer.serialize(Money);
    } catch (error) {
      own = error;
    }
    const caught = [
      own,
      foreign,
      unknown,
      new Error('no'),
      { name: 'TransformerError' },
      undefined,
    ];
    expect(caught.map(isTransformerError)).toEqual([true, true, false, false, false, false]);
  });
});

/** What the wire would hold of so many levels, if they were not too many. */
function wrapped(wrap: (inner: unknown) => unknown, levels: number): unknown {
  const one = (transformer.serialize(wrap(undefined)) as { '~': unknown })['~'];
  const [before = '', after = ''] = JSON.stringify(one).split('["~u"]');
  return JSON.parse(`${before.repeat(levels)}["~u"]${after.repeat(levels)}`);
}
