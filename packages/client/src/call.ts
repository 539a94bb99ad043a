import type { CallKind, LineError, OutgoingCall } from '@openline/protocol';
import type { CallOptions } from './call-options.ts';
import type { LineState } from './state.ts';

/** Who waits for a call: the tRPC link. None of these may throw. */
export interface CallSink {
  /** The line's state, now and at each change; for subscriptions only. */
  line(state: LineState): void;
  subscribed(): void;
  item(data: unknown, eventId: string | undefined): void;
  result(data: unknown): void;
  /** The procedure has come to its end. */
  end(): void;
  /** The application wants no more of it. */
  complete(): void;
  /** `error` is there when not the procedure answered, but the server's admission. */
  answered(shape: unknown, error?: LineError): void;
  failed(error: LineError, cause?: unknown): void;
}

export interface CallRequest {
  readonly kind: CallKind;
  readonly path: string;
  readonly input: unknown;
}

/** What the link needs of a line. */
export interface CallStarter {
  start(request: CallRequest, options: CallOptions, sink: CallSink): LineCall;
  /** Nobody waits for the call any more. */
  drop(call: LineCall): void;
  /** Ends the call with code `ABORTED`. */
  abort(call: LineCall, cause: unknown): void;
}

/** A call as the line keeps it, over as many sessions as it takes. */
export interface LineCall extends CallRequest {
  readonly timeoutMs: number | undefined;
  /**
   * When the caller's time is over, on the monotonic clock; `Infinity` for never, as for a
   * subscription that has begun.
   */
  deadlineMs: number;
  readonly sink: CallSink;
  /** The id of the last tracked item; kept across items without one. */
  lastEventId: string | undefined;
  /** The call in the current session; `undefined` once it has ended. */
  outgoing: OutgoingCall<LineCall> | undefined;
}

/** What may be said of a call that ends now: only one that was never written surely did not run. */
export function outcomeSoFar(call: LineCall): 'not-executed' | 'unknown' {
  return call.outgoing === undefined || call.outgoing.unwritten !== undefined
    ? 'not-executed'
    : 'unknown';
}
