import { BACKOFF_BASE_MS, BACKOFF_MAX_MS } from './constants.ts';

/**
 * How long to wait before an attempt to connect: full jitter, so that many clients that lost the
 * same server do not come back together.
 *
 * @param failures Attempts that failed since the line was last open, this one included; at least 1.
 * @param random At least 0, below 1.
 * @param delayMs What the server said: not before.
 */
export function backoffMs(failures: number, random: number, delayMs = 0): number {
  return delayMs + random * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** (failures - 1));
}
