import { KEY_LENGTH_MAX } from '@openline/protocol';
import { CONTEXT_KEY } from './constants.ts';

/** What may be said of one call. */
export interface CallOptions {
  /**
   * How long the caller waits, in milliseconds; then the call ends with code `TIMEOUT`, and the
   * procedure's `signal` aborts. `Infinity` for ever. Default: that of the line; none for a
   * subscription, which may say how long it waits for its first word from the procedure, and none
   * where the input holds a stream.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Calls of a `once` procedure with the same key are one: the second gets what the first gave. With
   * another path or input it ends with code `KEY_REUSED`. 1 to 256 UTF-16 code units. Default: each call has
   * a key of its own.
   */
  readonly idempotencyKey?: string | undefined;
  /** Where the line is not open: `'wait'` for it, or `'fail'` at once with code `OFFLINE`. Default: `'wait'`. */
  readonly whenOffline?: 'wait' | 'fail' | undefined;
}

/**
 * Options of a call, to be spread into those that tRPC takes, or given to React Query's `trpc`:
 *
 * `api.send.mutate(input, { signal, ...callOptions({ timeoutMs: 5_000 }) })`
 *
 * @throws a `RangeError` for a timeout that is not above zero, or a key of another length.
 */
export function callOptions(options: CallOptions): { readonly context: Record<string, unknown> } {
  const { timeoutMs, idempotencyKey } = options;
  const length = idempotencyKey?.length ?? 1;
  if (length < 1 || length > KEY_LENGTH_MAX) {
    throw new RangeError(`idempotencyKey has 1 to ${KEY_LENGTH_MAX} characters`);
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0)) {
    throw new RangeError('timeoutMs is above zero');
  }
  return { context: { [CONTEXT_KEY]: options } };
}

export function readCallOptions(context: Readonly<Record<string, unknown>>): CallOptions {
  return (context[CONTEXT_KEY] as CallOptions | undefined) ?? {};
}
