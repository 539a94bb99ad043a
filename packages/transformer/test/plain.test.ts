import { afterEach, describe, expect, it } from 'vitest';
import { transformer } from '../src/index.ts';
import { nested, overTheWire, textOf } from './support.ts';

describe('plain data', () => {
  it.each<readonly [unknown]>([
    [null],
    [true],
    [0],
    [-1.5],
    ['text'],
    [[]],
    [{}],
    [{ id: 1, tags: ['a', null, { deep: [false] }] }],
    [Object.assign(Object.create(null) as object, { bare: 1 })],
    [{ constructor: 1, prototype: 2, toString: 3, hasOwnProperty: 4 }],
    [JSON.parse('{"__proto__":{"a":1}}')],
    [{ '~': 1, other: 2 }],
    [{ deep: { '~': 1 } }],
    [['~d', 5]],
    [{ path: ['~', 'home'] }],
    [nested(256, 'deep')],
    [nested(256, 'deep', (inner) => ({ inner }))],
  ])('is not touched: %#', (value) => {
    expect(transformer.serialize(value)).toBe(value);
    expect(transformer.deserialize(value)).toBe(value);
    expect(overTheWire(value)).toEqual(value);
  });

  it('has an envelope only where it looks like one', () => {
    const value = { '~': [1] };
    expect(textOf(value)).toBe('{"~":{"~":[1]}}');
    expect(overTheWire(value)).toStrictEqual(value);
  });

  it('that was never serialized is read as it is', () => {
    expect(transformer.deserialize(undefined)).toBe(undefined);
    const deep = nested(100_000, 1);
    expect(transformer.deserialize(deep)).toBe(deep);
  });
});

describe('with a member that all objects inherit,', () => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'inherited');
    Reflect.deleteProperty(Object.prototype, '~');
  });

  it('plain data arrives as it was', () => {
    Object.assign(Object.prototype, { inherited: () => 1, '~': ['~d', 0] });
    for (const value of [{}, { a: 1 }, { a: new Date(0) }, []]) {
      const arrived = overTheWire(value);
      expect([Object.entries(arrived), Array.isArray(arrived)]).toEqual([
        Object.entries(value),
        Array.isArray(value),
      ]);
    }
  });
});
