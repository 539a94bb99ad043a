import type { MemorySamples } from '../measure/memory.ts';
import type { Series } from '../measure/rounds.ts';
import type { Sample } from '../measure/sample.ts';
import { BASELINES, SYSTEMS, type SystemName } from '../systems/index.ts';
import { formatSummary, formatTable } from './format.ts';
import { summarize, summarizeRatios, summarizeSamples, type Metric } from './summary.ts';

const HEADINGS = {
  lean: 'lean load: the same bare sockets for all, so the server is what is measured',
  own: 'own clients: each system as an application uses it',
} as const;

export function formatSeries({ kind, cell, samples }: Series): string {
  const title = `${cell.connections} × ${cell.inFlight}, ${HEADINGS[kind]}`;
  const measured = [...samples].filter(([, taken]) => taken.length > 0);
  const baselines = BASELINES.filter((name) => (samples.get(name)?.length ?? 0) > 0);
  const rows = measured.map(([system, taken]) => [
    SYSTEMS[system].label,
    ...costColumns('cpuMicros', taken, samples, baselines),
    ...costColumns('callsPerSecond', taken, samples, baselines),
    formatSummary(summarizeSamples(taken, 'p50Micros')),
    formatSummary(summarizeSamples(taken, 'p99Micros')),
    `${Math.round(summarizeSamples(taken, 'busy').median * 100)} %`,
  ]);
  const ratios = baselines.map((name) => `÷ ${SYSTEMS[name].label}`);
  const head = ['', 'server CPU, µs a call', ...ratios, 'calls/s', ...ratios, 'p50, µs', 'p99, µs'];
  return formatTable(title, [[...head, 'server busy'], ...rows]);
}

/** A metric and its ratios to the baselines. */
function costColumns(
  metric: Metric,
  taken: readonly Sample[],
  samples: ReadonlyMap<SystemName, readonly Sample[]>,
  baselines: readonly SystemName[],
): readonly string[] {
  const ratios = baselines.map((name) => {
    const ratio = summarizeRatios(taken, samples.get(name) ?? [], metric);
    return ratio === undefined ? '' : ratio.median.toFixed(2);
  });
  return [formatSummary(summarizeSamples(taken, metric)), ...ratios];
}

export function formatMemory(samples: MemorySamples, connections: number): string {
  const measured = [...samples].filter(([, taken]) => taken.length > 0);
  const rows = measured.map(([system, taken]) => [
    SYSTEMS[system].label,
    formatSummary(summarize(taken.map(({ heapBytes }) => heapBytes / 1_024))),
    formatSummary(summarize(taken.map(({ rssBytes }) => rssBytes / 1_024))),
  ]);
  const head = ['', 'heap, KiB a connection', 'RSS, KiB a connection'];
  return formatTable(`memory of the server, ${connections} idle connections`, [head, ...rows]);
}
