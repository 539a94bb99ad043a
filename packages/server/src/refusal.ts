import { CODES, type ErrorCode } from '@openline/protocol';

/** What a client is told that is not admitted. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** Of a session that is gone: how many counted frames of the client it had received. */
  readonly received?: number | undefined;
  /** What the router's error formatter made of the application's error. */
  readonly shape?: unknown;
}

export const SESSION_GONE: Refusal = {
  code: CODES.SESSION_GONE,
  message: 'no such session is held here',
};
export const SUPERSEDED: Refusal = {
  code: CODES.SUPERSEDED,
  message: 'a later connection has the session',
};
export const LEAVING: Refusal = { code: CODES.GOING_AWAY, message: 'the server leaves' };
export const RESUMED_TOO_OFTEN: Refusal = {
  code: CODES.TOO_MANY,
  message: 'the session is resumed too often',
};
