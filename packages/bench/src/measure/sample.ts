import type { LoadRequest } from '../processes/roles.ts';
import type { Pair } from './pair.ts';

/** One measurement of one system. */
export interface Sample {
  readonly round: number;
  readonly calls: number;
  /** CPU time of the server process for a call, all its threads together. */
  readonly cpuMicros: number;
  readonly callsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Share of the time for which the server computed; far below 1, the load was the slower side. */
  readonly busy: number;
}

export async function takeSample(
  { system, server, load }: Pair,
  what: Omit<LoadRequest, 'system' | 'url'>,
  { durationMs, round }: { readonly durationMs: number; readonly round: number },
): Promise<Sample> {
  await load.ask.prepare({ ...what, system, url: server.url });
  // Both readings are taken while nothing is in flight, so the difference is for these calls only.
  const before = await server.ask.cpu();
  const { calls, elapsedMs, p50Micros, p99Micros } = await load.ask.measure(durationMs);
  const after = await server.ask.cpu();
  await load.ask.release();
  const cpuMicros = after.totalMicros - before.totalMicros;
  return {
    round,
    calls,
    cpuMicros: cpuMicros / calls,
    callsPerSecond: (calls / elapsedMs) * 1_000,
    p50Micros,
    p99Micros,
    busy: cpuMicros / (elapsedMs * 1_000),
  };
}
