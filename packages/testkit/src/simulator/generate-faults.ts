import type { Random } from '../random.ts';
import type { FaultStep, StorySettings } from './story.ts';

const DIRECTIONS = ['up', 'down', 'both'] as const;
const ONE_WAY = ['up', 'down'] as const;
const DURATIONS_MS = [20, 200, 1_000, 3_000, 20_000];
/** The longest is longer than any window. */
const SLEEPS_MS = [...DURATIONS_MS, 150_000];
const JUMPS_MS = [400, 4_000, 86_400_000];

type FaultType = FaultStep['type'];

/** What the network and the machines alone do. */
const GENTLE: readonly FaultType[] = [
  'cut',
  'cut-at-byte',
  'cut-at-byte',
  'cut-at-byte',
  'half-open',
  'delay',
  'slow-reader',
  'overtake',
  'overtake',
  'outage',
  'duplicate-hello',
  'duplicate-hello',
  'sleep',
  'stop-server',
  'refresh',
];
const ALL: readonly FaultType[] = [
  ...GENTLE,
  'kill-server',
  'kill-server',
  'drain-server',
  'drain-server',
  'drain-server',
  'reopen',
];

/** In so many stories out of a hundred a hello that was left behind comes at a bad moment. */
const STALE_HELLOS_PERCENT = 20;

/** Which faults: `gentle` ones end no server and no line. */
export type FaultKinds = 'gentle' | 'all';

/** Draws so many faults, and `atMs` draws when each happens. */
export function generateFaults(
  random: Random,
  settings: StorySettings,
  kinds: FaultKinds,
  count: number,
  atMs: () => number,
): FaultStep[] {
  const types = [...(kinds === 'gentle' ? GENTLE : ALL)];
  // Elsewhere nobody reads the clock on the wall.
  if (settings.credentialsMs !== undefined) types.push('clock-jump', 'clock-jump', 'clock-jump');
  const faults: FaultStep[] = [];
  if (count > 0 && random.chance(STALE_HELLOS_PERCENT)) {
    faults.push(...generateStaleHello(random, settings, atMs()));
  }
  while (faults.length < count) {
    faults.push(generateFault(random, settings, random.pick(types), atMs()));
  }
  return faults;
}

/**
 * The hello that made a session comes again while the client is away, or at another server just before
 * the client comes there.
 */
function generateStaleHello(random: Random, settings: StorySettings, atMs: number): FaultStep[] {
  const line = random.integer(0, settings.lines - 1);
  const awayMs = random.integer(20, 2_000);
  const forMs = 20_000;
  const hello = (ms: number): FaultStep => {
    return { type: 'duplicate-hello', atMs: ms, line, which: 'first', forMs };
  };
  if (random.chance(50)) {
    return [hello(atMs), { type: 'cut', atMs: atMs + random.integer(1, 500), line }];
  }
  return [
    { type: 'cut', atMs, line },
    { type: 'outage', atMs, how: 'refuses', forMs: awayMs + random.integer(0, 500) },
    hello(atMs + awayMs),
  ];
}

function generateFault(
  random: Random,
  settings: StorySettings,
  type: FaultType,
  atMs: number,
): FaultStep {
  const line = random.integer(0, settings.lines - 1);
  const server = random.integer(0, settings.servers - 1);
  const forMs = random.pick(DURATIONS_MS);
  const how = random.pick(['swallows', 'clogs'] as const);
  switch (type) {
    case 'cut':
      return { type, atMs, line };
    case 'cut-at-byte': {
      const bytes = random.integer(0, random.pick([100, 1_000, 30_000, 200_000]));
      return { type, atMs, line, direction: random.pick(ONE_WAY), bytes };
    }
    case 'half-open':
      return { type, atMs, line, direction: random.pick(DIRECTIONS), how };
    case 'delay': {
      const direction = random.pick(DIRECTIONS);
      return { type, atMs, line, direction, byMs: random.integer(10, 5_000), forMs };
    }
    case 'slow-reader':
      return { type, atMs, line, direction: random.pick(ONE_WAY), forMs };
    case 'overtake': {
      const afterMs = random.integer(1, 300);
      return { type, atMs, line, byMs: random.pick([300, 1_000, 3_000]), afterMs };
    }
    case 'outage':
      return { type, atMs, how: random.pick(['refuses', 'silent'] as const), forMs };
    case 'duplicate-hello':
      return { type, atMs, line, which: random.pick(['first', 'last', 'last']), forMs };
    case 'sleep':
      return { type, atMs, line, forMs: random.pick(SLEEPS_MS) };
    case 'stop-server':
      return { type, atMs, server, forMs: random.pick(SLEEPS_MS) };
    case 'kill-server': {
      const backAfterMs = random.pick([1, 100, 2_000]);
      const losesJournal = random.chance(40);
      return { type, atMs, server, backAfterMs, losesJournal, vanishes: random.chance(20) };
    }
    case 'drain-server': {
      const timeoutMs = random.pick([0, 500, 3_000, 10_000]);
      return { type, atMs, server, timeoutMs, spreadMs: random.pick([0, 50, 500]) };
    }
    case 'clock-jump':
      return { type, atMs, byMs: random.integer(-1, 1) * random.pick(JUMPS_MS) };
    case 'refresh':
      return { type, atMs, line };
    case 'reopen':
      return { type, atMs, line, afterMs: random.pick([1, 100, 1_000]) };
  }
}
