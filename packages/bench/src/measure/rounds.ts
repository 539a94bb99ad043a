import { formatCell, type Cell, type LoadKind } from '../cell.ts';
import type { Options } from '../options.ts';
import { SYSTEMS, type SystemName } from '../systems/index.ts';
import { Failures } from './failures.ts';
import { killPair, startPair, type Pair } from './pair.ts';
import { takeSample, type Sample } from './sample.ts';

/** Below this, code of the larger clients is still being compiled when round 1 begins. */
const WARM_UP_MS_MIN = 1_000;

/** The samples of one table, by system. */
export interface Series {
  readonly kind: LoadKind;
  readonly cell: Cell;
  /** In the order of the report; without samples where the system failed. */
  readonly samples: ReadonlyMap<SystemName, Sample[]>;
}

/**
 * Runs all systems side by side: a process pair for each lives through the whole run, and within a
 * round the systems take turns at each cell, so that what drifts on the machine drifts for all.
 */
export async function runRounds(
  options: Options,
  failures: Failures,
  progress: (what: string) => void,
): Promise<readonly Series[]> {
  const series: Series[] = options.loads.flatMap((kind) =>
    options.cells.map((cell) => ({ kind, cell, samples: emptySamples(options.systems) })),
  );
  const pairs = await startPairs(options.systems, failures);
  try {
    // Round 0 is thrown away: in it the processes compile what they will run.
    for (let round = options.short ? 1 : 0; round <= options.rounds; round++) {
      progress(round === 0 ? 'warming up' : `round ${round} of ${options.rounds}`);
      for (const table of series) {
        for (const pair of rotated([...pairs.values()], round)) {
          await addSample(table, pair, { options, round, failures, pairs });
        }
      }
    }
  } finally {
    await Promise.all([...pairs.values()].map(killPair));
  }
  return series;
}

async function startPairs(
  systems: readonly SystemName[],
  failures: Failures,
): Promise<Map<SystemName, Pair>> {
  const pairs = new Map<SystemName, Pair>();
  await Promise.all(
    systems.map((system) =>
      failures.catch(`starting ${SYSTEMS[system].label}`, async () => {
        pairs.set(system, await startPair(system));
      }),
    ),
  );
  return pairs;
}

interface Turn {
  readonly options: Options;
  readonly round: number;
  readonly failures: Failures;
  readonly pairs: Map<SystemName, Pair>;
}

/** A system that fails once is out of the run: its processes may be in any state. */
async function addSample(
  { kind, cell, samples }: Series,
  pair: Pair,
  { options: { windowMs, short }, round, failures, pairs }: Turn,
): Promise<void> {
  const what = `${SYSTEMS[pair.system].label}, ${kind} load, ${formatCell(cell)}`;
  const succeeded = await failures.catch(what, async () => {
    const request = { kind, cell, warmUpMs: windowMs / 4, checked: short };
    const durationMs = round === 0 ? Math.max(windowMs, WARM_UP_MS_MIN) : windowMs;
    const sample = await takeSample(pair, request, { durationMs, round });
    if (round === 0) return;
    samples.get(pair.system)?.push(sample);
  });
  if (succeeded) return;
  pairs.delete(pair.system);
  await killPair(pair);
}

function emptySamples(systems: readonly SystemName[]): Map<SystemName, Sample[]> {
  return new Map(systems.map((system) => [system, []]));
}

/** Nobody always comes after the same other. */
export function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
