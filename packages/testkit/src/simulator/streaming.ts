import { CALLER, watch, type SourceState, type Streamed, type StreamName } from './flows.ts';
import { endingOf } from './ending-of.ts';
import type { Ending, History } from './history.ts';
import type { Reading } from './story.ts';
import { failureOf, padOf, sleep } from './work.ts';

/** Of which stream of which call it is, and what it brings. */
export interface SourceOptions {
  readonly n: number;
  readonly of: StreamName;
  /** The run that gives it, by its order. */
  readonly by?: number | undefined;
  readonly items: number;
  /** Before each item. */
  readonly takesMs: number;
  readonly outLength: number;
  readonly fails: boolean;
}

/** A stream to be written: what is asked of it goes into the history. */
export function sourceOf(history: History, options: SourceOptions): AsyncIterable<Streamed> {
  const { n, of, by = CALLER } = options;
  return watchIn(history, n, of, by, itemsOf(options, of, by));
}

/** As {@link sourceOf}, of what gives the items. */
export function watchIn(
  history: History,
  n: number,
  of: StreamName,
  by: number,
  items: AsyncGenerator<Streamed, void>,
): AsyncIterable<Streamed> {
  const isAnswered = (): boolean => of === 'lines' && history.isAnswered(n);
  const tell = (state: SourceState): void => history.tell(`${of} of ${n} has ${state}`);
  return watch(history.writes(n, of, by), items, isAnswered, tell);
}

async function* itemsOf(
  { n, items, takesMs, outLength, fails }: SourceOptions,
  of: StreamName,
  by: number,
): AsyncGenerator<Streamed, void> {
  for (let i = 1; i <= items; i++) {
    if (takesMs > 0) await sleep(takesMs);
    yield { n, of, by, i, pad: padOf(n, outLength) };
  }
  if (fails) throw failureOf({ n });
}

/** What a stream brings: who reads it, and how that ended, goes into the history. */
export async function* readOf(
  history: History,
  n: number,
  of: StreamName,
  by: number,
  stream: AsyncIterable<Streamed>,
): AsyncGenerator<Streamed, void> {
  const read = history.reads(n, of, by);
  let ending: Ending = { kind: 'left' };
  try {
    for await (const item of stream) {
      history.streamed(n, read, item);
      yield item;
    }
    ending = { kind: 'complete' };
  } catch (error) {
    ending = endingOf(error);
    throw error;
  } finally {
    history.streamEnded(n, read, ending);
  }
}

/** Reads as it is to be read. To throw is left to who asked. */
export async function readAll(
  items: AsyncIterable<unknown>,
  reading: Reading | undefined,
  pause: (ms: number) => Promise<void>,
): Promise<{ readonly count: number; readonly isLeft: boolean }> {
  let count = 0;
  for await (const _ of items) {
    if (++count !== reading?.items) continue;
    if (reading.pauseMs > 0) await pause(reading.pauseMs);
    if (reading.next !== 'goes-on') return { count, isLeft: true };
  }
  return { count, isLeft: false };
}
