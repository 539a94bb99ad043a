/**
 * What the other side may do next: `never` connect again by itself, `resume` the session, start
 * `afresh` with a new one, or come back `later`, after a delay.
 */
export type Retry = 'never' | 'resume' | 'afresh' | 'later';

/**
 * Every error that ends a connection or a session, with its close code (4000 to 4999 is private
 * use, RFC 6455 section 7.4.2). The hundreds of the code tell the {@link Retry} class, so that a
 * code of a newer peer still has one. The names go over the wire: add, never rename or reuse.
 */
export const CLOSE_CODES = {
  /** The application on that side closed its line. */
  CLOSED: 1000,

  /** Nothing was heard from the other side for too long. */
  PEER_SILENT: 4001,

  /** A fault in that side's own code ended the session. */
  INTERNAL: 4300,
  /** A counted frame was due and another one came, or more was acknowledged than was sent. */
  SEQUENCE_BROKEN: 4309,
  /** No such session here: unknown, expired, or not this client's. */
  SESSION_GONE: 4310,
  /** The other side exceeded a limit that this side had stated. */
  LIMIT_EXCEEDED: 4313,

  /** A message that the protocol does not define. */
  FRAME_MALFORMED: 4400,
  /** The application refused the client. */
  REJECTED: 4401,
  /** The application ended the session. */
  SESSION_ENDED: 4403,
  /** The codec that was asked for is not spoken here. */
  CODEC_UNSUPPORTED: 4415,
  /** The version that was asked for is not spoken here. */
  VERSION_UNSUPPORTED: 4426,

  /** The server leaves. */
  GOING_AWAY: 4501,
  /** What answered first was no Openline server. */
  NOT_OPENLINE: 4502,
  /** The server has as many connections as it takes. */
  TOO_MANY: 4503,
  /** The application could not decide on the client now. */
  UNAVAILABLE: 4504,
  /** No `hello` came, or it was not answered, in time. */
  HANDSHAKE_LATE: 4508,
} as const;

export type ErrorCode = keyof typeof CLOSE_CODES;

export function isErrorCode(value: unknown): value is ErrorCode {
  // hasOwn, not `in`: the name comes from the peer and may be "toString".
  return typeof value === 'string' && Object.hasOwn(CLOSE_CODES, value);
}

/** The retry class of any close code, also of one that only a newer peer or a proxy knows. */
export function retryOf(closeCode: number): Retry {
  if (closeCode === 1000) return 'afresh';
  if (closeCode === 1009) return 'afresh'; // Replay would bring the message again that was too large.
  if (closeCode >= 4300 && closeCode < 4400) return 'afresh';
  if (closeCode >= 4400 && closeCode < 4500) return 'never';
  if (closeCode >= 4500 && closeCode < 4600) return 'later';
  return 'resume';
}

/** The one error class of the protocol. Switch on `code`, never on `message`. */
export class OpenlineError extends Error {
  override readonly name: string = 'OpenlineError';
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
  return new OpenlineError('FRAME_MALFORMED', `malformed: ${what}`, { cause });
}
