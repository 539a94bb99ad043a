import type { CallRecord, History } from './history.ts';
import { FAULT_NAMES, STREAM_PROCEDURES, type FaultName } from './story.ts';

/** What can become of streams in a story. */
const OF_STREAMS = [
  ...STREAM_PROCEDURES,
  'a writer waits for its reader',
  'a window widens',
  'a reader pauses and goes on',
  'a reader pauses for ever',
  'a reader leaves',
  'a procedure throws while it reads',
  'a source fails',
  'a source is closed',
  'items come in pieces',
  'a stream is lost with its session',
] as const;

/** What is worth to be seen in the stories of many seeds. */
export type Sight = (typeof OF_STREAMS)[number] | `${FaultName}, under a stream`;
export const SIGHTS: readonly Sight[] = [
  ...OF_STREAMS,
  ...FAULT_NAMES.map((name) => `${name}, under a stream` as const),
];

const WINDOW = 16;
/** Longer items come in several messages. */
const MESSAGE_LENGTH = 65_536;

/** What there was of it in a story, and how often. */
export function sightsOf({ calls, faultsInStreams }: History): ReadonlyMap<Sight, number> {
  const sights = new Map<Sight, number>();
  for (const call of calls) {
    for (const sight of new Set(ofCall(call))) sights.set(sight, (sights.get(sight) ?? 0) + 1);
  }
  for (const [name, times] of faultsInStreams) sights.set(`${name}, under a stream`, times);
  return sights;
}

function* ofCall({ step, written, read, endings }: CallRecord): Generator<Sight> {
  const ending = endings[0]?.ending;
  const isLost = read.some(
    (one) => one.ending?.kind === 'error' && one.ending.code === 'SESSION_LOST',
  );
  if (isLost) yield 'a stream is lost with its session';
  if (read.length > 0 && ending?.kind === 'error' && ending.outcome === 'failed') {
    yield 'a procedure throws while it reads';
  }
  for (const { state, readAt } of written) {
    if (state === 'failed') yield 'a source fails';
    if (state === 'closed') yield 'a source is closed';
    const ahead = Math.max(0, ...readAt.map((count, at) => at + 1 - count));
    if (ahead >= WINDOW) yield 'a writer waits for its reader';
    if (ahead > WINDOW) yield 'a window widens';
  }
  for (const { items, ending: end, wasPausedForEver } of read) {
    if (items.length === 0) continue;
    yield* STREAM_PROCEDURES.filter((name) => name === step.procedure);
    if (step.outLength > MESSAGE_LENGTH) yield 'items come in pieces';
    if (wasPausedForEver) yield 'a reader pauses for ever';
    if (end?.kind === 'left') yield 'a reader leaves';
    const { reading } = step;
    if (reading !== undefined && reading.pauseMs > 0 && items.length > reading.items) {
      yield 'a reader pauses and goes on';
    }
  }
}
