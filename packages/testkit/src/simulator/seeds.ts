import { createHash } from 'node:crypto';
import type { Law } from './case.ts';
import { generateStory } from './generate.ts';
import { runStory } from './run.ts';
import { shrink } from './shrink.ts';
import type { Sight } from './sights.ts';
import type { FaultName } from './story.ts';
import { tell } from './tell.ts';

/** Which seeds to run, one after another. */
export interface SeedRange {
  readonly from: number;
  readonly count: number;
  /** From one seed to the next; others take those between. Default: 1. */
  readonly stride?: number | undefined;
  /** After so many failures no more are looked for. Default: 3. */
  readonly failuresMax?: number | undefined;
  /** Whether a failing story is made short. Default: `true`. */
  readonly shrinks?: boolean | undefined;
}

/** A seed whose history breaks a law. */
export interface Failure {
  readonly seed: number;
  readonly laws: readonly Law[];
  /** What was found and how it came about, for people: see `tell`. */
  readonly story: string;
}

/** What became of one seed. */
export interface SeedResult {
  readonly seed: number;
  /** Of the whole history: the same for the same seed. */
  readonly digest: string;
  readonly failure: Failure | undefined;
  /** Faults that took effect, and how often. */
  readonly faults: ReadonlyMap<FaultName, number>;
  /** What became of its streams, by calls. */
  readonly sights: ReadonlyMap<Sight, number>;
}

/** Runs seeds, each to its end, and gives what became of each. */
export async function* runSeeds(range: SeedRange): AsyncGenerator<SeedResult, void> {
  const { from, count, stride = 1, failuresMax = 3, shrinks = true } = range;
  let failures = 0;
  for (let ran = 0; ran < count && failures < failuresMax; ran++) {
    const seed = from + ran * stride;
    const report = await runStory(generateStory(seed));
    const digest = createHash('sha256').update(report.history.join('\n')).digest('base64url');
    let failure: Failure | undefined;
    if (report.findings.length > 0) {
      failures++;
      const short = shrinks ? await shrink(report) : report;
      failure = { seed, laws: report.findings.map(({ law }) => law), story: tell(short) };
    }
    const { faults, sights } = report;
    yield { seed, digest, failure, faults, sights };
  }
}
