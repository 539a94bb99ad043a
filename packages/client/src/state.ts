import type { LineError } from '@openline/protocol';

/** What a line is doing. */
export type LineState =
  /** Nothing was asked of it yet. */
  | { readonly status: 'idle' }
  /** `attempt` counts from 1 since the line was last open. */
  | { readonly status: 'connecting'; readonly attempt: number }
  /** `resumed`: how often the session went on over another connection. */
  | { readonly status: 'open'; readonly sessionId: string; readonly resumed: number }
  /**
   * The last attempt failed with `error`, or, where `attempt` is 0, the connection was lost; the
   * next attempt is due at `retryAtMs` (as of `Date.now()`).
   */
  | {
      readonly status: 'waiting';
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly error: LineError;
    }
  /** By the application (`error` is `null`), or refused for good. `open()` opens it again. */
  | { readonly status: 'closed'; readonly error: LineError | null };
