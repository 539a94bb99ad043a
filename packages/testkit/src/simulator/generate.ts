import { createRandom } from '../random.ts';
import { generateBurst, generateCall, STEPS_MS } from './generate-calls.ts';
import { generateFaults } from './generate-faults.ts';
import { generateSettings } from './generate-settings.ts';
import { generateStreams } from './generate-streams.ts';
import { endsSessions } from './promises.ts';
import type { CallStep, Story } from './story.ts';

/** Streams are drawn by chance of their own: so the rest of a story is what it is without them. */
const STREAMS_SEED = 2 ** 32;

/** Draws a story: all of it follows from the seed. */
export function generateStory(seed: number): Story {
  const random = createRandom(seed);
  const settings = generateSettings(random);
  const calls: CallStep[] = [];
  for (let count = random.integer(2, 12); count > 0; count--) {
    calls.push(generateCall(random, settings));
  }
  if (random.chance(25)) calls.push(...generateBurst(random, settings));
  const kinds = random.chance(40) ? 'gentle' : 'all';
  // Much of what can go wrong does so while something is under way.
  const atMs = (): number =>
    random.chance(50)
      ? random.pick(calls).atMs + random.integer(0, 6 * settings.latencyMs + 100)
      : random.integer(0, STEPS_MS + 500);
  const faults = generateFaults(random, settings, kinds, random.integer(0, 5), atMs);
  const streams = generateStreams(createRandom(seed + STREAMS_SEED), settings, kinds);
  const steps = [...calls, ...faults, ...streams].sort((a, b) => a.atMs - b.atMs);
  return { seed, settings, steps };
}

/** What befalls one client and its servers, without any calls. */
export interface Weather {
  /** Faults happen within this time, in milliseconds. */
  readonly withinMs: number;
  /** Whether a session may be lost. */
  readonly endsSessions: boolean;
}

/** Draws a story for those who make their own calls: all of it follows from the seed. */
export function generateWeather(seed: number, weather: Weather): Story {
  const random = createRandom(seed);
  const drawn = {
    ...generateSettings(random),
    lines: 1,
    isIdentified: false,
    credentialsMs: undefined,
  };
  const lasting = { servers: 1, windowMs: 120_000, sessionsMax: 10_000 };
  const settings = weather.endsSessions ? drawn : { ...drawn, ...lasting };
  const atMs = (): number => random.integer(0, weather.withinMs);
  const kinds = weather.endsSessions ? 'all' : 'gentle';
  const steps = generateFaults(random, settings, kinds, random.integer(1, 5), atMs)
    // Closing the line is for who has it.
    .filter((step) => step.type !== 'reopen' && (weather.endsSessions || !endsSessions(step)))
    .sort((a, b) => a.atMs - b.atMs);
  return { seed, settings, steps };
}
