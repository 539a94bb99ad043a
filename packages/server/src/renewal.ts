import { Bucket } from './bucket.ts';
import type { Contexts } from './contexts.ts';
import type { ConnectionInfo, Session } from './options.ts';
import { SessionView } from './session-view.ts';

/** How often a client may say fresh params at once, and a second. */
const BURST = 10;
const PER_SECOND = 1;

/** Whose params they are. */
export interface RenewalHost extends Session {
  mayBelongTo(id: string | undefined): boolean;
  take(view: SessionView, ctx: unknown): void;
  renewed(number: number, refusal?: string): void;
}

interface Params {
  readonly number: number;
  readonly params: unknown;
  /** The one that they came on. */
  readonly connection: ConnectionInfo;
}

/** Params that are made into a context now. */
interface Running {
  readonly number: number;
  readonly controller: AbortController;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
}

/**
 * Takes fresh params of a client over its live connection: one at a time, and then the latest. They
 * count only while that connection has the session: the next one brings params of its own.
 */
export class Renewal {
  readonly #session: RenewalHost;
  readonly #contexts: Contexts;
  readonly #timeoutMs: number;
  readonly #bucket = new Bucket(BURST, PER_SECOND);
  #running: Running | undefined;
  #waiting: Params | undefined;

  /** `timeoutMs`: how long a context may take. */
  constructor(session: RenewalHost, contexts: Contexts, timeoutMs: number) {
    this.#session = session;
    this.#contexts = contexts;
    this.#timeoutMs = timeoutMs;
  }

  renew(given: Params): void {
    if (!this.#bucket.take(performance.now())) {
      return this.#session.renewed(given.number, 'params are given too often');
    }
    if (this.#running === undefined) return void this.#run(given);
    if (this.#waiting !== undefined) {
      this.#session.renewed(this.#waiting.number, 'later params have replaced them');
    }
    this.#waiting = given;
  }

  /** The connection has the session no more: whatever came on it is dropped, and not answered. */
  drop(): void {
    this.#waiting = undefined;
    this.#stop();
  }

  /** Refuses params whose context takes too long. */
  sweep(nowMs: number): void {
    const running = this.#running;
    if (running === undefined || running.deadlineMs > nowMs) return;
    this.#stop();
    this.#session.renewed(running.number, 'the check of the params took too long');
    this.#runNext();
  }

  async #run({ number, params, connection }: Params): Promise<void> {
    const session = this.#session;
    const view = new SessionView(session);
    const controller = new AbortController();
    const deadlineMs = performance.now() + this.#timeoutMs;
    this.#running = { number, controller, deadlineMs };
    const { signal } = controller;
    try {
      const made = { session: view, connection, params, reason: 'refresh', signal } as const;
      const ctx = await this.#contexts.make(made);
      if (signal.aborted) return;
      if (session.mayBelongTo(view.claim?.id)) {
        session.take(view, ctx);
        session.renewed(number);
      } else session.renewed(number, 'the session belongs to somebody else');
    } catch (cause) {
      if (signal.aborted) return;
      this.#contexts.refuse(cause, view, ({ message }) => session.renewed(number, message));
    }
    this.#running = undefined;
    this.#runNext();
  }

  #stop(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.controller.abort();
  }

  #runNext(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) void this.#run(waiting);
  }
}
