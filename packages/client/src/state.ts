import type { LineError } from '@openline/protocol';

/** What a line is doing. */
export type LineState =
  /** Nothing was asked of it yet. */
  | { readonly status: 'idle' }
  /** `attempt` is 1 for the first attempt since it was last open. */
  | { readonly status: 'connecting'; readonly attempt: number }
  | { readonly status: 'open'; readonly sessionId: string }
  /** The last attempt failed with `error`; the next one is due at `retryAtMs` (as of `Date.now()`). */
  | {
      readonly status: 'waiting';
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly error: LineError;
    }
  /** By the application (`error` is `null`), or refused for good. `open()` opens it again. */
  | { readonly status: 'closed'; readonly error: LineError | null };
