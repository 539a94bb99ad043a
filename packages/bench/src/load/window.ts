import { createHistogram } from 'node:perf_hooks';
import type { LoadResult } from '../processes/roles.ts';

/** Something that keeps a fixed number of calls in flight while a window is open. */
export interface Load {
  /** Starts calling. Each party says `partyDone` when it has stopped and awaits nothing. */
  begin(window: LoadWindow): void;
  /** How many `partyDone` there will be. */
  readonly parties: number;
  close(): Promise<void>;
}

/** Replies that are not there so long after the last call will not come. */
const STALL_MS = 10_000;

export interface LoadWindowOptions {
  readonly durationMs: number;
  readonly checked: boolean;
}

/**
 * One span of load with a clean beginning and end: it opens with nothing in flight and is over when
 * every call has its reply. So what the server did between is for exactly the calls counted.
 */
export class LoadWindow {
  /** Whether each reply is read in full. */
  readonly checked: boolean;
  /** No more calls are to be made. */
  stopping = false;
  readonly #durationMs: number;
  readonly #latencyNanos = createHistogram({ lowest: 1, highest: 60e9, figures: 3 });
  readonly #over: Promise<void>;
  #finish!: () => void;
  #fail!: (error: unknown) => void;
  #partiesLeft = 0;

  constructor({ durationMs, checked }: LoadWindowOptions) {
    this.#durationMs = durationMs;
    this.checked = checked;
    this.#over = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
  }

  async run(load: Load): Promise<LoadResult> {
    this.#partiesLeft = load.parties;
    const startMs = performance.now();
    load.begin(this);
    const stop = setTimeout(() => (this.stopping = true), this.#durationMs);
    const stalled = setTimeout(() => this.#stall(), this.#durationMs + STALL_MS);
    try {
      await this.#over;
    } finally {
      clearTimeout(stop);
      clearTimeout(stalled);
    }
    return {
      calls: this.#latencyNanos.count,
      elapsedMs: performance.now() - startMs,
      p50Micros: this.#latencyNanos.percentile(50) / 1_000,
      p99Micros: this.#latencyNanos.percentile(99) / 1_000,
    };
  }

  /** A reply has come, so long after its call. */
  record(latencyMs: number): void {
    this.#latencyNanos.record(Math.max(1, Math.round(latencyMs * 1e6)));
  }

  partyDone(): void {
    if (--this.#partiesLeft === 0) this.#finish();
  }

  fail(error: unknown): void {
    this.#fail(error);
  }

  #stall(): void {
    const { count } = this.#latencyNanos;
    this.fail(new Error(`calls without a reply ${STALL_MS / 1_000} s on, after ${count} replies`));
  }
}
