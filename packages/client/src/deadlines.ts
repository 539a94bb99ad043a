import { TIMER_MS_MAX } from './constants.ts';

/**
 * Ends calls whose time is over. One timer waits for the earliest deadline there was, and is not
 * touched when a call ends: most end long before, and it is set far less often than calls are made.
 */
export class Deadlines<Call extends { readonly deadlineMs: number }> {
  readonly #calls: () => Iterable<Call>;
  readonly #expire: (call: Call) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Infinity;

  constructor(calls: () => Iterable<Call>, expire: (call: Call) => void) {
    this.#calls = calls;
    this.#expire = expire;
  }

  add({ deadlineMs }: Call, nowMs: number): void {
    if (deadlineMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = deadlineMs;
    const waitMs = Math.min(Math.ceil(deadlineMs - nowMs), TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.#sweep(performance.now()), waitMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
  }

  #sweep(nowMs: number): void {
    this.#dueMs = Infinity;
    const calls = [...this.#calls()];
    // First the timer: what an expired call's owner does may end the others, and clear it.
    for (const call of calls) if (call.deadlineMs > nowMs) this.add(call, nowMs);
    for (const call of calls) if (call.deadlineMs <= nowMs) this.#expire(call);
  }
}
