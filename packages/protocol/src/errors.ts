import * as CODES from './close-codes.ts';
import { MESSAGE_TOO_BIG } from './constants.ts';

/**
 * What the other side may do next: `never` connect again by itself, `resume` the session, start
 * `afresh` with a new one, or come back `later`, after a delay.
 */
export type Retry = 'never' | 'resume' | 'afresh' | 'later';

/** The name of an error that ends a connection or a session. */
export type ErrorName = keyof typeof CODES;
/** The close code that says it. */
export type ErrorCode = (typeof CODES)[ErrorName];

/** The name by which a `reject` says the code. */
export function nameOf(code: ErrorCode): ErrorName {
  for (const [name, value] of Object.entries(CODES)) {
    if (value === code) return name as ErrorName;
  }
  throw new TypeError('no close code');
}

/** What the hundreds of a close code say, from 4300 on. */
const RETRIES: readonly Retry[] = ['afresh', 'never', 'later'];

/** The retry class of any close code, also of one that only a newer peer or a proxy knows. */
export function retryOf(closeCode: number): Retry {
  // Replay would bring the message again that was too large.
  if (closeCode === CODES.CLOSED || closeCode === MESSAGE_TOO_BIG) return 'afresh';
  return RETRIES[Math.floor(closeCode / 100) - 43] ?? 'resume';
}

/** The one error class of the protocol. Switch on `code`, never on `message`. */
export class OpenlineError extends Error {
  override readonly name: string = 'OpenlineError';
  /** What closes the connection. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Refuses input that is not what the protocol defines. It names what is wrong with a word or two
 * of the SPEC, and never echoes the input.
 */
export function malformed(what: string, cause?: unknown): OpenlineError {
  return new OpenlineError(CODES.FRAME_MALFORMED, `malformed: ${what}`, { cause });
}
