import type { Observable } from '@trpc/server/observable';
import type { Gap } from '@openline/protocol';
import { HeldItems } from './buffer-items.ts';
import type { BufferSource, ItemOf, Overflow, OverflowOf } from './buffer-overflow.ts';
import { BufferReader } from './buffer-reader.ts';
import { IterableSource, ObservableSource, type Source } from './buffer-source.ts';

/** See {@link buffer}. */
export interface BufferOptions<V> {
  /** The most items that are held; with `latestBy`, the most keys. An integer of at least 1. */
  readonly items: number;
  /** What is done with an item for which there is no room. */
  readonly overflow: V;
  /**
   * Ends source and stream, and drops what is held. Give it that of the procedure where a generator
   * iterates the buffer: one that waits for the next item learns of nothing else.
   */
  readonly signal?: AbortSignal | undefined;
}

/** For the observable that a subscription returns as it is. */
export const OBSERVABLE_ITEMS_MAX = 1_000;

/**
 * Stands between a source that cannot wait and a consumer that may be slow. It reads the source from
 * the moment it is made, whether anybody reads it or not, holds at most `items` items, and does what
 * `overflow` says with what comes beyond. What is not to be dropped by that is never dropped.
 *
 * What is held is given before the source's end, and before its error. `return()`, as `break` in a
 * `for await` calls it, drops what is held, ends the source with its own `return()` or by
 * unsubscribing, and settles as that does. What comes at once must have room, even where the consumer is
 * fast. After each 1,000 items of an iterable others have their turn.
 *
 * It has one consumer, who may ask for several items at once and gets them in order. The positions in
 * a {@link Gap} are the numbers of items of the source, counted from 1, and `missed` is exact.
 *
 * `on` of node:events holds without limit what is not read from it: with `'wait'`, that is where the
 * items would be. It is for generators, readable streams and the like.
 *
 * A subscription that returns an observable without a buffer has one of 1,000 items with overflow
 * `'end'`.
 *
 * @throws a `RangeError` when `items` is not an integer of at least 1; a `TypeError` when the source or
 * the overflow is none of these, when an observable is to wait, or when a second consumer comes.
 */
export function buffer<S extends BufferSource, const V extends OverflowOf<S>>(
  source: S,
  { items, overflow, signal }: BufferOptions<V>,
): AsyncIterable<'gap' extends V ? ItemOf<S> | Gap : ItemOf<S>, void, undefined> {
  if (!Number.isSafeInteger(items) || items < 1) {
    throw new RangeError('items must be an integer of at least 1');
  }
  const given: unknown = overflow;
  if (!isOverflow(given)) throw new TypeError('there is no such overflow');
  const reader = new BufferReader(new HeldItems(items, given), given === 'wait');
  reader.read(sourceOf(source, reader, given), signal);
  let isTaken = false;
  return {
    [Symbol.asyncIterator]() {
      if (isTaken) throw new TypeError('a buffer has one consumer');
      isTaken = true;
      return reader as AsyncIterator<
        'gap' extends V ? ItemOf<S> | Gap : ItemOf<S>,
        void,
        undefined
      >;
    },
  };
}

function sourceOf(
  source: unknown,
  reader: BufferReader<unknown>,
  overflow: Overflow<unknown>,
): Source {
  if (isA<AsyncIterable<unknown>>(source, Symbol.asyncIterator)) {
    return new IterableSource(source, reader);
  }
  if (!isA<Observable<unknown, unknown>>(source, 'subscribe')) {
    throw new TypeError('a buffer reads an async iterable or an observable');
  }
  if (overflow === 'wait') throw new TypeError('an observable cannot wait');
  return new ObservableSource(source, reader);
}

function isOverflow(value: unknown): value is Overflow<unknown> {
  if (typeof value !== 'object' || value === null) {
    return value === 'wait' || value === 'latest' || value === 'end' || value === 'gap';
  }
  return typeof (value as { latestBy?: unknown }).latestBy === 'function';
}

function isA<T extends object>(value: unknown, member: PropertyKey): value is T {
  return typeof value === 'object' && value !== null && member in value;
}
