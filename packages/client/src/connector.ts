import {
  retryOf,
  type Codec,
  type Connection,
  type LineError,
  type Message,
  type Reject,
  type Welcome,
} from '@openline/protocol';
import { backoffMs } from './backoff.ts';
import { STABLE_MS, TIMER_MS_MAX } from './constants.ts';
import { dial, type DialHost, type LineDriver } from './dial.ts';
import { lineErrorOf } from './errors.ts';
import { optionOf, type LineOptions } from './options.ts';
import type { LineState } from './state.ts';
import { webSocketUrl } from './url.ts';
import { onWake } from './wake.ts';
import type { WebSocketClass } from './websocket.ts';

/** Whose connections are made. */
export interface ConnectorHost extends Pick<DialHost, 'opened' | 'gone'> {
  readonly codec: Codec;
  /** The first message on the connection, made anew for each. */
  hello(params: unknown): Message;
  /** The server does not take the client, and no attempt follows. */
  refused(error: LineError, shape?: unknown): void;
  changed(state: LineState): void;
}

/** Makes connections: dials, waits, dials again, until it is stopped. Knows nothing of calls. */
export class Connector implements DialHost {
  readonly #host: ConnectorHost;
  readonly #options: LineOptions;
  readonly #WebSocket: WebSocketClass;
  readonly #stopWake: () => void;
  #abandonDial: (() => void) | undefined;
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

  constructor(host: ConnectorHost, options: LineOptions, WebSocket: WebSocketClass) {
    this.#host = host;
    this.#options = options;
    this.#WebSocket = WebSocket;
    this.#stopWake = onWake(() => this.#wake());
  }

  start(): void {
    void this.#connect();
  }

  /** The open connection is lost, and what was under way to replace it is given up. */
  lost(closeCode: number, message: string): void {
    const nowMs = performance.now();
    const openMs = nowMs - (this.#openedAtMs ?? nowMs);
    this.#failures = openMs < STABLE_MS ? this.#failures + 1 : 1;
    this.#openedAtMs = undefined;
    this.#attempt = 0;
    this.#giveUp();
    if (retryOf(closeCode) === 'never') return this.#host.refused(lineErrorOf('REJECTED', message));
    const error = lineErrorOf('OFFLINE', message);
    const orderedMs = this.#notBeforeMs - nowMs;
    if (orderedMs > 0) this.#wait(error, orderedMs, orderedMs);
    else this.#waitLonger(error);
  }

  /** The server leaves: another connection is made while this one still lives. */
  goaway(spreadMs: number): void {
    this.#giveUp();
    const waitMs = Math.random() * spreadMs;
    this.#wait(lineErrorOf('OFFLINE', 'the server leaves'), waitMs, waitMs);
  }

  /** Makes no more attempts. */
  stop(): void {
    this.#stopWake();
    this.#giveUp();
  }

  opened(connection: Connection, welcome: Welcome): LineDriver | undefined {
    this.#abandonDial = undefined;
    this.#attempt = 0;
    this.#openedAtMs = performance.now();
    return this.#host.opened(connection, welcome);
  }

  gone(reject: Reject): void {
    this.#host.gone(reject);
  }

  rejected({ message, retry, delayMs, shape }: Reject): void {
    this.#abandonDial = undefined;
    const words = message || 'the server refused the client';
    const error = { ...lineErrorOf('REJECTED', words), retryAfterMs: delayMs || undefined };
    // While the line is open, who may not replace the connection still has it.
    if (retry === 'never' && !this.#isOpen) return this.#host.refused(error, shape);
    this.#failures++;
    this.#waitLonger(error, delayMs);
  }

  failed(message: string): void {
    this.#abandonDial = undefined;
    this.#failures++;
    this.#waitLonger(lineErrorOf('OFFLINE', message));
  }

  get #isOpen(): boolean {
    return this.#openedAtMs !== undefined;
  }

  #giveUp(): void {
    this.#generation++;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#abandonDial?.();
    this.#abandonDial = undefined;
  }

  #wake(): void {
    if (this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    const restMs = this.#notBeforeMs - performance.now();
    if (restMs > 0) this.#connectIn(restMs);
    else void this.#connect();
  }

  async #connect(): Promise<void> {
    this.#retryTimer = undefined;
    const generation = ++this.#generation;
    this.#changed({ status: 'connecting', attempt: ++this.#attempt });
    try {
      const url = webSocketUrl(await optionOf(this.#options.url));
      if (generation !== this.#generation) return;
      const params = await optionOf(this.#options.params);
      if (generation !== this.#generation) return;
      this.#abandonDial = dial(this, this.#WebSocket, url, this.#host.codec, () =>
        this.#host.hello(params),
      );
    } catch (cause) {
      // The application's url or params threw, or there is no such address.
      if (generation !== this.#generation) return;
      this.failed(cause instanceof Error ? cause.message : 'no connection');
    }
  }

  #connectIn(waitMs: number): void {
    this.#retryTimer = setTimeout(() => void this.#connect(), waitMs);
  }

  #waitLonger(error: LineError, delayMs?: number): void {
    this.#wait(error, backoffMs(this.#failures, Math.random(), delayMs), delayMs);
  }

  /** `orderedMs` is the part of the wait that the server asked for: no wake shortens it. */
  #wait(error: LineError, wantedMs: number, orderedMs = 0): void {
    const waitMs = Math.min(wantedMs, TIMER_MS_MAX);
    this.#notBeforeMs = performance.now() + Math.min(orderedMs, TIMER_MS_MAX);
    this.#connectIn(waitMs);
    const retryAtMs = Date.now() + waitMs;
    this.#changed({ status: 'waiting', attempt: this.#attempt, retryAtMs, error });
  }

  /** While the line is open, nobody is told of attempts to replace its connection. */
  #changed(state: LineState): void {
    if (!this.#isOpen) this.#host.changed(state);
  }
}
