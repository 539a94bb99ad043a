import type { AnyTRPCRouter, TRPCError } from '@trpc/server';
import type { Session } from '@openline/server';

/** A server of the story, as the procedures that run in it know it. */
export interface AppNode {
  readonly name: string;
  /** What a dead one does is no part of the history. */
  readonly isAlive: boolean;
  readonly credentials: {
    /** How long the server could have known that what expired then has expired, in milliseconds. */
    overdueMs(expiresAtMs: number): number;
  };
}

/** Who a node takes a client for. */
export interface Admission {
  readonly session: Session;
  readonly node: AppNode;
  /** Until when that counts, as of `Date.now()`; `Infinity` for ever. */
  readonly expiresAtMs: number;
}

/** What the servers of a story serve. */
export interface App {
  readonly router: AnyTRPCRouter;
  /** Makes the context of a client's calls. */
  readonly context: (admission: Admission) => unknown;
  /** An error that is meant to happen. */
  readonly isMeant: (error: TRPCError) => boolean;
}
