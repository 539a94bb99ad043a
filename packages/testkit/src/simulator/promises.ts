import type { Step, Story } from './story.ts';

/** A side that is away for so long comes back well within a long window, in milliseconds. */
const AWAY_MS_MAX = 60_000;
const LONG_WINDOW_MS = 120_000;
/** Credentials that count for so long are asked for again in time, where nothing holds that up. */
const LASTING_MS = 5_000;
/** A line on which no message takes long, in bytes per millisecond. */
const WIDE_BYTES_PER_MS = 10_000;
/** What keeps no client from saying again who it is. */
const HARMLESS: ReadonlySet<Step['type']> = new Set(['call', 'refresh', 'cut']);

/**
 * Nothing in the story may cost a session: the window is long and nobody sleeps through it, the node
 * that holds it is there and is led to. Then no call may be lost, whatever the network does; unless the
 * credentials of the line have really expired, which the history tells.
 */
export function keepsSessions({ settings, steps }: Story): boolean {
  const { servers, isSticky, windowMs, sessionsMax } = settings;
  return (
    (servers === 1 || isSticky) &&
    windowMs >= LONG_WINDOW_MS &&
    sessionsMax > 0 &&
    steps.every((step) => !endsSessions(step))
  );
}

/** Whether it may cost a session, however long the window is. */
export function endsSessions(step: Step): boolean {
  switch (step.type) {
    case 'kill-server':
    case 'drain-server':
    case 'reopen':
      return true;
    case 'sleep':
    case 'stop-server':
      return step.forMs > AWAY_MS_MAX;
    default:
      return false;
  }
}

/** No server dies in it: what a `once` procedure gave stays on record. */
export function keepsRecords({ steps }: Story): boolean {
  return steps.every(({ type }) => type !== 'kill-server');
}

/** Nothing keeps a client from giving fresh params when it is asked: its credentials never expire. */
export function keepsCredentials({ settings, steps }: Story): boolean {
  const { credentialsMs, bytesPerMs } = settings;
  return (
    credentialsMs === undefined ||
    (credentialsMs >= LASTING_MS &&
      bytesPerMs >= WIDE_BYTES_PER_MS &&
      steps.every(({ type }) => HARMLESS.has(type)))
  );
}
