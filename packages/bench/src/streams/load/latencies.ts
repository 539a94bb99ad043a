import { createHistogram } from 'node:perf_hooks';

export interface LatencyFigures {
  readonly count: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly slowestMicros: number;
}

/** Collects how long things took. */
export class Latencies {
  readonly #nanos = createHistogram({ lowest: 1, highest: 60e9, figures: 3 });

  record(micros: number): void {
    this.#nanos.record(Math.max(1, Math.round(micros * 1_000)));
  }

  /** Of at least one. */
  figures(): LatencyFigures {
    const { count, max } = this.#nanos;
    if (count === 0) throw new Error('nothing was measured');
    return {
      count,
      p50Micros: this.#nanos.percentile(50) / 1_000,
      p99Micros: this.#nanos.percentile(99) / 1_000,
      slowestMicros: max / 1_000,
    };
  }
}
