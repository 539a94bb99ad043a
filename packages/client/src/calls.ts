import type { LineError } from '@openline/protocol';
import { outcomeSoFar, type LineCall } from './call.ts';
import { Deadlines } from './deadlines.ts';
import { LineSession, type LineSessionHost } from './session.ts';

/** What may wait for the line to open, or for others to end. */
export interface QueueLimits {
  /** Default: 10,000. */
  readonly queueCallsMax: number;
  /** Default: 16 MiB. */
  readonly queueBytesMax: number;
}

/** The calls of a line, over as many sessions as it takes. Each ends exactly once. */
export class Calls {
  readonly #host: LineSessionHost;
  readonly #limits: QueueLimits;
  readonly #deadlines: Deadlines;
  #session: LineSession;

  constructor(host: LineSessionHost, limits: QueueLimits) {
    this.#host = host;
    this.#limits = limits;
    this.#session = new LineSession(host);
    this.#deadlines = new Deadlines(
      () => this.open,
      (call) =>
        this.#give(call, {
          code: 'TIMEOUT',
          outcome: outcomeSoFar(call),
          message: `no answer came within ${call.timeoutMs} ms`,
        }),
    );
  }

  /** The session that new calls go into. */
  get session(): LineSession {
    return this.#session;
  }

  /** Calls that have not ended. */
  get open(): readonly LineCall[] {
    return this.#session.calls.map((call) => call.owner);
  }

  start(call: LineCall): void {
    const { waitingCount, waitingBytes } = this.#session.driver.session;
    const { queueCallsMax, queueBytesMax } = this.#limits;
    if (waitingCount >= queueCallsMax || waitingBytes >= queueBytesMax) {
      const message = 'too many calls are waiting';
      return call.sink.failed({ code: 'QUEUE_FULL', outcome: 'not-executed', message });
    }
    if (this.#send(call)) this.#deadlines.add(call, performance.now());
  }

  /** The caller does not want it any more. */
  abort(call: LineCall, cause: unknown): void {
    const outcome = outcomeSoFar(call);
    this.#give(call, { code: 'ABORTED', outcome, message: 'the caller aborted the call' }, cause);
  }

  /** Tells the server that nobody waits for the call, and nobody else. */
  drop(call: LineCall): void {
    this.#session.cancel(call);
  }

  /**
   * The session is over. Subscriptions are made again in a new one, and calls that were never
   * written go there; what may have been executed ends with `error`, its outcome unknown.
   */
  moveToNewSession(error: Omit<LineError, 'outcome'>): void {
    const calls = this.open;
    const lost: LineCall[] = [];
    this.#session = new LineSession(this.#host);
    for (const call of calls) {
      const goesOn = call.kind === 'subscription' || outcomeSoFar(call) === 'not-executed';
      call.outgoing = undefined;
      if (goesOn) this.#send(call);
      else lost.push(call);
    }
    // Last, since the owner of one may close the line.
    for (const { sink } of lost) sink.failed({ ...error, outcome: 'unknown' });
  }

  /** Ends every call: `end` says how. Calls that are made from here on go into a new session. */
  endAll(end: (call: LineCall, outcome: 'not-executed' | 'unknown') => void): void {
    const calls = this.open;
    this.#deadlines.clear();
    this.#session = new LineSession(this.#host);
    for (const call of calls) {
      const outcome = outcomeSoFar(call);
      call.outgoing = undefined;
      end(call, outcome);
    }
  }

  /** `false`: the call has ended, since its input cannot be encoded. */
  #send(call: LineCall): boolean {
    try {
      this.#session.call(call);
    } catch (cause) {
      const message = 'the input cannot be encoded';
      call.sink.failed({ code: 'ENCODING', outcome: 'not-executed', message }, cause);
      return false;
    }
    this.#session.driver.wake();
    return true;
  }

  #give(call: LineCall, error: LineError, cause?: unknown): void {
    this.#session.cancel(call);
    call.sink.failed(error, cause);
  }
}
