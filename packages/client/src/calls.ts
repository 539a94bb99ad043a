import type { LineErrorCode, LineError } from '@openline/protocol';
import type { LineCall } from './call.ts';
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
  /** The session that new calls go into. */
  session: LineSession;
  readonly #host: LineSessionHost;
  readonly #limits: QueueLimits;
  readonly #deadlines: Deadlines<LineCall>;
  /** Takes the place of the session once the server has taken it. */
  #next: LineSession | undefined;
  /** Sessions whose server leaves, with calls that it may still answer. */
  readonly #leaving = new Set<LineSession>();

  constructor(host: LineSessionHost, limits: QueueLimits) {
    this.#host = host;
    this.#limits = limits;
    this.session = new LineSession(host);
    this.#deadlines = new Deadlines(
      () => this.open,
      (call) => {
        call.fail({ code: 'TIMEOUT', message: `no answer came within ${call.timeoutMs} ms` });
        call.drop();
      },
    );
  }

  /** The session that the next connection is for. */
  get dialled(): LineSession {
    return this.#next ?? this.session;
  }

  /** Calls that have not ended. */
  get open(): readonly LineCall[] {
    return this.#sessions.flatMap(({ calls }) => calls);
  }

  start(call: LineCall): void {
    const { waitingCount, waitingBytes } = this.session.driver.session;
    const { queueCallsMax, queueBytesMax } = this.#limits;
    if (waitingCount >= queueCallsMax || waitingBytes >= queueBytesMax) {
      call.fail({ code: 'QUEUE_FULL', message: 'too many calls are waiting' });
    } else if (this.#send(call)) this.#deadlines.add(call, performance.now());
  }

  /** The server of the session leaves: the next connection is for another one. */
  prepareMove(): void {
    this.#next = new LineSession(this.#host);
  }

  cancelMove(): void {
    this.#next = undefined;
  }

  /**
   * The other session is there. What the one that leaves has not begun goes there, and so does a
   * subscription that misses nothing by it. The rest ends where it is.
   */
  move(): void {
    const left = this.session;
    this.session = this.dialled;
    this.#next = undefined;
    this.#leaving.add(left);
    for (const call of left.calls) {
      if (call.isTied) continue;
      if (call.outcome() === 'unknown' && call.lastEventId === undefined) continue;
      left.cancel(call);
      this.#send(call);
    }
    left.leave();
  }

  /**
   * A session is over. What surely did not run goes into another one, and so do subscriptions and,
   * where the server may be asked `again`, queries, and mutations that it may have recorded. The rest
   * ends as `code`, its outcome unknown.
   *
   * @param received How many counted frames the server had when it forgot the session, if it says so.
   */
  over(
    session: LineSession,
    message: string,
    { code = 'SESSION_LOST', again = true, received }: SessionEnd = {},
  ): void {
    const lost: LineCall[] = [];
    const error: LineError = { code, outcome: 'unknown', message };
    const { calls } = session;
    session.stopClocks();
    this.#leaving.delete(session);
    if (session === this.session) this.session = new LineSession(this.#host);
    for (const call of calls) {
      const { kind, isSubscription } = call;
      call.mayHaveRun = call.outcome(received) === 'unknown';
      if (kind === 'mutation' && call.mayHaveRun) call.first ??= session.sendingOf(call);
      call.outgoing = undefined;
      const isAsked = isSubscription || (again && (kind === 'query' || call.first !== undefined));
      if (call.isTied || (call.mayHaveRun && !isAsked)) lost.push(call);
      else if (this.#send(call) && call.mayHaveRun && isSubscription) {
        // From an event id on, nothing is missing.
        if (call.lastEventId === undefined) call.connecting(error);
      }
    }
    // Last, since the owner of one may close the line.
    for (const call of lost) call.fail({ code, message });
  }

  /**
   * The server of the session is known. Without a journal it might run again what it is asked about;
   * else it is told how old that is by now.
   */
  vouch(session: LineSession, journal: string | undefined): void {
    const message = 'the session is gone, and the server keeps no record';
    for (const call of session.calls) {
      if (call.first === undefined || call.outgoing?.unwritten === undefined) continue;
      session.cancel(call);
      if (journal !== undefined) session.call(call);
      else call.fail({ code: 'SESSION_LOST', message });
    }
  }

  /** Ends every call: `end` says how. Gives the sessions that may have a connection to close. */
  endAll(end: (call: LineCall, outcome: 'not-executed' | 'unknown') => void): LineSession[] {
    const { open } = this;
    const sessions = this.#sessions;
    for (const session of sessions) session.stopClocks();
    this.#deadlines.clear();
    this.#leaving.clear();
    this.#next = undefined;
    this.session = new LineSession(this.#host);
    for (const call of open) {
      const outcome = call.outcome();
      call.outgoing = undefined;
      end(call, outcome);
    }
    return sessions;
  }

  get #sessions(): LineSession[] {
    return [...this.#leaving, this.session];
  }

  /** `false`: the call has ended, since its input cannot be encoded. */
  #send(call: LineCall): boolean {
    try {
      this.session.call(call);
      return true;
    } catch (cause) {
      call.fail({ code: 'ENCODING', message: 'the input cannot be encoded' }, cause);
      return false;
    }
  }
}

/** What is known of the end of a session, beside that it is over. */
interface SessionEnd {
  readonly code?: LineErrorCode;
  readonly again?: boolean;
  readonly received?: number | undefined;
}
