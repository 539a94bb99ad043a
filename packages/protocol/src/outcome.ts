/** What a caller may believe about a call that ended in an error. */
export type Outcome =
  /** The procedure ran and answered with this error. */
  | 'failed'
  /** The procedure did not run. Sending it again is safe. */
  | 'not-executed'
  /** It may have run; nobody can say. */
  | 'unknown';

/**
 * Why a call ended without the procedure's answer.
 */
export type LineErrorCode =
  | CallErrorCode
  /** The caller's time was over. */
  | 'TIMEOUT'
  /** The line was not open, and the call was not to wait. */
  | 'OFFLINE'
  /** As many calls were waiting as the line allows. */
  | 'QUEUE_FULL'
  /** The server refused the client. */
  | 'REJECTED'
  /** The application closed the line. */
  | 'CLOSED'
  /** A limit of the session was exceeded. */
  | 'LIMIT'
  /** The input is larger than the server takes. */
  | 'PAYLOAD_TOO_LARGE'
  /** The input could not be encoded. */
  | 'ENCODING'
  /** The answer came, and the transformer could not read it. */
  | 'DECODING';

/** Why the other side ended a call without an answer of the procedure. The names go over the wire. */
export type CallErrorCode =
  | 'BUSY'
  | 'CANCELLED'
  | 'ABORTED'
  | 'NO_ANSWERER'
  | 'UNSUPPORTED'
  | 'INTERNAL'
  /** The session ended while the call was under way, and nobody can say what became of it. */
  | 'SESSION_LOST'
  | 'KEY_REUSED';

/** Whether the procedure ran, by each code. */
export const CALL_ERRORS: Readonly<Record<CallErrorCode, Exclude<Outcome, 'failed'>>> = {
  /** More calls were open than the callee allows. */
  BUSY: 'not-executed',
  /** The `cancel` came before the procedure was started. */
  CANCELLED: 'not-executed',
  /** The `cancel` or the timeout came while it ran; the procedure has settled since. */
  ABORTED: 'unknown',
  /** This side answers no calls at all. */
  NO_ANSWERER: 'not-executed',
  /** A frame of the call is of a kind that the peer does not know. */
  UNSUPPORTED: 'unknown',
  /** The procedure settled, and making its answer failed. */
  INTERNAL: 'unknown',
  /** It was sent in an earlier session, and there is no record to vouch for it. */
  SESSION_LOST: 'unknown',
  /** Its idempotency key was used before, with another path or input. */
  KEY_REUSED: 'not-executed',
};

export function isCallErrorCode(value: unknown): value is CallErrorCode {
  return typeof value === 'string' && Object.hasOwn(CALL_ERRORS, value);
}

/** What is known about a call that ended without the procedure's answer. */
export interface LineError {
  readonly code: LineErrorCode;
  readonly outcome: Outcome;
  /** For people; it may change. */
  readonly message: string;
  /** When the server said so: not before this many milliseconds. */
  readonly retryAfterMs?: number | undefined;
}
