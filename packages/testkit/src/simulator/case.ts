import type { CallRecord, Run } from './history.ts';

/** What can be wrong with a history. */
export type Law =
  /** What was asked for did not come, though both ends lived. */
  | 'lost'
  /** What may happen once happened more often. */
  | 'doubled'
  | 'out-of-order'
  /** A caller was told what is not so. */
  | 'dishonest'
  /** A caller was told nothing. */
  | 'silent'
  /** Something is held that nobody needs any more. */
  | 'leaked'
  /** More is given than its reader has granted. */
  | 'unbounded'
  /** A side broke, or said what it never should. */
  | 'fault';

export interface Finding {
  readonly law: Law;
  readonly what: string;
}

/** What a call is judged by. */
export interface Case {
  readonly record: CallRecord;
  readonly runs: readonly Run[];
  /** No session of the line may be lost. */
  readonly keepsSessions: boolean;
  /** No record of a `once` procedure may be. */
  readonly keepsRecords: boolean;
  /** A key means the same for as long as the story lasts. */
  readonly keepsKeys: boolean;
  /** When a procedure first ran for its line. */
  readonly servedAtMs: number;
  /** The application closes the line of the call. */
  readonly isClosed: boolean;
  /** Other calls have the same key. */
  readonly isShared: boolean;
  /** Says what is wrong. */
  readonly find: (law: Law, what: string) => void;
}
