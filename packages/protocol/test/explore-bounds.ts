import { STREAM_WINDOW } from '../src/constants.ts';
import type { Bounds } from './explore-world.ts';

const ONE_CALL: Bounds = {
  calls: 1,
  items: 1,
  burst: 1,
  cancels: 0,
  ticks: 0,
  connections: 2,
  losses: 0,
  pauses: false,
  backlogBytesMax: 65_536,
};

/** What the stories are about, by what they may hold. */
export const BOUNDS = {
  loss: { ...ONE_CALL, losses: 1 },
  overtaking: { ...ONE_CALL, items: 0, connections: 3 },
  cancel: { ...ONE_CALL, items: 0, cancels: 1, losses: 1 },
  twoCalls: { ...ONE_CALL, calls: 2, items: 0 },
  ticks: { ...ONE_CALL, items: 0, ticks: 1 },
  /** Each time that it gives items, the server gives as many as it has credits at first. */
  credit: { ...ONE_CALL, items: 2, burst: STREAM_WINDOW, pauses: true, losses: 1 },
  /** One item and a call are more than a side may keep, and each message is more than a quarter. */
  full: { ...ONE_CALL, items: 2, backlogBytesMax: 12 },
  everything: { ...ONE_CALL, calls: 2, items: 2, cancels: 1, ticks: 1, connections: 3, losses: 1 },
} satisfies Readonly<Record<string, Bounds>>;
