import type { Which } from '../network/hellos.ts';
import type { Direction } from '../network/link.ts';

/** The world of a story, before anything happens in it. Durations in milliseconds. */
export interface StorySettings {
  readonly servers: number;
  /** A client comes back to the server that it had, while that one takes connections. */
  readonly isSticky: boolean;
  readonly lines: number;
  /** Clients say who they are. */
  readonly isIdentified: boolean;
  /** How long what they say of themselves counts, in the first ten seconds; `undefined` for ever. */
  readonly credentialsMs: number | undefined;
  readonly windowMs: number;
  /** Sessions without a connection that a server keeps: with 0, until it next looks. */
  readonly sessionsMax: number;
  readonly keepAliveMs: number;
  /** How long a server asks who a client is. */
  readonly contextMs: number;
  /** What a server holds for a client before producers wait, in bytes. */
  readonly backlogBytesMax: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
}

/** What a pause for ever is drawn as, in milliseconds: no story lasts so long. */
export const FOREVER_MS = 600_000;

/** Procedures that take streams, return them, or both. */
export const STREAM_PROCEDURES = ['upload', 'survey', 'listed', 'pair', 'echo'] as const;
export type StreamProcedureName = (typeof STREAM_PROCEDURES)[number];
export type ProcedureName =
  'ask' | 'set' | 'setOnce' | 'tracked' | 'mixed' | 'counted' | 'observed' | StreamProcedureName;

/** How a stream is read, where not all of it is at once. */
export interface Reading {
  /** Items that are read before anything else. At least 1. */
  readonly items: number;
  /** Then nothing is read for so long; from {@link FOREVER_MS} on, until the reader is sent away. */
  readonly pauseMs: number;
  readonly next: 'goes-on' | 'leaves' | 'throws';
}

export interface CallStep {
  readonly type: 'call';
  readonly atMs: number;
  readonly line: number;
  readonly procedure: ProcedureName;
  /** Of a stream: before each item. */
  readonly takesMs: number;
  /** Of a stream: how many; of the others 0. */
  readonly items: number;
  /** Characters that pad the input. */
  readonly inLength: number;
  /** Characters that pad each output, and each item of a stream. */
  readonly outLength: number;
  /** The procedure throws at its end; of calls with streams, who gives the items does. */
  readonly fails: boolean;
  /** Of `upload` and `survey`: by the procedure. Of the others with streams: by the caller. */
  readonly reading: Reading | undefined;
  readonly timeoutMs: number | undefined;
  /** The caller gives it up. */
  readonly abortAfterMs: number | undefined;
  /** Calls of a `once` procedure with the same key are one. */
  readonly key: number | undefined;
}

export function hasStreams({ procedure }: CallStep): boolean {
  return (STREAM_PROCEDURES as readonly ProcedureName[]).includes(procedure);
}

export type FaultStep = { readonly atMs: number } & (
  | { readonly type: 'cut'; readonly line: number }
  /** The connection breaks once so many more bytes have arrived. */
  | {
      readonly type: 'cut-at-byte';
      readonly line: number;
      readonly direction: Direction;
      readonly bytes: number;
    }
  | {
      readonly type: 'half-open';
      readonly line: number;
      readonly direction: Direction | 'both';
      readonly how: 'swallows' | 'clogs';
    }
  | {
      readonly type: 'delay';
      readonly line: number;
      readonly direction: Direction | 'both';
      readonly byMs: number;
      readonly forMs: number;
    }
  | {
      readonly type: 'slow-reader';
      readonly line: number;
      readonly direction: Direction;
      readonly forMs: number;
    }
  /** What the client sends comes so late that its next connection overtakes it. */
  | {
      readonly type: 'overtake';
      readonly line: number;
      readonly byMs: number;
      /** Until the client loses the connection. */
      readonly afterMs: number;
    }
  | { readonly type: 'outage'; readonly how: 'refuses' | 'silent'; readonly forMs: number }
  /** A hello comes again, on a connection that is kept for a while. */
  | {
      readonly type: 'duplicate-hello';
      readonly line: number;
      readonly which: Which;
      readonly forMs: number;
    }
  /** The client's machine sleeps: its timers fire late, and what comes for it waits. */
  | { readonly type: 'sleep'; readonly line: number; readonly forMs: number }
  /** The process is stopped as a sleeping machine is, and goes on with all its memory. */
  | { readonly type: 'stop-server'; readonly server: number; readonly forMs: number }
  /** It dies with all its memory; another one takes its place. */
  | {
      readonly type: 'kill-server';
      readonly server: number;
      readonly backAfterMs: number;
      readonly losesJournal: boolean;
      /** Its machine is gone too: nobody is told. */
      readonly vanishes: boolean;
    }
  | {
      readonly type: 'drain-server';
      readonly server: number;
      readonly timeoutMs: number;
      readonly spreadMs: number;
    }
  /** The clock on the wall is set, for all. */
  | { readonly type: 'clock-jump'; readonly byMs: number }
  | { readonly type: 'refresh'; readonly line: number }
  /** The application closes the line and opens it again. */
  | { readonly type: 'reopen'; readonly line: number; readonly afterMs: number }
);

export type Step = CallStep | FaultStep;

/** What happens in one run of the simulator. It says everything: the same story runs the same. */
export interface Story {
  readonly seed: number;
  readonly settings: StorySettings;
  /** By time. */
  readonly steps: readonly Step[];
}

/** All that can befall a story; of some, what came of it is told apart. */
export const FAULT_NAMES = [
  'cut',
  'cut-at-byte',
  'half-open',
  'delay',
  'slow-reader',
  'overtake',
  'outage',
  'duplicate-hello, taken',
  'duplicate-hello, refused',
  'sleep',
  'stop-server',
  'kill-server',
  'kill-server with its journal',
  'drain-server',
  'clock-jump',
  'refresh',
  'reopen',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];
