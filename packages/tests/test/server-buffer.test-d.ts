import { EventEmitter, on } from 'node:events';
import { isGap as isGapAtClient, openLine, type Gap as GapAtClient } from '@openline/client';
import { buffer, isGap, type Gap, type Overflow } from '@openline/server';
import { initTRPC, tracked } from '@trpc/server';
import { observable, type Observable } from '@trpc/server/observable';
import { describe, expectTypeOf, it } from 'vitest';

interface Score {
  readonly home: number;
  readonly at: Date;
}
declare const scores: AsyncIterable<Score>;
declare const observed: Observable<Score, unknown>;
declare const anyOverflow: Exclude<Overflow<Score>, 'wait'>;

type Of<T> = AsyncIterable<T, void, undefined>;

describe('a buffer', () => {
  it('gives what its source gives, and a gap where it may be missing', () => {
    expectTypeOf(buffer(scores, { items: 1, overflow: 'wait' })).toEqualTypeOf<Of<Score>>();
    expectTypeOf(buffer(scores, { items: 1, overflow: 'end' })).toEqualTypeOf<Of<Score>>();
    expectTypeOf(buffer(observed, { items: 1, overflow: 'latest' })).toEqualTypeOf<Of<Score>>();
    expectTypeOf(buffer(observed, { items: 1, overflow: 'gap' })).toEqualTypeOf<Of<Score | Gap>>();
    const options = { items: 1, overflow: anyOverflow };
    expectTypeOf(buffer(scores, options)).toEqualTypeOf<Of<Score | Gap>>();
    const inner = buffer(scores, { items: 1, overflow: 'gap' });
    expectTypeOf(buffer(inner, { items: 1, overflow: 'end' })).toEqualTypeOf<Of<Score | Gap>>();
  });

  it('infers what latestBy is given, tracked or not', () => {
    buffer(observed, {
      items: 1,
      overflow: { latestBy: (score) => expectTypeOf(score).toEqualTypeOf<Score>() && score.home },
    });
    async function* source() {
      yield tracked('1', { home: 1 });
    }
    const it = buffer(source(), {
      items: 1,
      overflow: {
        latestBy: (score) => expectTypeOf(score).toEqualTypeOf<{ home: number }>() && score.home,
      },
    });
    expectTypeOf(it).toEqualTypeOf<Of<ReturnType<typeof tracked<{ home: number }>>>>();
    const events = on(new EventEmitter(), 'price');
    buffer(events, { items: 1, overflow: { latestBy: ([price]: string[]) => price ?? '' } });
  });

  it('refuses what is no overflow, and an observable that is to wait', () => {
    // @ts-expect-error -- An observable cannot wait.
    buffer(observed, { items: 1, overflow: 'wait' });
    // @ts-expect-error -- There is no such overflow.
    buffer(scores, { items: 1, overflow: 'newest' });
    // @ts-expect-error -- A key is a string, a number or a symbol.
    buffer(scores, { items: 1, overflow: { latestBy: (score: Score) => score.at } });
    // @ts-expect-error -- It says how many.
    buffer(scores, { overflow: 'end' });
    // @ts-expect-error -- An array is read by no buffer.
    buffer([1], { items: 1, overflow: 'end' });
  });
});

describe('isGap', () => {
  it('narrows objects, primitives, null, records and unknown', () => {
    function narrow<T>(item: T | Gap): T | undefined {
      return isGap(item) ? undefined : item;
    }
    expectTypeOf(narrow<string | null>).returns.toEqualTypeOf<string | null | undefined>();
    const score = {} as Score | Gap;
    if (isGap(score)) expectTypeOf(score).toEqualTypeOf<Gap>();
    else expectTypeOf(score).toEqualTypeOf<Score>();
    const value = null as number | null | Gap;
    if (!isGap(value)) expectTypeOf(value).toEqualTypeOf<number | null>();
    const record = {} as Record<string, number> | Gap;
    if (!isGap(record)) expectTypeOf(record).toEqualTypeOf<Record<string, number>>();
    const anything = {} as unknown;
    if (isGap(anything)) expectTypeOf(anything.missed).toEqualTypeOf<number | null>();
  });
});

describe('a buffer in a subscription', () => {
  const t = initTRPC.create();
  const router = t.router({
    gaps: t.procedure.subscription(() => buffer(observed, { items: 1, overflow: 'gap' })),
    newest: t.procedure.subscription(() => buffer(observed, { items: 1, overflow: 'latest' })),
    tracked: t.procedure.subscription(() => {
      const source = observable<ReturnType<typeof tracked<Score>>>(() => {});
      return buffer(source, { items: 1, overflow: 'gap' });
    }),
  });
  const api = openLine<typeof router>({ url: 'ws://localhost/rpc' }).client();
  interface Read {
    readonly home: number;
    readonly at: string;
  }

  it('gives its client items, and gaps that isGap narrows', () => {
    api.gaps.subscribe(undefined, {
      onData: (item) => {
        expectTypeOf(item).toEqualTypeOf<Read | GapAtClient>();
        if (isGapAtClient(item)) expectTypeOf(item.missed).toEqualTypeOf<number | null>();
        else expectTypeOf(item).toEqualTypeOf<Read>();
      },
    });
    api.newest.subscribe(undefined, {
      onData: (item) => expectTypeOf(item).toEqualTypeOf<Read>(),
    });
    api.tracked.subscribe(undefined, {
      onData: (item) => expectTypeOf(item).toEqualTypeOf<{ id: string; data: Read } | Gap>(),
    });
  });
});
