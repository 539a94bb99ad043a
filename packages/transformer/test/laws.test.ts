import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transformer } from '../src/index.ts';
import { failureOf, overTheWire } from './support.ts';
import { tell } from './tell.ts';

const CODES = ['none', 'MALFORMED', 'UNKNOWN_TYPE', 'TOO_DEEP', 'TOO_LONG'];

/** Texts that look like what the wire has, and like what prototypes have. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('~', '~~', '~d', '~u', '~m', '~e', '__proto__', 'constructor', 'prototype'),
);

const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0));
const bytes = fc.uint8Array({ maxLength: 40 });

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constantFrom(null, undefined, /a+b/gi, new URL('https://example.com/?a=b#c')),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  bytes,
  bytes.map(({ buffer }) => buffer),
  bytes.map(({ buffer }) => new DataView(buffer)),
  fc.float64Array({ maxLength: 5 }),
  fc.int16Array({ maxLength: 5 }),
  fc.bigInt64Array({ maxLength: 5 }),
);

/** Values of every kind that is carried. -0 is none of the keys: the language makes it 0. */
const { rich } = fc.letrec<{ rich: unknown }>((tie) => {
  const inner = tie('rich');
  return {
    rich: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(inner, { maxLength: 6 }),
      fc.dictionary(text, inner, { maxKeys: 6, noNullPrototype: true }),
      fc.array(fc.tuple(inner, inner), { maxLength: 4 }).map((entries) => new Map(entries)),
      fc.array(inner, { maxLength: 6 }).map((items) => new Set(items)),
      fc
        .tuple(fc.constantFrom(Error, TypeError, RangeError), text, inner)
        .map(([Class, message, cause]) => new Class(message, { cause })),
      fc.record({ '~': inner }, { noNullPrototype: true }),
    ),
  };
});

const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => double + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(text, tie('json'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

/** Nearly what the transformer writes: right tags with parts that may be right. */
const { near } = fc.letrec<{ near: unknown }>((tie) => {
  const part = fc.oneof(
    tie('near'),
    fc.constantFrom('AAAA', 'AA==', 'Int16Array', '5', '-0', 'g', 5, null, 'Error', {}, ['~u']),
  );
  return {
    near: fc.oneof(
      { depthSize: 'small' },
      json,
      fc
        .tuple(fc.constantFrom(...'~unidrlbmsex'.split('')), fc.array(part, { maxLength: 4 }))
        .map(([tag, parts]) => [tag === '~' ? '~' : `~${tag}`, ...parts]),
      fc.dictionary(text, tie('near'), { maxKeys: 4 }),
      fc.array(tie('near'), { maxLength: 4 }),
    ),
  };
});

describe('for all values', () => {
  it('what goes in comes out, through JSON text', () => {
    fc.assert(
      fc.property(rich, (value) => {
        expect(tell(overTheWire(value))).toBe(tell(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it('what JSON carries as it is comes back as the same object, unless it looks like an envelope', () => {
    fc.assert(
      fc.property(json, (value) => {
        const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
        const looksLikeEnvelope = !Array.isArray(value) && keys.length === 1 && keys[0] === '~';
        expect(transformer.serialize(value) === value).toBe(!looksLikeEnvelope);
        expect(tell(overTheWire(value))).toBe(tell(value));
      }),
      { numRuns: 1_000 },
    );
  });

  it('any JSON is read or refused, and changes no prototype', () => {
    const before = ownKeys();
    fc.assert(
      fc.property(fc.oneof(near, json), fc.boolean(), (tree, isWrapped) => {
        const text = JSON.stringify(isWrapped ? { '~': tree } : tree);
        const [code] = failureOf(() => transformer.deserialize(JSON.parse(text)));
        expect(CODES).toContain(code);
        expect(ownKeys()).toBe(before);
      }),
      { numRuns: 2_000 },
    );
  });

  it('what was read from any JSON can be written, and read again', () => {
    fc.assert(
      fc.property(near, (tree) => {
        let value: unknown;
        try {
          value = transformer.deserialize(JSON.parse(JSON.stringify({ '~': tree })));
        } catch {
          return;
        }
        expect(tell(overTheWire(value))).toBe(tell(value));
      }),
      { numRuns: 2_000 },
    );
  });
});

function ownKeys(): string {
  return [Object, Array, Map, Set, Date, Error, RegExp, URL]
    .map(({ prototype }) => Reflect.ownKeys(prototype).map(String).join())
    .join();
}
