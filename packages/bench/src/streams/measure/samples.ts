import { setTimeout } from 'node:timers/promises';
import type { LatencyFigures } from '../load/latencies.ts';
import type { TapReading } from '../processes/roles.ts';
import type { StreamPair } from './pair.ts';
import type { Calls, Flow, Paused, Ticks } from './scenarios.ts';

export interface FlowSample {
  readonly round: number;
  readonly itemsPerSecond: number;
  /** CPU time of the server process for an item, all its threads together. */
  readonly cpuMicros: number;
  /** Share of the time for which the server computed; far below 1, the load was the slower side. */
  readonly busy: number;
}

export interface LatencySample extends LatencyFigures {
  readonly round: number;
}

/** What the server holds for one connection whose reader has stopped. */
export interface PausedSample {
  readonly round: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Items that were taken of the source and not read. */
  readonly itemsAhead: number;
  /** Nothing but the bench has stopped the source. */
  readonly isShut: boolean;
}

export async function takeFlow(
  { system, url, server, load }: StreamPair,
  { direction, bytes, count }: Flow,
  round: number,
): Promise<FlowSample> {
  await load.ask.open(system, url);
  // Both readings are taken while nothing is under way, so the difference is for these items only.
  const before = await server.ask.cpu();
  const elapsedMs = await load.ask[direction]({ bytes, count });
  const after = await server.ask.cpu();
  await load.ask.close();
  const cpuMicros = after.totalMicros - before.totalMicros;
  return {
    round,
    itemsPerSecond: (count / elapsedMs) * 1_000,
    cpuMicros: cpuMicros / count,
    busy: cpuMicros / (elapsedMs * 1_000),
  };
}

export async function takeTicks(
  { system, url, load }: StreamPair,
  ticks: Ticks,
  round: number,
): Promise<LatencySample> {
  await load.ask.open(system, url);
  const figures = await load.ask.ticks(ticks);
  await load.ask.close();
  return { round, ...figures };
}

export async function takeCalls(
  { system, url, load }: StreamPair,
  calls: Calls,
  round: number,
): Promise<LatencySample> {
  return { round, ...(await load.ask.calls({ system, url, ...calls })) };
}

/** In processes of their own: a heap that has grown before takes items without growing. */
export async function takePaused(
  { system, url, server, load }: StreamPair,
  { connections, bytes, items, stillMs, growthBytesMax }: Paused,
  round: number,
): Promise<PausedSample> {
  await load.ask.openReaders({ system, url, connections, bytes });
  await server.ask.resetTap(growthBytesMax);
  const before = await server.ask.memory();
  await load.ask.read(items);
  const { taken, isShut } = await awaitStill(server.ask, stillMs);
  const after = await server.ask.memory();
  await load.ask.read(items); // Fails where the stream does not go on with what is due.
  await load.ask.cutReaders();
  return {
    round,
    heapBytes: (after.heapBytes - before.heapBytes) / connections,
    rssBytes: (after.rssBytes - before.rssBytes) / connections,
    itemsAhead: taken / connections - items,
    isShut,
  };
}

/** Waits until nothing more is taken of the sources: they wait, or have been ended. */
async function awaitStill(
  { tap }: Pick<StreamPair['server']['ask'], 'tap'>,
  stillMs: number,
): Promise<TapReading> {
  let latest = await tap();
  for (;;) {
    await setTimeout(stillMs);
    const reading = await tap();
    if (reading.taken === latest.taken) return reading;
    latest = reading;
  }
}
