import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isStreamSource,
  placeStreams,
  takeStreams,
  type StreamPath,
  type StreamSource,
  type TakenStream,
} from '../src/index.ts';
import { failureOf } from './support.ts';

function source(): StreamSource<unknown> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('touched')) }) };
}

function take(payload: unknown, depthMax?: number): { left: unknown; taken: TakenStream[] } {
  const taken: TakenStream[] = [];
  return { left: takeStreams(payload, taken, depthMax), taken };
}

/** As the other side gets it: what was left over the wire, with new streams in the places. */
function roundTrip(payload: unknown): unknown {
  const { left, taken } = take(payload);
  const arrived: unknown = JSON.parse(JSON.stringify(left));
  return placeStreams(
    arrived,
    taken.map(({ path }) => path),
    taken.map((stream) => stream.source),
  );
}

/** Objects and lists with streams in them, under any names. */
const payloadArbitrary = fc
  .letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.oneof(fc.jsonValue({ maxDepth: 0 }), fc.constant(null).map(source)),
      fc.array(tie('node'), { maxLength: 4 }),
      fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'length', '0')),
        tie('node'),
        { maxKeys: 4 },
      ),
    ),
  }))
  .node.filter((payload) => countOf(payload) <= 32);

function countOf(payload: unknown): number {
  if (isStreamSource(payload)) return 1;
  if (typeof payload !== 'object' || payload === null) return 0;
  return Object.values(payload).reduce<number>((sum, member) => sum + countOf(member), 0);
}

describe('streams in a payload', () => {
  it('are taken out, and come back where they were, under any name', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        const before = structureOf(payload);
        const { taken } = take(payload);
        expect(taken.length).toBe(countOf(payload));
        expect(structureOf(roundTrip(payload))).toEqual(before);
        expect(structureOf(payload)).toEqual(before);
      }),
    );
  });

  it('leave a payload without any as it is, and copy of another only what they were in', () => {
    const plain = { a: [1, { b: null }] };
    expect(take(plain).left).toBe(plain);
    const stream = source();
    const payload = { kept: plain, list: [0, stream], same: 1 };
    const { left, taken } = take(payload);
    expect(left).toEqual({ kept: plain, list: [0, null], same: 1 });
    expect((left as typeof payload).kept).toBe(plain);
    expect(taken).toEqual([{ path: ['list', 1], source: stream }]);
    expect(payload.list[1]).toBe(stream);
  });

  it('may be the whole of it', () => {
    const stream = source();
    expect(take(stream)).toEqual({ left: null, taken: [{ path: [], source: stream }] });
    expect(placeStreams(null, [[]], [stream])).toBe(stream);
  });

  it('may be ReadableStreams', () => {
    const web = new ReadableStream<number>();
    const like = { getReader: () => ({ read: () => undefined, releaseLock: () => {} }) };
    expect(take({ web, like }).taken.map(({ path }) => path)).toEqual([['web'], ['like']]);
    for (const none of [null, undefined, 1, 'text', {}, [], () => {}, { getReader: 1 }]) {
      expect(isStreamSource(none)).toBe(false);
    }
  });

  it('are not looked for in what is no plain object', () => {
    class Own {
      stream = source();
    }
    const payload = { own: new Own(), map: new Map([['a', source()]]), date: new Date(0) };
    expect(take(payload)).toEqual({ left: payload, taken: [] });
    const bare = Object.assign(Object.create(null) as object, { stream: source() });
    expect(take(bare).taken.map(({ path }) => path)).toEqual([['stream']]);
  });

  it('are found 32 deep, or as deep as is asked, and no deeper', () => {
    const nested = (depth: number): unknown => (depth === 0 ? source() : { in: nested(depth - 1) });
    expect(take(nested(32)).taken.map(({ path }) => path.length)).toEqual([32]);
    const deeper = nested(33);
    expect(take(deeper)).toEqual({ left: deeper, taken: [] });
    expect([take(nested(1), 1).taken.length, take(nested(2), 1).taken.length]).toEqual([1, 0]);
  });

  it('are 32 at most', () => {
    const streams = (count: number) => Array.from({ length: count }, source);
    expect(take(streams(32)).taken.length).toBe(32);
    expect(() => take(streams(33))).toThrow(RangeError);
  });

  describe('are found in the time that it takes to look at each thing once', () => {
    it('where it refers to itself, from many places', () => {
      const root: { children: unknown[] } = { children: [] };
      for (let i = 0; i < 20; i++) {
        const child: Record<string, unknown> = { parent: root, siblings: root.children };
        child['self'] = child;
        root.children.push(child);
      }
      expect(take(root)).toEqual({ left: root, taken: [] });
    });

    it('where each level refers twice to the next', () => {
      let level: unknown = { last: 1 };
      for (let i = 0; i < 31; i++) level = [level, level];
      expect(take(level).taken).toEqual([]);
    });

    it('and also where the longer of two ways to it was too long', () => {
      const held = { stream: source() };
      let long: unknown = held;
      for (let i = 0; i < 31; i++) long = { in: long };
      const payload = { long, short: held };
      expect(take(payload).taken.map(({ path }) => path)).toEqual([['short', 'stream']]);
    });
  });

  describe('have no place that is', () => {
    const frozen = Object.freeze({ a: 1 });
    it.each<{ what: string; payload: unknown; path: StreamPath }>([
      { what: 'in nothing', payload: undefined, path: ['a'] },
      { what: 'in null', payload: null, path: [0] },
      { what: 'in text', payload: 'text', path: [0] },
      { what: 'a name that is not there', payload: { a: 1 }, path: ['b'] },
      { what: 'an index that is not there', payload: [1], path: [1] },
      { what: 'behind a name that is not there', payload: { a: 1 }, path: ['b', 'c'] },
      { what: 'inherited', payload: {}, path: ['toString'] },
      { what: 'the prototype', payload: {}, path: ['__proto__'] },
      { what: 'in the prototype', payload: {}, path: ['__proto__', 'toString'] },
      { what: 'in a constructor', payload: {}, path: ['constructor', 'prototype', 'a'] },
      { what: 'the length of a list', payload: [1], path: ['length'] },
      { what: 'an index by its name', payload: [1], path: ['0'] },
      { what: 'a name by its index', payload: { 0: 1 }, path: [0] },
      { what: 'in what cannot be changed', payload: frozen, path: ['a'] },
      { what: 'in another stream', payload: source(), path: ['a'] },
    ])('$what', ({ payload, path }) => {
      expect(failureOf(() => placeStreams(payload, [path], [source()]))).toBe('FRAME_MALFORMED');
    });
  });

  it('may be placed anywhere that is, and nothing else is touched', () => {
    const key = fc.oneof(fc.constantFrom('__proto__', 'length', 'toString', 'a'), fc.nat(3));
    const paths = fc.array(fc.array(key, { maxLength: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.json(), paths, (json, where) => {
        const streams = where.map(source);
        const payload: unknown = JSON.parse(json);
        const failure = failureOf(() => placeStreams(payload, where, streams));
        expect(['none', 'FRAME_MALFORMED']).toContain(failure);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});

/** A payload with a word for each stream, so that two can be compared; names as they are. */
function structureOf(payload: unknown): unknown {
  if (isStreamSource(payload)) return 'a stream';
  if (Array.isArray(payload)) return payload.map(structureOf);
  if (typeof payload !== 'object' || payload === null) return Object.is(payload, -0) ? 0 : payload;
  return Object.entries(payload).map(([name, member]) => [name, structureOf(member)]);
}
