import {
  retryOf,
  type Connection,
  type ConnectionHandler,
  type LineError,
  type Message,
  type Reject,
  type Welcome,
} from '@openline/protocol';
import { backoffMs } from './backoff.ts';
import { Dial, type DialHost } from './dial.ts';
import type { LineState } from './state.ts';
import { TIMER_MS_MAX } from './timer.ts';
import { onWake } from './wake.ts';
import type { WebSocketClass } from './websocket.ts';

/** A connection that breaks before this age counts as a failed attempt, in milliseconds. */
const STABLE_MS = 5_000;

/** Whose connections are made. */
export interface ConnectorHost {
  /** Where to connect to. */
  address(): Promise<string>;
  /** What the application says of itself. */
  params(): Promise<unknown>;
  /** The first message on the connection, made anew for each. */
  hello(params: unknown): Message;
  /** Gives what is to handle the connection from here on. */
  opened(connection: Connection, welcome: Welcome): ConnectionHandler;
  /** The server does not take the client, and no attempt follows. */
  refused(error: LineError, shape: unknown): void;
  changed(state: LineState): void;
}

/** Makes connections: dials, waits, dials again, until it is stopped. Knows nothing of calls. */
export class Connector implements DialHost {
  readonly #host: ConnectorHost;
  readonly #WebSocket: WebSocketClass;
  readonly #stopWake: () => void;
  #dial: Dial | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Before this, on the monotonic clock, the server does not want the next attempt. */
  #notBeforeMs = 0;
  /** Attempts since the line was last open. */
  #attempt = 0;
  /** Attempts that failed, or made a connection that soon broke, without one between that held. */
  #failures = 0;
  #openedAtMs: number | undefined;
  /** Grows when an attempt is given up, so that what it still awaits is dropped. */
  #generation = 0;
  /** What a server that left has said of coming back. */
  #spreadMs = 0;

  constructor(host: ConnectorHost, WebSocket: WebSocketClass) {
    this.#host = host;
    this.#WebSocket = WebSocket;
    this.#stopWake = onWake(() => this.#wake());
  }

  start(): void {
    void this.#connect();
  }

  /** The open connection is lost. */
  lost(closeCode: number, message: string): void {
    const retry = retryOf(closeCode);
    const openMs = this.#openedAtMs === undefined ? 0 : performance.now() - this.#openedAtMs;
    this.#openedAtMs = undefined;
    this.#failures = openMs < STABLE_MS ? this.#failures + 1 : 1;
    if (retry === 'never') {
      const error: LineError = { code: 'REJECTED', outcome: 'not-executed', message };
      return this.#host.refused(error, undefined);
    }
    const error: LineError = { code: 'OFFLINE', outcome: 'not-executed', message };
    const spreadMs = Math.random() * this.#spreadMs;
    this.#spreadMs = 0;
    if (spreadMs > 0) this.#wait(error, spreadMs, spreadMs);
    else this.#wait(error, backoffMs(this.#failures, Math.random()));
  }

  goaway(spreadMs: number): void {
    this.#spreadMs = spreadMs;
  }

  welcomed(connection: Connection, welcome: Welcome): ConnectionHandler {
    this.#dial = undefined;
    this.#attempt = 0;
    this.#openedAtMs = performance.now();
    return this.#host.opened(connection, welcome);
  }

  rejected({ message, retry, delayMs, shape }: Reject): void {
    this.#dial = undefined;
    const error: LineError = {
      code: 'REJECTED',
      outcome: 'not-executed',
      message: message === '' ? 'the server refused the client' : message,
      retryAfterMs: delayMs > 0 ? delayMs : undefined,
    };
    if (retry === 'never') return this.#host.refused(error, shape);
    this.#failures++;
    this.#wait(error, backoffMs(this.#failures, Math.random(), delayMs), delayMs);
  }

  failed(reason: string): void {
    this.#dial = undefined;
    this.#failures++;
    const error: LineError = { code: 'OFFLINE', outcome: 'not-executed', message: reason };
    this.#wait(error, backoffMs(this.#failures, Math.random()));
  }

  /** Makes no more attempts. */
  stop(): void {
    this.#generation++;
    this.#stopWake();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#dial?.abandon();
  }

  #wake(): void {
    if (this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    const restMs = this.#notBeforeMs - performance.now();
    if (restMs <= 0) void this.#connect();
    else this.#retryTimer = setTimeout(() => void this.#connect(), restMs);
  }

  async #connect(): Promise<void> {
    this.#retryTimer = undefined;
    const generation = ++this.#generation;
    this.#host.changed({ status: 'connecting', attempt: ++this.#attempt });
    try {
      const url = await this.#host.address();
      if (generation !== this.#generation) return;
      const params = await this.#host.params();
      if (generation !== this.#generation) return;
      const hello = this.#host.hello(params);
      this.#dial = new Dial(this, this.#WebSocket, url, hello);
    } catch (cause) {
      // The application's url or params threw, or there is no such address.
      if (generation === this.#generation) {
        this.failed(cause instanceof Error ? cause.message : 'no connection');
      }
    }
  }

  /** `orderedMs` is the part of the wait that the server asked for: no wake shortens it. */
  #wait(error: LineError, wantedMs: number, orderedMs = 0): void {
    const waitMs = Math.min(wantedMs, TIMER_MS_MAX);
    this.#notBeforeMs = performance.now() + Math.min(orderedMs, TIMER_MS_MAX);
    this.#retryTimer = setTimeout(() => void this.#connect(), waitMs);
    const retryAtMs = Date.now() + waitMs;
    this.#host.changed({ status: 'waiting', attempt: this.#attempt, retryAtMs, error });
  }
}
