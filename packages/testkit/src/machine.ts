import { later } from './network/later.ts';
import { takeTurn, type TurnOwner } from './turn.ts';

/**
 * What a client or a server runs on. While it sleeps nothing runs there: its timers and what has come
 * for it wait, and happen when it wakes, late and in the order in which they came due.
 */
export class Machine implements TurnOwner {
  readonly #held: (() => void)[] = [];
  #isAsleep = false;
  #felt: (() => void) | undefined;
  #wakesAtMs = -Infinity;

  /** When it last woke, or will wake, on the clock of virtual time. */
  get wakesAtMs(): number {
    return this.#wakesAtMs;
  }

  run(step: () => void): void {
    if (this.#isAsleep) {
      this.#held.push(step);
      this.#felt?.();
      return;
    }
    takeTurn(this);
    step();
  }

  /** `felt`: something has come due that has to wait. */
  sleep(ms: number, felt?: () => void): void {
    const untilMs = performance.now() + ms;
    if (untilMs <= this.#wakesAtMs) return;
    this.#isAsleep = true;
    this.#felt = felt;
    this.#wakesAtMs = untilMs;
    later(ms, () => this.#goOn());
  }

  /** Wakes it before its time. */
  wake(): void {
    if (!this.#isAsleep) return;
    this.#wakesAtMs = performance.now();
    this.#goOn();
  }

  /** One step in a turn: what a step sets off comes before the next one. */
  #goOn(): void {
    if (!this.#isAsleep || performance.now() < this.#wakesAtMs) return;
    const step = this.#held.shift();
    if (step === undefined) {
      this.#isAsleep = false;
      return;
    }
    later(0, () => this.#goOn());
    takeTurn(this);
    step();
  }
}
