import { EventEmitter, on } from 'node:events';
import { tracked, TRPCError } from '@trpc/server';
import { observable, type Observable } from '@trpc/server/observable';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buffer, isGap, type Overflow } from '../src/index.ts';

/** An observable that gives what a test says. */
class Subject<T> {
  #observer: Parameters<Parameters<typeof observable<T>>[0]>[0] | undefined;
  readonly observable: Observable<T, unknown> = observable<T>((observer) => {
    this.#observer = observer;
    return () => (this.#observer = undefined);
  });

  get isSubscribed(): boolean {
    return this.#observer !== undefined;
  }

  give(...items: T[]): void {
    for (const item of items) this.#observer?.next(item);
  }

  complete(): void {
    this.#observer?.complete();
  }

  fail(cause: unknown): void {
    this.#observer?.error(cause);
  }
}

/** An iterator whose members a test replaces. */
function sourceOf<T>(members: Partial<AsyncIterator<T>>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), ...members }) };
}

/** A generator that counts from 1, and what is known of it. */
function counter(last = Infinity) {
  const known = { given: 0, isOver: false };
  async function* count(): AsyncGenerator<number, void, undefined> {
    try {
      while (known.given < last) yield ++known.given;
    } finally {
      known.isOver = true;
    }
  }
  return { known, source: count() };
}

/** Lets everything happen that is due already. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function listOf<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of iterable) list.push(item);
  return list;
}

/** What comes up to the error, and the error. */
async function failureOf<T>(iterable: AsyncIterable<T>): Promise<{ list: T[]; error: unknown }> {
  const list: T[] = [];
  try {
    for await (const item of iterable) list.push(item);
  } catch (error) {
    return { list, error };
  }
  return expect.fail(`It did not fail, but gave ${JSON.stringify(list)}`);
}

function iteratorOf<T>(iterable: AsyncIterable<T, void, undefined>) {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    return: () => iterator.return?.() ?? expect.fail('It has no end.'),
  };
}

const slow = { gap: 'slow' } as const;
const tooSlow = expect.objectContaining({
  name: 'TRPCError',
  code: 'TOO_MANY_REQUESTS',
  message: expect.stringContaining('too slow'),
});

describe('a buffer', () => {
  describe('of three items whose consumer lags', () => {
    it.each([
      { overflow: 'latest', expected: [4, 5, 6] },
      { overflow: 'gap', expected: [1, 2, 3, { ...slow, after: '3', resumedAt: '7', missed: 3 }] },
      { overflow: { latestBy: (n: number) => n % 2 }, expected: [5, 6] },
    ] as { readonly overflow: Overflow<number>; readonly expected: unknown[] }[])(
      'gives $expected of six where overflow is $overflow',
      async ({ overflow, expected }) => {
        const subject = new Subject<number>();
        const it = buffer(subject.observable, { items: 3, overflow: overflow as 'gap' });
        subject.give(1, 2, 3, 4, 5, 6);
        subject.complete();
        expect(await listOf(it)).toEqual(expected);
      },
    );

    it.each(['wait', 'latest', 'end', 'gap', { latestBy: (n: number) => n }] as const)(
      'gives all of three, with overflow %o',
      async (overflow) => {
        const { source } = counter(3);
        const it = buffer(source, { items: 3, overflow });
        await turn();
        expect(await listOf(it)).toEqual([1, 2, 3]);
      },
    );

    it('waits, where it is to wait, and goes on for each item that is taken', async () => {
      const { source, known } = counter();
      const it = iteratorOf(buffer(source, { items: 3, overflow: 'wait' }));
      await turn();
      expect(known.given).toBe(3);
      expect(await it.next()).toEqual({ done: false, value: 1 });
      await turn();
      expect(known.given).toBe(4);
      await it.return();
      expect(known.isOver).toBe(true);
    });

    it('ends with an error behind what it holds, where that is its overflow', async () => {
      const subject = new Subject<number>();
      const it = buffer(subject.observable, { items: 3, overflow: 'end' });
      subject.give(1, 2, 3);
      expect(subject.isSubscribed).toBe(true);
      subject.give(4, 5);
      expect(subject.isSubscribed).toBe(false);
      const { list, error } = await failureOf(it);
      expect(list).toEqual([1, 2, 3]);
      expect(error).toBeInstanceOf(TRPCError);
      expect(error).toEqual(tooSlow);
    });

    it('ends a generator with such an error, as a break does', async () => {
      const { source, known } = counter();
      const it = buffer(source, { items: 3, overflow: 'end' });
      await turn();
      expect(known).toEqual({ given: 4, isOver: true });
      expect(await failureOf(it)).toEqual({ list: [1, 2, 3], error: tooSlow });
    });

    it('says where items are missing, each time that there are some', async () => {
      const subject = new Subject<number>();
      const { next } = iteratorOf(buffer(subject.observable, { items: 2, overflow: 'gap' }));
      const values = async (count: number): Promise<unknown[]> => {
        const list: unknown[] = [];
        while (list.length < count) list.push((await next()).value);
        return list;
      };
      subject.give(1, 2, 3);
      expect(await values(1)).toEqual([1]);
      subject.give(4, 5, 6);
      expect(await values(3)).toEqual([2, { ...slow, after: '2', resumedAt: '4', missed: 1 }, 4]);
      // Nothing is held any more: whatever comes next will be taken.
      expect(await values(1)).toEqual([{ ...slow, after: '4', resumedAt: '7', missed: 2 }]);
      const last = next();
      subject.give(7);
      expect(await last).toEqual({ done: false, value: 7 });
    });

    it('tells a gap before the end and before an error', async () => {
      const gap = { ...slow, after: '1', resumedAt: '3', missed: 1 };
      const ends = new Subject<number>();
      const ended = buffer(ends.observable, { items: 1, overflow: 'gap' });
      ends.give(1, 2);
      ends.complete();
      expect(await listOf(ended)).toEqual([1, gap]);
      const fails = new Subject<number>();
      const failed = buffer(fails.observable, { items: 1, overflow: 'gap' });
      fails.give(1, 2);
      fails.fail('broken');
      expect(await failureOf(failed)).toEqual({ list: [1, gap], error: 'broken' });
    });

    it('does with any story of items and reads what its overflow says', async () => {
      const story = fc.array(fc.constantFrom('give', 'give', 'take'), { maxLength: 60 });
      const kinds = fc.constantFrom('latest', 'gap', 'end', 'latestBy');
      await fc.assert(
        fc.asyncProperty(
          story,
          kinds,
          fc.integer({ min: 1, max: 4 }),
          async (steps, kind, items) => {
            const latestBy = (n: number): number => n % 3;
            const overflow: Overflow<number> = kind === 'latestBy' ? { latestBy } : kind;
            const subject = new Subject<number>();
            const iterator = iteratorOf(buffer(subject.observable, { items, overflow }));
            const model = new Model(items, kind);
            const got: unknown[] = [];
            let given = 0;
            for (const step of steps) {
              if (step === 'give') {
                subject.give(++given);
                model.give(given);
              } else if (model.hasNext) {
                got.push((await iterator.next()).value);
                model.take();
              }
            }
            subject.complete();
            while (model.hasNext) model.take();
            for (;;) {
              const result = await iterator.next().catch(() => ({ done: true }) as const);
              if (result.done === true) break;
              got.push(result.value);
            }
            expect(got).toEqual(model.taken);
          },
        ),
      );
    });
  });

  describe('with latestBy', () => {
    it('gives the newest of each key, in the order in which the keys were first due', async () => {
      const subject = new Subject<readonly [string, number]>();
      const it = iteratorOf(
        buffer(subject.observable, { items: 3, overflow: { latestBy: ([key]) => key } }),
      );
      subject.give(['__proto__', 1], ['b', 2], ['constructor', 3], ['__proto__', 4], ['b', 5]);
      expect((await it.next()).value).toEqual(['__proto__', 4]);
      subject.give(['__proto__', 6], ['constructor', 7]);
      expect((await it.next()).value).toEqual(['b', 5]);
      expect((await it.next()).value).toEqual(['constructor', 7]);
      expect((await it.next()).value).toEqual(['__proto__', 6]);
    });

    it('ends as too slow with one key too many, and not with one item', async () => {
      const subject = new Subject<number>();
      const it = buffer(subject.observable, { items: 2, overflow: { latestBy: (n) => n % 10 } });
      subject.give(1, 2, 11, 12, 21, 3);
      expect(subject.isSubscribed).toBe(false);
      expect(await failureOf(it)).toEqual({ list: [21, 12], error: tooSlow });
    });

    it('ends with what it throws, whether anybody waits or not', async () => {
      for (const waits of [true, false]) {
        const subject = new Subject<number>();
        const latestBy = (n: number): number => {
          if (n === 2) throw new RangeError('no key');
          return n;
        };
        const it = iteratorOf(buffer(subject.observable, { items: 5, overflow: { latestBy } }));
        subject.give(1);
        expect((await it.next()).value).toBe(1);
        const next = waits ? it.next() : undefined;
        subject.give(2, 3);
        expect(subject.isSubscribed).toBe(false);
        await expect(next ?? it.next()).rejects.toThrow(new RangeError('no key'));
        expect(await it.next()).toEqual({ done: true, value: undefined });
      }
    });

    it('is given the data of tracked items, which stay tracked', async () => {
      const subject = new Subject<ReturnType<typeof tracked<{ key: string; n: number }>>>();
      const it = buffer(subject.observable, {
        items: 2,
        overflow: { latestBy: ({ key }) => key },
      });
      const last = tracked('3', { key: 'a', n: 3 });
      subject.give(tracked('1', { key: 'a', n: 1 }), tracked('2', { key: 'b', n: 2 }), last);
      subject.complete();
      const list = await listOf(it);
      expect(list).toEqual([tracked('3', { key: 'a', n: 3 }), tracked('2', { key: 'b', n: 2 })]);
      expect(list[0]).toBe(last);
    });
  });

  describe('of a source that', () => {
    it('ends, gives its end once and then as often as it is asked', async () => {
      const subject = new Subject<undefined>();
      const it = iteratorOf(buffer(subject.observable, { items: 2, overflow: 'latest' }));
      subject.give(undefined);
      subject.complete();
      expect(await it.next()).toEqual({ done: false, value: undefined });
      expect(await it.next()).toEqual({ done: true, value: undefined });
      expect(await it.next()).toEqual({ done: true, value: undefined });
      expect(await it.return()).toEqual({ done: true, value: undefined });
    });

    it('rejects, gives its error behind what is held', async () => {
      async function* source(): AsyncGenerator<number, void, undefined> {
        yield 1;
        throw new Error('broken');
      }
      const it = buffer(source(), { items: 2, overflow: 'latest' });
      await turn();
      expect(await failureOf(it)).toEqual({ list: [1], error: new Error('broken') });
    });

    const broken = (): never => {
      throw new Error('broken');
    };
    it.each([
      { what: 'throws when it is iterated', source: { [Symbol.asyncIterator]: broken } },
      { what: 'throws when it is read', source: sourceOf({ next: broken }) },
      { what: 'throws when it is subscribed to', source: observable<number>(broken) },
      {
        what: 'gives a result that throws',
        source: sourceOf({
          next: async () =>
            ({
              get done(): boolean {
                return broken();
              },
            }) as never,
        }),
      },
    ])('$what, gives that error', async ({ source }) => {
      const it = buffer(source as AsyncIterable<number>, { items: 1, overflow: 'end' });
      await turn();
      expect(await failureOf(it)).toEqual({ list: [], error: new Error('broken') });
    });

    it.each([
      { what: 'nothing', next: async () => undefined },
      { what: 'no promise', next: () => ({ done: true }) },
    ])('gives $what for a result, ends with an error', async ({ next }) => {
      const source = sourceOf<number>({ next: next as never });
      const { error } = await failureOf(buffer(source, { items: 1, overflow: 'end' }));
      expect(error).toBeInstanceOf(TypeError);
    });

    it('throws when it is ended, rejects who ends it', async () => {
      const gone = new Error('gone');
      const sources = [
        sourceOf({ return: () => Promise.reject(gone) }),
        sourceOf({
          return: () => {
            throw gone;
          },
        }),
        observable<number>(() => () => {
          throw gone;
        }),
      ];
      for (const source of sources) {
        const it = iteratorOf(
          buffer(source as AsyncIterable<number>, { items: 1, overflow: 'end' }),
        );
        const waiting = it.next();
        await expect(it.return()).rejects.toBe(gone);
        expect(await waiting).toEqual({ done: true, value: undefined });
        expect(await it.next()).toEqual({ done: true, value: undefined });
      }
    });

    it.each([
      { what: 'throws', end: () => Promise.reject(new Error('gone')) },
      { what: 'never settles', end: () => new Promise<never>(() => {}) },
    ])('$what when it is ended, is ended as too slow all the same', async ({ end }) => {
      let given = 0;
      const source = sourceOf({
        next: async () => ({ done: false, value: ++given }),
        return: end,
      });
      const it = buffer(source, { items: 2, overflow: 'end' });
      await turn();
      expect(await failureOf(it)).toEqual({ list: [1, 2], error: tooSlow });
    });

    it('never settles when it is ended, holds nothing and tells who waits', async () => {
      const it = iteratorOf(
        buffer(sourceOf<number>({ return: () => new Promise(() => {}) }), {
          items: 2,
          overflow: 'latest',
        }),
      );
      const waiting = it.next();
      void it.return();
      expect(await waiting).toEqual({ done: true, value: undefined });
      expect(await it.next()).toEqual({ done: true, value: undefined });
    });

    it('always has another item, lets others have their turn', async () => {
      const { source, known } = counter();
      const it = iteratorOf(buffer(source, { items: 2, overflow: 'latest' }));
      await turn();
      const before = known.given;
      await turn();
      expect(known.given).toBeGreaterThan(before);
      await it.return();
      expect(known.isOver).toBe(true);
      const { given } = known;
      await turn();
      expect(known.given).toBe(given);
    });

    it('gives more than is held while it is subscribed to, is unsubscribed', async () => {
      let isOver = false;
      const source = observable<number>((observer) => {
        for (let n = 1; n <= 5; n++) observer.next(n);
        return () => (isOver = true);
      });
      const it = buffer(source, { items: 2, overflow: 'end' });
      expect(isOver).toBe(true);
      expect(await failureOf(it)).toEqual({ list: [1, 2], error: tooSlow });
    });
  });

  describe('whose consumer', () => {
    it('asks for several items at once, gives them in order, and the end or error once', async () => {
      for (const error of [undefined, new Error('broken')]) {
        const subject = new Subject<number>();
        const it = iteratorOf(buffer(subject.observable, { items: 1, overflow: 'end' }));
        const asked = Promise.allSettled([it.next(), it.next(), it.next(), it.next()]);
        subject.give(1, 2);
        if (error === undefined) subject.complete();
        else subject.fail(error);
        const end = { status: 'fulfilled', value: { done: true, value: undefined } };
        expect(await asked).toEqual([
          { status: 'fulfilled', value: { done: false, value: 1 } },
          { status: 'fulfilled', value: { done: false, value: 2 } },
          error === undefined ? end : { status: 'rejected', reason: error },
          end,
        ]);
      }
    });

    it('leaves, ends its source', async () => {
      const emitter = new EventEmitter();
      for await (const _ of oneOf(buffer(on(emitter, 'it'), { items: 2, overflow: 'gap' }))) break;
      expect(emitter.listenerCount('it')).toBe(0);
      const subject = new Subject<number>();
      const it = buffer(subject.observable, { items: 2, overflow: 'gap' });
      subject.give(1, 2);
      for await (const item of it) {
        expect(item).toBe(1);
        break;
      }
      expect(subject.isSubscribed).toBe(false);

      async function* oneOf<T>(it: AsyncIterable<T, void, undefined>): AsyncGenerator<T> {
        setImmediate(() => emitter.emit('it', 1));
        yield* it;
      }
    });

    it('is another buffer, ends what that one reads', async () => {
      const { source, known } = counter();
      const inner = buffer(source, { items: 2, overflow: 'wait' });
      const it = buffer(inner, { items: 3, overflow: 'wait' });
      await turn();
      expect(known.given).toBe(5);
      for await (const item of it) if (item === 10) break;
      expect(known.isOver).toBe(true);
    });

    it('is the second one, is refused', () => {
      const it = buffer(new Subject<number>().observable, { items: 1, overflow: 'end' });
      it[Symbol.asyncIterator]();
      expect(() => it[Symbol.asyncIterator]()).toThrow(TypeError);
    });
  });

  describe('with a signal', () => {
    it('that aborts, ends its source, drops what it holds, and tells who waits', async () => {
      const { signal, ...controller } = abortable();
      const subject = new Subject<number>();
      const it = iteratorOf(buffer(subject.observable, { items: 2, overflow: 'latest', signal }));
      const waiting = it.next();
      controller.abort();
      expect(subject.isSubscribed).toBe(false);
      expect(await waiting).toEqual({ done: true, value: undefined });
      expect(await it.next()).toEqual({ done: true, value: undefined });

      const other = abortable();
      const held = new Subject<number>();
      const dropped = buffer(held.observable, {
        items: 2,
        overflow: 'latest',
        signal: other.signal,
      });
      held.give(1, 2);
      other.abort();
      expect(await listOf(dropped)).toEqual([]);
    });

    it('that has aborted, ends a source that was never read', async () => {
      const emitter = new EventEmitter();
      const subject = new Subject<number>();
      const signal = AbortSignal.abort();
      const events = buffer(on(emitter, 'it'), { items: 1, overflow: 'end', signal });
      const values = buffer(subject.observable, { items: 1, overflow: 'end', signal });
      await turn();
      expect(emitter.listenerCount('it')).toBe(0);
      expect(subject.isSubscribed).toBe(false);
      expect([await listOf(events), await listOf(values)]).toEqual([[], []]);
    });
  });

  describe('begins to read when it is made', () => {
    it('so that nothing falls between that and its first reader', async () => {
      const emitter = new EventEmitter();
      const it = buffer(on(emitter, 'it'), { items: 2, overflow: 'end' });
      emitter.emit('it', 1);
      await turn();
      emitter.emit('it', 2);
      const next = it[Symbol.asyncIterator]();
      expect([(await next.next()).value, (await next.next()).value]).toEqual([[1], [2]]);
      await next.return?.();
    });
  });

  describe('is refused', () => {
    const source = counter().source;

    it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '1'])('for %j items', (items) => {
      expect(() => buffer(source, { items: items as number, overflow: 'end' })).toThrow(RangeError);
    });

    it.each([undefined, null, 'toString', 1, {}, { latestBy: 'id' }])(
      'with the overflow %j',
      (overflow) => {
        expect(() => buffer(source, { items: 1, overflow: overflow as 'end' })).toThrow(TypeError);
      },
    );

    it.each([undefined, null, 'text', [1], () => source])('of the source %j', (source) => {
      const given = source as unknown as AsyncIterable<number>;
      expect(() => buffer(given, { items: 1, overflow: 'end' })).toThrow(TypeError);
    });

    it('where an observable is to wait', () => {
      const subject = new Subject<number>();
      const given = subject.observable as unknown as AsyncIterable<number>;
      expect(() => buffer(given, { items: 1, overflow: 'wait' })).toThrow(/observable/);
      expect(subject.isSubscribed).toBe(false);
    });
  });
});

describe('isGap', () => {
  it('knows a gap, also of a cause that it does not know', () => {
    expect(isGap({ gap: 'slow', after: null, resumedAt: '1', missed: null })).toBe(true);
    expect(isGap({ gap: 'later', after: '1', resumedAt: '9', missed: 7 })).toBe(true);
  });

  it.each([undefined, null, 'gap', 1, [], {}, { gap: 'slow' }, { gap: 1, resumedAt: 2 }])(
    'knows %j for none',
    (item) => expect(isGap(item)).toBe(false),
  );
});

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** What each overflow means, written down the long way. */
class Model {
  readonly taken: unknown[] = [];
  #held: number[] = [];
  #given = 0;
  /** The last that was taken or told missing. */
  #told = 0;
  #isOver = false;
  readonly #items: number;
  readonly #kind: 'latest' | 'gap' | 'end' | 'latestBy';

  constructor(items: number, kind: 'latest' | 'gap' | 'end' | 'latestBy') {
    this.#items = items;
    this.#kind = kind;
  }

  give(item: number): void {
    if (this.#isOver) return;
    this.#given = item;
    const same = this.#kind === 'latestBy' ? this.#held.findIndex((it) => it % 3 === item % 3) : -1;
    if (same !== -1) this.#held[same] = item;
    else if (this.#held.length < this.#items) this.#held.push(item);
    else if (this.#kind === 'latest') this.#held = [...this.#held.slice(1), item];
    else if (this.#kind !== 'gap') this.#isOver = true;
  }

  get hasNext(): boolean {
    return this.#held.length > 0 || (this.#kind === 'gap' && this.#told < this.#given);
  }

  take(): void {
    const [item = this.#given + 1] = this.#held;
    if (this.#kind === 'gap' && item > this.#told + 1) {
      const missed = item - this.#told - 1;
      this.taken.push({ ...slow, after: `${this.#told}`, resumedAt: `${item}`, missed });
      this.#told = item - 1;
      return;
    }
    this.#told = item;
    this.taken.push(item);
    this.#held.shift();
  }
}
