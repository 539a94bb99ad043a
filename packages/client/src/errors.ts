import { TRPCClientError } from '@trpc/client';
import type { AnyTRPCRouter, inferRouterError } from '@trpc/server';
import type { LineError, LineErrorCode, Outcome } from '@openline/protocol';

export function lineErrorOf(
  code: LineErrorCode,
  message: string,
  outcome: Exclude<Outcome, 'failed'> = 'not-executed',
): LineError {
  return { code, outcome, message };
}

/** Makes the error of a call that ended without the procedure's answer: no shape, no data. */
export function lineClientError<R extends AnyTRPCRouter>(
  error: LineError,
  cause?: unknown,
): TRPCClientError<R> {
  const reason = cause instanceof Error ? cause : new Error(error.message, { cause });
  return TRPCClientError.from<R>(reason, { meta: { openline: error } });
}

/**
 * Makes the error that the server answered with. `error` is there when it was not the procedure
 * that answered, but the server's admission.
 */
export function answeredClientError<R extends AnyTRPCRouter>(
  shape: inferRouterError<R>,
  error?: LineError,
): TRPCClientError<R> {
  return TRPCClientError.from<R>({ error: shape }, error && { meta: { openline: error } });
}

/**
 * What the line knows about an error of a call: a stable code, the outcome, a message for people.
 * Takes anything that was caught; `undefined` where the procedure itself answered with the error,
 * or where it is no error of a call over a line.
 */
export function lineError(error: unknown): LineError | undefined {
  const known = read(read(error, 'meta'), 'openline');
  const isOurs =
    typeof read(known, 'code') === 'string' && typeof read(known, 'outcome') === 'string';
  return isOurs ? (known as LineError) : undefined;
}

/**
 * What may be believed of a call that ended in this error. `'failed'`: its procedure ran and
 * answered with it. `'not-executed'`: it did not run, and sending it again is safe. `'unknown'`: it
 * may have run; so is any error that does not come from a call over a line.
 */
export function outcomeOf(error: unknown): Outcome {
  const known = lineError(error);
  if (known !== undefined) return known.outcome;
  return hasShape(error) ? 'failed' : 'unknown';
}

/**
 * The server answered with this error: the procedure, or `createContext` where the client was
 * refused. Then shape and data are there, as the router's error formatter made them.
 */
export function isAnswered<E extends { readonly shape: unknown; readonly data: unknown }>(
  error: E,
): error is E & { readonly shape: NonNullable<E['shape']>; readonly data: NonNullable<E['data']> } {
  return hasShape(error);
}

function hasShape(error: unknown): boolean {
  return (read(error, 'shape') ?? undefined) !== undefined;
}

/** A member of what may be anything: nothing that was caught makes these functions throw. */
function read(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}
