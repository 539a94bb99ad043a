import type { Random } from '../random.ts';
import { FOREVER_MS, type CallStep, type ProcedureName, type StorySettings } from './story.ts';

/** Steps begin within this time, in milliseconds. */
export const STEPS_MS = 3_000;

const PROCEDURES: readonly ProcedureName[] = [
  'ask',
  'ask',
  'set',
  'set',
  'setOnce',
  'setOnce',
  'tracked',
  'mixed',
  'counted',
  'observed',
];

export function generateCall(random: Random, settings: StorySettings): CallStep {
  const procedure = random.pick(PROCEDURES);
  const isStream = !['ask', 'set', 'setOnce'].includes(procedure);
  const lengths = [0, 0, 0, 10, 300, 5_000, random.chance(30) ? 150_000 : 0];
  const timeoutMs = random.chance(15) && !isStream ? random.integer(1, 4_000) : undefined;
  const abortAfterMs = random.chance(20) ? random.integer(0, 2_000) : undefined;
  // A recorded run goes on when its session is gone, and would for all that time.
  const isPlain = procedure === 'ask' || procedure === 'set';
  const isEndless = isPlain && (timeoutMs ?? abortAfterMs) !== undefined && random.chance(40);
  const step: CallStep = {
    type: 'call',
    atMs: random.integer(0, STEPS_MS),
    line: random.integer(0, settings.lines - 1),
    procedure,
    takesMs: isEndless ? FOREVER_MS : random.pick([0, 0, 1, 10, 50, 300, isStream ? 10 : 1_500]),
    items: isStream ? random.pick([0, 1, 3, 10, 40]) : 0,
    inLength: random.pick(lengths),
    outLength: isStream ? random.pick([0, 0, 10, 2_000, 20_000]) : random.pick(lengths),
    fails: random.chance(15),
    reading: undefined,
    timeoutMs,
    abortAfterMs,
    key: undefined,
  };
  if (procedure !== 'setOnce' || random.chance(60)) return step;
  // Calls with the same key have the same input.
  const key = random.integer(1, 2);
  return { ...step, key, takesMs: key * 30, inLength: 10, outLength: 10, fails: key === 2 };
}

/** Mutations that one line makes at one instant: they start in this order. */
export function generateBurst(random: Random, settings: StorySettings): CallStep[] {
  const atMs = random.integer(0, STEPS_MS);
  const line = random.integer(0, settings.lines - 1);
  return Array.from({ length: random.integer(3, 6) }, () => ({
    type: 'call',
    atMs,
    line,
    procedure: 'set',
    takesMs: random.pick([0, 0, 1, 50]),
    items: 0,
    inLength: random.pick([0, 10, 300]),
    outLength: random.pick([0, 10, 300]),
    fails: random.chance(10),
    reading: undefined,
    timeoutMs: undefined,
    abortAfterMs: undefined,
    key: undefined,
  }));
}
