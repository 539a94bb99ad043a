import { CODES } from '@openline/protocol';
import type { Greeting } from './greeting.ts';
import type { Sessions } from './sessions.ts';

/** How often deadlines are looked at, in milliseconds, unless the keep-alive interval is shorter. */
const SWEEP_MS = 500;

/** How many sweeps there are in a keep-alive interval. */
export function turnsOf(keepAliveMs: number): number {
  return Math.max(1, Math.floor(keepAliveMs / SWEEP_MS));
}

export interface RosterOptions {
  readonly keepAliveMs: number;
  readonly handshakeTimeoutMs: number;
}

/** Who is connected, and the one clock that looks after all: nobody has a timer of their own. */
export class Roster {
  readonly connections = new Set<Greeting>();
  readonly #sessions: Sessions;
  readonly #options: RosterOptions;
  readonly #turns: number;
  readonly #whenEmpty: (() => void)[] = [];
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(sessions: Sessions, options: RosterOptions) {
    this.#sessions = sessions;
    this.#options = options;
    this.#turns = turnsOf(options.keepAliveMs);
  }

  /** The clock runs while there is somebody to look after, and keeps no process alive. */
  addConnection(greeting: Greeting): void {
    this.connections.add(greeting);
    this.#timer ??= setInterval(
      () => this.#sweep(),
      this.#options.keepAliveMs / this.#turns,
    ).unref();
  }

  removeConnection(greeting: Greeting): void {
    this.connections.delete(greeting);
    this.#stopIfIdle();
    if (this.connections.size > 0) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }

  /** Resolves when nobody is connected. */
  untilEmpty(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  #sweep(): void {
    const nowMs = performance.now();
    this.#turn = (this.#turn + 1) % this.#turns;
    for (const greeting of this.connections) {
      if (greeting.isOpen && nowMs - greeting.sinceMs >= this.#options.handshakeTimeoutMs) {
        greeting.refuse({ code: CODES.HANDSHAKE_LATE, message: 'the handshake took too long' });
      }
    }
    this.#sessions.sweep(nowMs, this.#turn);
    this.#stopIfIdle();
  }

  #stopIfIdle(): void {
    if (this.connections.size > 0 || !this.#sessions.isIdle) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
