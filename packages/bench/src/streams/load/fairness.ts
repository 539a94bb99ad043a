import type { BulkRequest } from '../systems/system.ts';
import type { Caller } from './caller.ts';
import { Latencies, type LatencyFigures } from './latencies.ts';

/**
 * Small calls, one after the other, for so long at least; each of them alone, or made while something
 * large is under way. What is large comes whole, and again until the time is over.
 */
export async function measureCalls(
  caller: Caller,
  beside: BulkRequest | undefined,
  durationMs: number,
): Promise<LatencyFigures> {
  const latencies = new Latencies();
  const endMs = performance.now() + durationMs;
  do {
    let isUnderWay = true;
    const bulk = beside === undefined ? undefined : caller.bulk(beside);
    const over = bulk?.finally(() => (isUnderWay = false));
    over?.catch(() => {}); // It is awaited below, once a call that fails for it has failed.
    do {
      const startMs = performance.now();
      await caller.call();
      latencies.record((performance.now() - startMs) * 1_000);
    } while (bulk === undefined ? performance.now() < endMs : isUnderWay);
    await over;
  } while (performance.now() < endMs);
  return latencies.figures();
}
