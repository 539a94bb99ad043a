import { formatCell, type LoadKind } from '../cell.ts';
import type { MemorySamples } from '../measure/memory.ts';
import type { Series } from '../measure/rounds.ts';
import type { Sample } from '../measure/sample.ts';
import { SYSTEMS, type SystemName } from '../systems/index.ts';
import { summarize, summarizeRatios } from './summary.ts';

/** What the server may compute for a call, as a part of what a baseline does, at one cell. */
const CPU_GOALS = [
  { baseline: 'trpc-ws', cell: '50x16', ratioMax: 0.2 },
  { baseline: 'raw-ws', cell: '1x1', ratioMax: 1.25 },
] as const;

/** What sessions may cost beside the version that had none. */
const THROUGHPUT_COST_PERCENT_MAX = 5;
const IDLE_COST_KIB_MAX = 2;
/** Where the server is the slower side, so that calls per second are its own. */
const THROUGHPUT_CELL = '50x16';

/** The server is what the goals are about, and only this load is the same for all systems. */
const LOAD: LoadKind = 'lean';

/** Says of each goal that was measured whether it was met, one line each. */
export function verdicts(series: readonly Series[], memory: MemorySamples): readonly string[] {
  return [...CPU_GOALS.flatMap((goal) => cpuVerdict(series, goal)), ...costOf(series, memory)];
}

function cpuVerdict(
  series: readonly Series[],
  { baseline, cell, ratioMax }: (typeof CPU_GOALS)[number],
): readonly string[] {
  const ratio = ratioAt(series, cell, baseline, 'cpuMicros');
  if (ratio === undefined) return [];
  const goal = `goal ${ratioMax.toFixed(2)} ÷ ${SYSTEMS[baseline].label} at ${inWords(cell)}`;
  return [`${goal}: ${metOrMissed(ratio, ratioMax)} (${ratio.toFixed(2)})`];
}

/** What the version here costs beside the one of `--before`; nothing where there is none. */
function costOf(series: readonly Series[], memory: MemorySamples): readonly string[] {
  const parts: string[] = [];
  const throughput = ratioAt(series, THROUGHPUT_CELL, 'openline-before', 'callsPerSecond');
  if (throughput !== undefined) {
    const percent = (1 - throughput) * 100;
    const verdict = metOrMissed(percent, THROUGHPUT_COST_PERCENT_MAX);
    parts.push(
      `${percent.toFixed(1)} % of throughput at ${inWords(THROUGHPUT_CELL)} (at most ${THROUGHPUT_COST_PERCENT_MAX} %: ${verdict})`,
    );
  }
  const heaps = [heapKiB(memory, 'openline'), heapKiB(memory, 'openline-before')] as const;
  if (heaps[0] !== undefined && heaps[1] !== undefined) {
    const cost = heaps[0] - heaps[1];
    const verdict = metOrMissed(cost, IDLE_COST_KIB_MAX);
    parts.push(
      `${cost.toFixed(2)} KiB an idle connection (at most ${IDLE_COST_KIB_MAX}: ${verdict})`,
    );
  }
  return parts.length === 0 ? [] : [`sessions cost ${parts.join(', ')}`];
}

/** How many times the baseline's value Openline's is; `undefined` where one was not measured. */
function ratioAt(
  series: readonly Series[],
  cell: string,
  baseline: SystemName,
  metric: 'cpuMicros' | 'callsPerSecond',
): number | undefined {
  const table = series.find((it) => it.kind === LOAD && formatCell(it.cell) === cell);
  const taken = (system: SystemName): readonly Sample[] => table?.samples.get(system) ?? [];
  return summarizeRatios(taken('openline'), taken(baseline), metric)?.median;
}

function heapKiB(memory: MemorySamples, system: SystemName): number | undefined {
  const taken = memory.get(system) ?? [];
  if (taken.length === 0) return undefined;
  return summarize(taken.map(({ heapBytes }) => heapBytes / 1_024)).median;
}

export function metOrMissed(value: number, max: number): 'met' | 'missed' {
  return value <= max ? 'met' : 'missed';
}

function inWords(cell: string): string {
  return cell.replace('x', ' × ');
}
