import type { Observable } from '@trpc/server/observable';
import type { Gap } from '@openline/protocol';
import { HeldItems } from './buffer-items.ts';
import type { Overflow } from './buffer-overflow.ts';
import { BufferReader } from './buffer-reader.ts';
import { IterableSource, ObservableSource } from './buffer-source.ts';

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
 * unsubscribing, and settles as that does. After 1,000 items in a row that were ready at once it lets
 * others have their turn.
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
export function buffer<T, const V extends Overflow<T>>(
  source: (AsyncIterable<T> | Observable<T, unknown>) &
    ('wait' extends V ? AsyncIterable<T> : unknown),
  { items, overflow, signal }: BufferOptions<V>,
): AsyncIterable<'gap' extends V ? T | Gap : T, void, undefined> {
  if (!Number.isSafeInteger(items) || items < 1) {
    throw new RangeError('items must be an integer of at least 1');
  }
  if (!isOverflow<T>(overflow)) throw new TypeError('there is no such overflow');
  const isIterable = isA<AsyncIterable<T>>(source, Symbol.asyncIterator);
  if (!isIterable && !isA<Observable<T, unknown>>(source, 'subscribe')) {
    throw new TypeError('a buffer reads an async iterable or an observable');
  }
  if (!isIterable && overflow === 'wait') throw new TypeError('an observable cannot wait');
  const reader = new BufferReader<T>(new HeldItems(items, overflow), overflow === 'wait');
  reader.read(
    isIterable ? new IterableSource(source, reader) : new ObservableSource(source, reader),
    signal,
  );
  let isTaken = false;
  return {
    [Symbol.asyncIterator]() {
      if (isTaken) throw new TypeError('a buffer has one consumer');
      isTaken = true;
      return reader as AsyncIterator<'gap' extends V ? T | Gap : T, void, undefined>;
    },
  };
}

function isOverflow<T>(value: unknown): value is Overflow<T> {
  if (typeof value !== 'object' || value === null) {
    return value === 'wait' || value === 'latest' || value === 'end' || value === 'gap';
  }
  return typeof (value as { latestBy?: unknown }).latestBy === 'function';
}

function isA<T extends object>(value: unknown, member: PropertyKey): value is T {
  return typeof value === 'object' && value !== null && member in value;
}
