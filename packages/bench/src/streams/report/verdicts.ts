import { metOrMissed } from '../../report/verdicts.ts';
import { summarize, summarizeRatios } from '../../report/summary.ts';
import type { StreamResults, StreamSeries } from '../measure/rounds.ts';
import type { FlowSample, LatencySample, PausedSample } from '../measure/samples.ts';
import type { Calls, Flow, Paused } from '../measure/scenarios.ts';
import { STREAM_SYSTEMS } from '../systems/index.ts';
import { describeBeside, describeFlow, describePaused } from './words.ts';

/** What an item may cost the server, as a part of what it costs stock tRPC. */
const ITEM_CPU_RATIO_MAX = 1;
/** How much slower a small call may be, beside something large on its connection. */
const FAIRNESS_RATIO_MAX = 3;
/** What a reader that has stopped may cost the server, in KiB: the backlog, and a margin as large. */
const PAUSED_KIB_MAX = 2_048;

/** Says of each goal that was measured whether it was met, one line each. */
export function streamVerdicts({ flows, calls, paused }: StreamResults): readonly string[] {
  return [
    ...flows.flatMap(flowVerdict),
    ...calls.flatMap((series) => callsVerdict(series, calls)),
    ...paused.flatMap(pausedVerdict),
  ];
}

function flowVerdict({ what, samples }: StreamSeries<Flow, FlowSample>): readonly string[] {
  const [taken, stock] = [samples.get('openline') ?? [], samples.get('trpc-ws') ?? []];
  const ratio = summarizeRatios(taken, stock, 'cpuMicros')?.median;
  if (ratio === undefined) return [];
  const goal = `goal ${ITEM_CPU_RATIO_MAX.toFixed(2)} ÷ ${STREAM_SYSTEMS['trpc-ws'].label}`;
  const verdict = metOrMissed(ratio, ITEM_CPU_RATIO_MAX);
  return [`${goal}, server CPU ${describeFlow(what)}: ${verdict} (${ratio.toFixed(2)})`];
}

/** The goal is about the server, which the lean load shows; with own clients their parsing counts. */
function callsVerdict(
  { what, samples }: StreamSeries<Calls, LatencySample>,
  all: readonly StreamSeries<Calls, LatencySample>[],
): readonly string[] {
  if (what.beside === undefined || what.kind !== 'lean') return [];
  const alone = all.find((it) => it.what.kind === what.kind && it.what.beside === undefined);
  const baseline = alone?.samples.get('openline') ?? [];
  const ratio = summarizeRatios(samples.get('openline') ?? [], baseline, 'p99Micros')?.median;
  if (ratio === undefined) return [];
  const goal = `goal ${FAIRNESS_RATIO_MAX} ÷ p99 alone, ${describeBeside(what.beside)}`;
  return [`${goal}: ${metOrMissed(ratio, FAIRNESS_RATIO_MAX)} (${ratio.toFixed(1)})`];
}

function pausedVerdict({ what, samples }: StreamSeries<Paused, PausedSample>): readonly string[] {
  const taken = samples.get('openline') ?? [];
  if (taken.length === 0) return [];
  const kib = summarize(taken.map(({ heapBytes }) => heapBytes / 1_024)).median;
  const isBounded = taken.every(({ isShut }) => !isShut);
  const verdict = isBounded ? metOrMissed(kib, PAUSED_KIB_MAX) : 'missed';
  const goal = `goal ${PAUSED_KIB_MAX} KiB of heap a reader that stops`;
  return [`${goal}, ${describePaused(what)}: ${verdict} (${kib.toFixed(0)})`];
}
