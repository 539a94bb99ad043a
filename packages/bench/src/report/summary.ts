import { max, median, min } from 'simple-statistics';
import type { Sample } from '../measure/sample.ts';

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Of at least one value. */
export function summarize(values: number[]): Summary {
  return { median: median(values), min: min(values), max: max(values) };
}

export type Metric = 'cpuMicros' | 'callsPerSecond' | 'p50Micros' | 'p99Micros' | 'busy';

export function summarizeSamples(samples: readonly Sample[], metric: Metric): Summary {
  return summarize(samples.map((sample) => sample[metric]));
}

/**
 * How many times the baseline's value this is, each round against the same round: what slowed the
 * machine down for a while slowed both.
 */
export function summarizeRatios<M extends string>(
  samples: readonly RoundFigures<M>[],
  baseline: readonly RoundFigures<M>[],
  metric: M,
): Summary | undefined {
  const ratios = samples.flatMap((sample) => {
    const other = baseline.find(({ round }) => round === sample.round);
    return other === undefined ? [] : [sample[metric] / other[metric]];
  });
  return ratios.length === 0 ? undefined : summarize(ratios);
}

/** Figures of one round. */
type RoundFigures<M extends string> = Readonly<Record<M, number>> & { readonly round: number };
