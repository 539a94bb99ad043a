/** Lets so many pass at once, and so many a second from then on. */
export class Bucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #level: number;
  #atMs = -Infinity;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#level = burst;
  }

  /** Whether one more may pass now, on the monotonic clock. */
  take(nowMs: number): boolean {
    const refilled = this.#level + ((nowMs - this.#atMs) / 1_000) * this.#perSecond;
    this.#level = Math.min(this.#burst, refilled);
    this.#atMs = nowMs;
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }
}
