import { syncBuiltinESMExports } from 'node:module';
import { install, type Clock as FakeClock } from '@sinonjs/fake-timers';
import { soonCount } from './network/later.ts';
import type { Random } from './random.ts';
import { ownTimers } from './timers.ts';
import { takeTurn } from './turn.ts';

/** What `Date.now()` says when virtual time begins. */
const START_MS = Date.UTC(2030, 0, 1);
/** What is replaced on the global object. Microtasks, ticks and immediates stay the platform's own. */
const REPLACED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'performance',
  'Date',
] as const;
const { setImmediate } = globalThis;

let isInstalled = false;

/**
 * Time that passes when it is told to, for the whole process: from `install` to `uninstall` the
 * timers, the clocks and `Math.random` of the platform are replaced.
 */
export class VirtualTime {
  readonly #clock: FakeClock;
  readonly #restoreRandom: () => void;
  #limits = 0;

  /** @throws a `TypeError` when virtual time is installed already. */
  static install(random: Random): VirtualTime {
    if (isInstalled) throw new TypeError('there is one virtual time for a process');
    isInstalled = true;
    return new VirtualTime(random);
  }

  private constructor(random: Random) {
    this.#clock = install({ now: START_MS, toFake: [...REPLACED] });
    takeTurn(undefined);
    ownTimers();
    // For those who import `node:timers/promises` by name.
    syncBuiltinESMExports();
    const { random: real } = Math;
    Math.random = () => random.real();
    this.#restoreRandom = () => {
      Math.random = real;
    };
  }

  /** Milliseconds since it was installed; never goes back. */
  get nowMs(): number {
    return performance.now();
  }

  /** Timers that are set; those of `runUntil` itself are not counted. */
  get timers(): number {
    return this.#clock.countTimers() - this.#limits;
  }

  /** The clock on the wall is set; that by which timers run is not. */
  jump(byMs: number): void {
    this.#clock.setSystemTime(Date.now() + byMs);
  }

  /**
   * Runs one timer after another, and between any two all that they set off, until `isDone`, which is
   * asked once all is quiet. `false`: that did not come within the time.
   *
   * @throws what a timer throws.
   */
  async runUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
    let isLate = false;
    takeTurn(undefined);
    const limit = setTimeout(() => {
      isLate = true;
      this.#limits--;
    }, limitMs);
    this.#limits++;
    try {
      for (;;) {
        do await quiet();
        while (soonCount() > 0);
        if (isDone()) return true;
        if (isLate) return false;
        this.#clock.next();
      }
    } finally {
      takeTurn(undefined);
      clearTimeout(limit);
      if (!isLate) this.#limits--;
    }
  }

  /** Lets so much time pass. */
  async advance(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  uninstall(): void {
    this.#restoreRandom();
    this.#clock.uninstall();
    syncBuiltinESMExports();
    isInstalled = false;
  }
}

/**
 * Resolves when no microtask and no tick is waiting: both are drained, in turns, before the event loop
 * comes to an immediate.
 */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
