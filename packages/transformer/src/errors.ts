const CODES = [
  'UNSUPPORTED',
  'CYCLIC',
  'TOO_DEEP',
  'TOO_LONG',
  'MALFORMED',
  'UNKNOWN_TYPE',
] as const;

/**
 * What is wrong. When serializing: a value that cannot be carried is `UNSUPPORTED`, one that
 * contains itself is `CYCLIC`. When deserializing: `MALFORMED` was written by no transformer,
 * `UNKNOWN_TYPE` perhaps by a newer one. Both ways: nested deeper than `DEPTH_MAX` is `TOO_DEEP`,
 * above another limit `TOO_LONG`.
 */
export type TransformerErrorCode = (typeof CODES)[number];

/** The one error of this package. Switch on `code`, never on `message`. */
export class TransformerError extends Error {
  override readonly name: string = 'TransformerError';
  readonly code: TransformerErrorCode;

  constructor(code: TransformerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Refuses what a peer sent: `what` names the type it should have been. The message never echoes
 * the input.
 */
export function malformed(what: string, cause?: unknown): TransformerError {
  return new TransformerError('MALFORMED', `malformed ${what}`, { cause });
}

/** Whether a caught value is one, also of another copy of this package. */
export function isTransformerError(error: unknown): error is TransformerError {
  if (!(error instanceof Error) || error.name !== 'TransformerError') return false;
  return CODES.includes((error as TransformerError).code);
}
