/** Fresh params are asked for so long before, or when half of the time is over, in milliseconds. */
const ASK_BEFORE_MS = 60_000;
/** Asked again, for as long as it holds, after so many milliseconds. */
const ASK_AGAIN_MS = 10_000;

/** When what a client said of itself expires. All instants are as of `Date.now()`. */
export class Expiry {
  readonly #atMs: number;
  #askAtMs: number;

  constructor(atMs: number, nowMs: number) {
    this.#atMs = atMs;
    this.#askAtMs = atMs - Math.min(ASK_BEFORE_MS, (atMs - nowMs) / 2);
  }

  /** What is to be done now. */
  due(nowMs: number): 'nothing' | 'ask' | 'end' {
    if (nowMs >= this.#atMs) return 'end';
    if (nowMs < this.#askAtMs) return 'nothing';
    this.#askAtMs = nowMs + ASK_AGAIN_MS;
    return 'ask';
  }
}
