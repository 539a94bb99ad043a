import { formatSummary, formatTable } from '../../report/format.ts';
import { summarize, summarizeRatios } from '../../report/summary.ts';
import type { StreamResults, StreamSeries } from '../measure/rounds.ts';
import type { FlowSample, LatencySample, PausedSample } from '../measure/samples.ts';
import type { Calls, Flow, Paused, Ticks } from '../measure/scenarios.ts';
import { STREAM_SYSTEMS, type StreamSystemName } from '../systems/index.ts';
import { describeBeside, describeFlow, describePaused } from './words.ts';

const BASELINE: StreamSystemName = 'trpc-ws';
const PER_BASELINE = `÷ ${STREAM_SYSTEMS[BASELINE].label}`;

/** The tables of a run, without those of which nothing was measured. */
export function formatStreams({ flows, ticks, calls, paused }: StreamResults): readonly string[] {
  return [
    formatFlows(flows),
    ...ticks.map(formatTicks),
    ...(['lean', 'own'] as const).map((kind) =>
      formatCalls(
        kind,
        calls.filter(({ what }) => what.kind === kind),
      ),
    ),
    formatPaused(paused),
  ].flatMap((it) => it ?? []);
}

function formatFlows(series: readonly StreamSeries<Flow, FlowSample>[]): string | undefined {
  const rows = series.flatMap(({ what, samples }) =>
    measured(samples).map(([system, taken]) => [
      describeFlow(what),
      STREAM_SYSTEMS[system].label,
      summary(taken, 'itemsPerSecond'),
      ratio(taken, samples, 'itemsPerSecond'),
      summary(taken, 'cpuMicros'),
      ratio(taken, samples, 'cpuMicros'),
      `${Math.round(summarize(taken.map(({ busy }) => busy)).median * 100)} %`,
    ]),
  );
  const costs = ['items/s', PER_BASELINE, 'server CPU, µs an item', PER_BASELINE, 'server busy'];
  return table('items as fast as they go', ['', '', ...costs], rows);
}

function formatTicks({
  what: { everyMs },
  samples,
}: StreamSeries<Ticks, LatencySample>): string | undefined {
  const rows = measured(samples).map(([system, taken]) => [
    STREAM_SYSTEMS[system].label,
    summary(taken, 'p50Micros'),
    ratio(taken, samples, 'p50Micros'),
    summary(taken, 'p99Micros'),
    ratio(taken, samples, 'p99Micros'),
  ]);
  const title = `from yield to the client's callback, an item each ${everyMs} ms`;
  return table(title, ['', 'p50, µs', PER_BASELINE, 'p99, µs', PER_BASELINE], rows);
}

const HEADINGS = {
  lean: 'bare sockets that parse nothing large, so the server is what is measured',
  own: 'own clients: the large one is parsed where the small calls are made',
} as const;

function formatCalls(
  kind: Calls['kind'],
  series: readonly StreamSeries<Calls, LatencySample>[],
): string | undefined {
  const alone = series.find(({ what }) => what.beside === undefined)?.samples;
  const rows = series.flatMap(({ what, samples }) =>
    measured(samples).map(([system, taken]) => [
      describeBeside(what.beside),
      STREAM_SYSTEMS[system].label,
      summary(taken, 'count'),
      summary(taken, 'p50Micros'),
      summary(taken, 'p99Micros'),
      ratioText(summarizeRatios(taken, alone?.get(system) ?? [], 'p99Micros')),
      summary(taken, 'slowestMicros'),
    ]),
  );
  const head = ['', '', 'calls', 'p50, µs', 'p99, µs', 'p99 ÷ alone', 'slowest, µs'];
  return table(`small calls on one connection, ${HEADINGS[kind]}`, head, rows);
}

function formatPaused(series: readonly StreamSeries<Paused, PausedSample>[]): string | undefined {
  const rows = series.flatMap(({ what, samples }) =>
    measured(samples).map(([system, taken]) => [
      describePaused(what),
      STREAM_SYSTEMS[system].label,
      formatSummary(summarize(taken.map(({ heapBytes }) => heapBytes / 1_024))),
      formatSummary(summarize(taken.map(({ rssBytes }) => rssBytes / 1_024))),
      summary(taken, 'itemsAhead'),
      stoppedBy(taken, what),
    ]),
  );
  const grown = ['heap, KiB a connection', 'RSS, KiB a connection', 'items ahead of the reader'];
  const title = 'growth of the server while readers have stopped, once nothing more is taken';
  return table(title, ['', '', ...grown, 'the source was ended'], rows);
}

function stoppedBy(taken: readonly PausedSample[], { growthBytesMax }: Paused): string {
  if (!taken.some(({ isShut }) => isShut)) return 'no';
  return `by the bench, at ${growthBytesMax / 1_048_576} MiB in all`;
}

function measured<Sample>(
  samples: ReadonlyMap<StreamSystemName, readonly Sample[]>,
): readonly (readonly [StreamSystemName, readonly Sample[]])[] {
  return [...samples].filter(([, taken]) => taken.length > 0);
}

function summary<M extends string>(taken: readonly Readonly<Record<M, number>>[], metric: M) {
  return formatSummary(summarize(taken.map((sample) => sample[metric])));
}

function ratio<M extends string>(
  taken: readonly (Readonly<Record<M, number>> & { readonly round: number })[],
  samples: ReadonlyMap<
    StreamSystemName,
    readonly (Readonly<Record<M, number>> & { readonly round: number })[]
  >,
  metric: M,
): string {
  return ratioText(summarizeRatios(taken, samples.get(BASELINE) ?? [], metric));
}

function ratioText(it: { readonly median: number } | undefined): string {
  return it === undefined ? '' : it.median.toFixed(it.median < 100 ? 2 : 0);
}

function table(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string | undefined {
  return rows.length === 0 ? undefined : formatTable(title, [head, ...rows]);
}
