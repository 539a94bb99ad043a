import type { Finding } from './case.ts';
import type { Sight } from './sights.ts';
import type { FaultName, Story } from './story.ts';

/** What came of a story. */
export interface Report {
  readonly story: Story;
  /** What is wrong; empty where the promises hold. */
  readonly findings: readonly Finding[];
  /** What happened, line by line, each with its time in milliseconds. */
  readonly history: readonly string[];
  /** Faults that took effect, and how often. */
  readonly faults: ReadonlyMap<FaultName, number>;
  /** What became of its streams, by calls. */
  readonly sights: ReadonlyMap<Sight, number>;
}
