import { isTrackedEnvelope, TRPCError } from '@trpc/server';
import type { Gap } from '@openline/protocol';
import type { DataOf, Overflow } from './buffer-overflow.ts';

/** What a source gave and its consumer has not taken, in the order in which it is due. */
export class HeldItems<T> {
  readonly #itemsMax: number;
  readonly #overflow: Overflow<T>;
  /** By its number, counted from 1, or by what `latestBy` says. A key that comes again keeps its place. */
  readonly #held = new Map<PropertyKey, T>();
  /** Goes on behind what was taken, so that the first one is found at once. */
  readonly #order = this.#held.keys();
  /** How many items the source gave. */
  #given = 0;
  /** The number up to which the consumer has each item, or the gap in its place. */
  #told = 0;
  /** The number of an item whose gap was taken. */
  #behindGap: number | undefined;

  constructor(itemsMax: number, overflow: Overflow<T>) {
    this.#itemsMax = itemsMax;
    this.#overflow = overflow;
  }

  get isFull(): boolean {
    return this.#held.size >= this.#itemsMax;
  }

  /** Nothing can be taken. */
  get isEmpty(): boolean {
    return this.#held.size === 0 && (this.#overflow !== 'gap' || this.#told === this.#given);
  }

  /** @throws a TRPCError where an item too many ends the stream, and what `latestBy` throws. */
  add(item: T): void {
    const number = ++this.#given;
    const overflow = this.#overflow;
    const key = typeof overflow === 'object' ? overflow.latestBy(dataOf(item)) : number;
    if (this.isFull && !this.#held.has(key)) {
      if (overflow === 'gap') return;
      if (overflow !== 'latest') throw tooSlow(this.#itemsMax);
      this.#held.delete(this.#first());
    }
    this.#held.set(key, item);
  }

  /** The next one. Only where there is one. */
  take(): T | Gap {
    if (this.#overflow === 'gap') return this.#takeOrGap();
    return this.#remove(this.#first());
  }

  clear(): void {
    this.#held.clear();
    this.#told = this.#given;
  }

  #takeOrGap(): T | Gap {
    // Where nothing is held, there is room: the item that comes next is where the stream goes on.
    const isLast = this.#held.size === 0;
    const number = this.#behindGap ?? (isLast ? this.#given + 1 : (this.#first() as number));
    const after = this.#told;
    if (number === after + 1) {
      this.#behindGap = undefined;
      this.#told = number;
      return this.#remove(number);
    }
    if (!isLast) this.#behindGap = number;
    this.#told = number - 1;
    const missed = number - after - 1;
    return { gap: 'slow', after: `${after}`, resumedAt: `${number}`, missed };
  }

  #first(): PropertyKey {
    return this.#order.next().value as PropertyKey;
  }

  #remove(key: PropertyKey): T {
    const item = this.#held.get(key) as T;
    this.#held.delete(key);
    return item;
  }
}

function dataOf<T>(item: T): DataOf<T> {
  return (isTrackedEnvelope(item) ? item[1] : item) as DataOf<T>;
}

/**
 * A limit of what one client may have was reached, which is what the code 429 of HTTP stands for, and
 * subscribing again is the right answer: the clients and links that look at codes do so for this one.
 */
function tooSlow(itemsMax: number): TRPCError {
  return new TRPCError({
    code: 'TOO_MANY_REQUESTS',
    message: `The consumer was too slow: ${itemsMax} items waited for it, and another one came.`,
  });
}
