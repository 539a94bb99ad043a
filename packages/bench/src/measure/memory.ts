import type { Options } from '../options.ts';
import type { MemoryUsage } from '../processes/roles.ts';
import { SYSTEMS, type SystemName } from '../systems/index.ts';
import type { Failures } from './failures.ts';
import { killPair, startPair, type Pair } from './pair.ts';

/** What one idle connection holds in the server. */
export interface MemorySample {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export type MemorySamples = ReadonlyMap<SystemName, readonly MemorySample[]>;

/** Rounds beyond this tell nothing new: the heap is read after a collection. */
const ROUNDS_MAX = 3;
/** What is made once, at the first connections and calls, is no connection's: these come before. */
const WARM_UP_CONNECTIONS = 50;

export async function runMemory(
  { idleConnections, rounds, systems }: Options,
  failures: Failures,
  progress: (what: string) => void,
): Promise<MemorySamples> {
  const samples = new Map<SystemName, MemorySample[]>(systems.map((system) => [system, []]));
  if (idleConnections === 0) return samples;
  progress('memory');
  for (let round = 1; round <= Math.min(rounds, ROUNDS_MAX); round++) {
    // All at once: nothing here is timed, and no system sees the memory of another.
    await Promise.all(
      systems.map((system) =>
        failures.catch(`${SYSTEMS[system].label}, memory`, async () => {
          samples.get(system)?.push(await measureMemory(system, idleConnections));
        }),
      ),
    );
  }
  return samples;
}

/** In processes of their own: a heap that has grown before takes connections without growing. */
async function measureMemory(system: SystemName, connections: number): Promise<MemorySample> {
  const pair = await startPair(system);
  const { server, load } = pair;
  try {
    await openIdle(pair, WARM_UP_CONNECTIONS);
    await load.ask.release();
    const before = await server.ask.memory();
    await openIdle(pair, connections);
    const after = await server.ask.memory();
    await load.ask.release(); // Fails if a connection did not last.
    return perConnection(before, after, connections);
  } finally {
    await killPair(pair);
  }
}

/** Connections that have done one call each. */
async function openIdle({ system, server, load }: Pair, connections: number): Promise<void> {
  const cell = { connections, inFlight: 1 };
  const request = { system, url: server.url, kind: 'lean', cell, warmUpMs: 0 } as const;
  await load.ask.prepare({ ...request, checked: true });
}

function perConnection(before: MemoryUsage, after: MemoryUsage, connections: number): MemorySample {
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / connections,
    rssBytes: (after.rssBytes - before.rssBytes) / connections,
  };
}
