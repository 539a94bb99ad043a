import { rotated } from '../../measure/rounds.ts';
import type { Failures } from '../../measure/failures.ts';
import { describeCalls, describeFlow, describePaused, TICKS } from '../report/words.ts';
import { STREAM_SYSTEMS, type StreamSystemName } from '../systems/index.ts';
import { killStreamPair, startStreamPair, type StreamPair } from './pair.ts';
import {
  takeCalls,
  takeFlow,
  takePaused,
  takeTicks,
  type FlowSample,
  type LatencySample,
  type PausedSample,
} from './samples.ts';
import type { Calls, Flow, Paused, Scenarios, Ticks } from './scenarios.ts';

/** The samples of one scenario, by system; without samples where the system failed or has it not. */
export interface StreamSeries<What, Sample> {
  readonly what: What;
  readonly samples: ReadonlyMap<StreamSystemName, Sample[]>;
}

export interface StreamResults {
  readonly flows: readonly StreamSeries<Flow, FlowSample>[];
  readonly ticks: readonly StreamSeries<Ticks, LatencySample>[];
  readonly calls: readonly StreamSeries<Calls, LatencySample>[];
  readonly paused: readonly StreamSeries<Paused, PausedSample>[];
}

export interface StreamRun {
  readonly scenarios: Scenarios;
  readonly systems: readonly StreamSystemName[];
  readonly rounds: number;
  /** A round is thrown away first: in it the processes compile what they will run. */
  readonly warmsUp: boolean;
  readonly failures: Failures;
  readonly progress: (what: string) => void;
}

/** Rounds beyond this tell nothing new: memory is read after a collection. */
const PAUSED_ROUNDS_MAX = 3;

/** One scenario's measurement of one system. */
interface Turn {
  readonly name: string;
  readonly uploads: boolean;
  take(pair: StreamPair, round: number): Promise<void>;
}

/** Runs all systems side by side: in a round they take turns at each scenario. */
export async function runStreamRounds(run: StreamRun): Promise<StreamResults> {
  const { scenarios, systems } = run;
  const results: StreamResults = {
    flows: scenarios.flows.map((what) => seriesOf(what, systems)),
    ticks: scenarios.ticks.map((what) => seriesOf(what, systems)),
    calls: scenarios.calls.map((what) => seriesOf(what, systems)),
    paused: scenarios.paused.map((what) => seriesOf(what, systems)),
  };
  await runTurns(run, [
    ...results.flows.map((series) =>
      turnOf(series, takeFlow, describeFlow(series.what), series.what.direction === 'up'),
    ),
    ...results.ticks.map((series) => turnOf(series, takeTicks, TICKS)),
    ...results.calls.map((series) => turnOf(series, takeCalls, describeCalls(series.what))),
  ]);
  await runPaused(run, results.paused);
  return results;
}

function seriesOf<What, Sample>(
  what: What,
  systems: readonly StreamSystemName[],
): StreamSeries<What, Sample> {
  return { what, samples: new Map(systems.map((system) => [system, []])) };
}

function turnOf<What, Sample>(
  { what, samples }: StreamSeries<What, Sample>,
  take: (pair: StreamPair, what: What, round: number) => Promise<Sample>,
  name: string,
  uploads = false,
): Turn {
  return {
    name,
    uploads,
    async take(pair, round) {
      const sample = await take(pair, what, round);
      if (round > 0) samples.get(pair.system)?.push(sample);
    },
  };
}

async function runTurns(
  { systems, rounds, warmsUp, failures, progress }: StreamRun,
  turns: readonly Turn[],
): Promise<void> {
  if (turns.length === 0) return;
  const pairs = new Map<StreamSystemName, StreamPair>();
  try {
    for (const system of systems) {
      await failures.catch(`starting ${STREAM_SYSTEMS[system].label}`, async () => {
        pairs.set(system, await startStreamPair(system));
      });
    }
    for (let round = warmsUp ? 0 : 1; round <= rounds; round++) {
      progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
      for (const turn of turns) {
        for (const pair of rotated([...pairs.values()], round)) {
          const { label, uploads } = STREAM_SYSTEMS[pair.system];
          if (turn.uploads && !uploads) continue;
          const what = `${label}, ${turn.name}`;
          if (await failures.catch(what, () => turn.take(pair, round))) continue;
          pairs.delete(pair.system); // Its processes may be in any state.
          await killStreamPair(pair);
        }
      }
    }
  } finally {
    await Promise.all([...pairs.values()].map(killStreamPair));
  }
}

async function runPaused(
  { systems, rounds, failures, progress }: StreamRun,
  series: readonly StreamSeries<Paused, PausedSample>[],
): Promise<void> {
  if (series.length > 0) progress('readers that stop');
  for (let round = 1; round <= Math.min(rounds, PAUSED_ROUNDS_MAX); round++) {
    for (const { what, samples } of series) {
      for (const system of rotated(systems, round)) {
        const name = `${STREAM_SYSTEMS[system].label}, ${describePaused(what)}`;
        await failures.catch(name, async () => {
          const pair = await startStreamPair(system);
          try {
            samples.get(system)?.push(await takePaused(pair, what, round));
          } finally {
            await killStreamPair(pair);
          }
        });
      }
    }
  }
}
