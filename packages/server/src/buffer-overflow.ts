import type { TrackedEnvelope } from '@trpc/server';
import type { Observable } from '@trpc/server/observable';

/** An item without the id that tRPC's `tracked` gave it. */
export type DataOf<T> = T extends TrackedEnvelope<infer Data> ? Data : T;

/**
 * What `buffer` does with an item for which it has no room.
 *
 * - `'wait'`: the source is not asked for more until there is room. Nothing is lost. For sources that
 *   can wait: an observable cannot.
 * - `'latest'`: the oldest item goes, so that the newest ones are held.
 * - `{ latestBy }`: an item takes the place of the one with the same key, whether there is room or not,
 *   so that the newest of each key is held, in the order in which the keys came. One key too many ends
 *   the stream as `'end'` does. It is given what `tracked` was given, without the id. What it throws
 *   ends the stream.
 * - `'end'`: the source is ended and, behind what is held, the stream ends with a `TRPCError` of code
 *   `TOO_MANY_REQUESTS`.
 * - `'gap'`: the item goes, and a `Gap` stands where it and those after it are missing.
 */
export type Overflow<T> =
  'wait' | 'latest' | 'end' | 'gap' | { readonly latestBy: (item: DataOf<T>) => PropertyKey };

/** What a `buffer` reads. */
export type BufferSource = AsyncIterable<unknown> | Observable<unknown, unknown>;

/** What such a source gives. */
export type ItemOf<S> =
  S extends AsyncIterable<infer T> ? T : S extends Observable<infer T, unknown> ? T : never;

/** What can be done for such a source: an observable cannot wait. */
export type OverflowOf<S> =
  Exclude<Overflow<ItemOf<S>>, 'wait'> | (S extends AsyncIterable<unknown> ? 'wait' : never);
