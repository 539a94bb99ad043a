import type { Greeting } from './greeting.ts';
import type { ServerSession } from './session.ts';

/** How often deadlines are looked at, in milliseconds, unless the keep-alive interval is shorter. */
const SWEEP_MS = 500;

export interface RosterOptions {
  readonly keepAliveMs: number;
  readonly handshakeTimeoutMs: number;
}

/** Who is here, and the one clock that looks after them all: no connection has a timer of its own. */
export class Roster {
  readonly connections = new Set<Greeting>();
  readonly #sessions = new Map<
    string,
    { readonly session: ServerSession; readonly turn: number }
  >();
  readonly #options: RosterOptions;
  readonly #turns: number;
  readonly #whenEmpty: (() => void)[] = [];
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#turns = Math.max(1, Math.floor(options.keepAliveMs / SWEEP_MS));
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  hasSession(id: string): boolean {
    return this.#sessions.has(id);
  }

  addSession(session: ServerSession): void {
    // Each has a turn of its own, so that the pings of many do not go out at once.
    this.#sessions.set(session.id, { session, turn: this.#sessions.size % this.#turns });
  }

  removeSession(session: ServerSession): void {
    this.#sessions.delete(session.id);
  }

  /** The clock runs only while somebody is here, and keeps no process alive. */
  addConnection(greeting: Greeting): void {
    this.connections.add(greeting);
    this.#timer ??= setInterval(
      () => this.#sweep(),
      this.#options.keepAliveMs / this.#turns,
    ).unref();
  }

  removeConnection(greeting: Greeting): void {
    this.connections.delete(greeting);
    if (this.connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }

  /** Resolves when nobody is here. */
  untilEmpty(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  #sweep(): void {
    const nowMs = performance.now();
    this.#turn = (this.#turn + 1) % this.#turns;
    for (const greeting of this.connections) {
      if (greeting.isOpen && nowMs - greeting.sinceMs >= this.#options.handshakeTimeoutMs) {
        greeting.refuse('HANDSHAKE_LATE', 'the handshake took too long');
      }
    }
    for (const { session, turn } of this.#sessions.values()) {
      session.expireCalls(nowMs);
      if (turn === this.#turn) session.driver.tick();
    }
  }
}
