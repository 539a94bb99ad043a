/** What may be said of one call. */
export interface CallOptions {
  /**
   * How long the caller waits, in milliseconds; then the call ends with code `TIMEOUT`, and the
   * procedure's `signal` aborts. `Infinity` for ever. Default: that of the line; none for a
   * subscription, which may say how long it waits for its first word from the procedure.
   */
  readonly timeoutMs?: number | undefined;
  /** Where the line is not open: `'wait'` for it, or `'fail'` at once with code `OFFLINE`. Default: `'wait'`. */
  readonly whenOffline?: 'wait' | 'fail' | undefined;
}

const KEY = 'openline';

/**
 * Options of a call, to be spread into those that tRPC takes, or given to React Query's `trpc`:
 *
 * `api.send.mutate(input, { signal, ...callOptions({ timeoutMs: 5_000 }) })`
 *
 * @throws a `RangeError` for a timeout that is not above zero.
 */
export function callOptions(options: CallOptions): { readonly context: Record<string, unknown> } {
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(timeoutMs > 0)) {
    throw new RangeError('timeoutMs is above zero');
  }
  return { context: { [KEY]: options } };
}

export function readCallOptions(context: Readonly<Record<string, unknown>>): CallOptions {
  return (context[KEY] as CallOptions | undefined) ?? {};
}
