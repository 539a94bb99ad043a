import type { Random } from '../random.ts';
import { STEPS_MS } from './generate-calls.ts';
import { generateFaults, type FaultKinds } from './generate-faults.ts';
import {
  FOREVER_MS,
  type CallStep,
  type FaultStep,
  type Reading,
  type StorySettings,
  type StreamProcedureName,
} from './story.ts';

/** In so many stories out of a hundred there are calls with streams. */
const STREAMS_PERCENT = 50;
const PROCEDURES: readonly StreamProcedureName[] = [
  'upload',
  'upload',
  'survey',
  'listed',
  'pair',
  'pair',
  'echo',
];
/** How many items, and how long each: less than a window, just as much, many windows, and pieces. */
const SIZES: readonly (readonly [items: number, length: number])[] = [
  [0, 0],
  [1, 10],
  [3, 300],
  [15, 0],
  [16, 0],
  [17, 300],
  [40, 0],
  [40, 5_000],
  [120, 10],
  [400, 0],
  [20, 20_000],
  [5, 150_000],
];
const PAUSES_MS = [0, 10, 300, 2_000, 20_000, FOREVER_MS];

/** Calls with streams, and more faults while they are under way. */
export function generateStreams(
  random: Random,
  settings: StorySettings,
  kinds: FaultKinds,
): (CallStep | FaultStep)[] {
  if (!random.chance(STREAMS_PERCENT)) return [];
  const calls = Array.from({ length: random.integer(1, 3) }, () => generateCall(random, settings));
  const atMs = (): number =>
    random.pick(calls).atMs + random.integer(0, 6 * settings.latencyMs + random.pick([50, 500]));
  return [...calls, ...generateFaults(random, settings, kinds, random.integer(1, 4), atMs)];
}

function generateCall(random: Random, settings: StorySettings): CallStep {
  const procedure = random.pick(PROCEDURES);
  const isRead = procedure === 'upload' || procedure === 'survey';
  const [items, outLength] = random.pick(SIZES);
  const reading = random.chance(60) ? generateReading(random, items, isRead) : undefined;
  // Nobody else would end what a procedure does for ever.
  const isGivenUp = random.chance(15) || (isRead && reading?.pauseMs === FOREVER_MS);
  return {
    type: 'call',
    atMs: random.integer(0, STEPS_MS),
    line: random.integer(0, settings.lines - 1),
    procedure,
    takesMs: random.pick([0, 0, 1, items > 40 ? 2 : 50]),
    items,
    inLength: random.pick([0, 0, 10, random.chance(10) ? 150_000 : 300]),
    outLength,
    fails: random.chance(15),
    reading,
    timeoutMs: random.chance(5) ? random.integer(1, 4_000) : undefined,
    abortAfterMs: isGivenUp ? random.integer(0, 3_000) : undefined,
    key: undefined,
  };
}

function generateReading(random: Random, items: number, mayThrow: boolean): Reading {
  const ways = ['goes-on', 'goes-on', 'leaves', mayThrow ? 'throws' : 'leaves'] as const;
  return {
    items: random.integer(1, Math.max(1, random.pick([1, 20, items]))),
    pauseMs: random.pick(PAUSES_MS),
    next: random.pick(ways),
  };
}
