import type { Refusal } from './refusal.ts';

/** How long it is known of a session that ended how much it had received, in milliseconds. */
const GONE_MS = 3_600_000;
/** Sessions of which that is known; those in which nothing was said are counted apart. */
const GONE_MAX = 10_000;

export interface Gone {
  readonly secretHash: string;
  /** What its client is told. */
  readonly refusal: Refusal;
  /** On the monotonic clock. */
  readonly atMs: number;
}

/**
 * What is known of sessions that ended. One costs a client no more than a `hello`: so those in which
 * nothing was said may push out each other, but none in which calls were made.
 */
export class GoneSessions {
  /** The one that ended first is in front. */
  readonly #used = new Map<string, Gone>();
  readonly #unused = new Map<string, Gone>();

  get(id: string): Gone | undefined {
    return this.#used.get(id) ?? this.#unused.get(id);
  }

  add(id: string, gone: Gone, isUnused: boolean): void {
    const kept = isUnused ? this.#unused : this.#used;
    kept.set(id, gone);
    if (kept.size <= GONE_MAX) return;
    const [oldest] = kept.keys();
    kept.delete(oldest as string);
  }

  sweep(nowMs: number): void {
    for (const kept of [this.#used, this.#unused]) {
      for (const [id, { atMs }] of kept) {
        if (nowMs - atMs < GONE_MS) break;
        kept.delete(id);
      }
    }
  }
}
