import { numberedItems } from '../router.ts';
import { nowMicros } from '../clock.ts';
import type { StreamClient } from '../systems/system.ts';
import { ItemChecker } from '../workload.ts';
import { Latencies, type LatencyFigures } from './latencies.ts';

/** How many items to carry, and of how many bytes. */
export interface FlowRequest {
  readonly bytes: number;
  readonly count: number;
}

/** Reads a subscription to its end. Gives how long it took, in milliseconds. */
export async function measureDown(
  { api }: StreamClient,
  { bytes, count }: FlowRequest,
): Promise<number> {
  const checker = new ItemChecker(bytes);
  const startMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const onData = (item: unknown): void => attempt(() => checker.check(item), reject);
    api.items.subscribe({ bytes, count }, { onData, onError: reject, onComplete: resolve });
  });
  assertAll(checker.count, count);
  return performance.now() - startMs;
}

/** Sends a stream to its end, until the server has said that it has read it. */
export async function measureUp(
  { upload }: StreamClient,
  { bytes, count }: FlowRequest,
): Promise<number> {
  if (upload === undefined) throw new Error('this system has no upload');
  const startMs = performance.now();
  assertAll(await upload(bytes, numberedItems(bytes, count)), count);
  return performance.now() - startMs;
}

/** How old items of a slow source are when they come. */
export async function measureTicks(
  { api }: StreamClient,
  { everyMs, count }: { readonly everyMs: number; readonly count: number },
): Promise<LatencyFigures> {
  const latencies = new Latencies();
  let came = 0;
  await new Promise<void>((resolve, reject) => {
    const onData = ({ n, atMicros }: { readonly n: number; readonly atMicros: number }): void => {
      latencies.record(nowMicros() - atMicros);
      attempt(() => {
        if (n !== came++) throw new Error(`item ${n} came out of order`);
      }, reject);
    };
    api.ticks.subscribe({ everyMs, count }, { onData, onError: reject, onComplete: resolve });
  });
  assertAll(came, count);
  return latencies.figures();
}

function attempt(work: () => void, reject: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    reject(error);
  }
}

function assertAll(came: number, expected: number): void {
  if (came !== expected) throw new Error(`${came} items came, not ${expected}`);
}
