import type { Connection, ConnectionHandler, Message } from '@openline/protocol';
import type { Machine } from '../machine.ts';
import type { Random } from '../random.ts';
import { later } from './later.ts';
import { Pipe, type Parcel, type PipeSettings } from './pipe.ts';

/** A close that no goodbye came with. */
const ABNORMAL = 1006;

/** How long an end waits for the other's goodbye, in milliseconds: that of `ws`, and of browsers. */
const CLOSE_TIMEOUTS_MS = { client: 30_000, server: 2_000 } as const;

/** One end of a connection in memory. */
export class LinkEnd implements Connection {
  readonly machine: Machine;
  readonly #closeTimeoutMs: number;
  readonly #out: () => Pipe;
  readonly #abandoned: (wasOpen: boolean) => void;
  #handler: ConnectionHandler | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #stopTimer: (() => void) | undefined;

  /** Told of each parcel that comes, as it comes. */
  #onArrival: (() => void) | undefined;
  /** Parcels that have come. */
  arrivals = 0;

  /** `abandoned`: this end has dropped the connection without a word. */
  constructor(
    machine: Machine,
    closeTimeoutMs: number,
    out: () => Pipe,
    abandoned: (wasOpen: boolean) => void,
  ) {
    this.machine = machine;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#out = out;
    this.#abandoned = abandoned;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get bufferedBytes(): number {
    return this.#state === 'closed' ? 0 : this.#out().bufferedBytes;
  }

  watch(onArrival: () => void): void {
    this.#onArrival = onArrival;
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  send(messages: readonly Message[]): void {
    if (this.#state !== 'open') return;
    for (const message of messages) {
      // Copied: what a sender does with its bytes afterwards is not seen at the other end.
      const copy = typeof message === 'string' ? message : message.slice();
      this.#out().send({ kind: 'message', message: copy });
    }
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#out().send({ kind: 'close', code, reason });
    this.#stopTimer = this.#later(this.#closeTimeoutMs, () => this.abandon());
  }

  abandon(): void {
    if (this.#state === 'closed') return;
    this.#abandoned(this.#state === 'open');
    this.lost(0);
  }

  arrived(parcel: Parcel): void {
    this.machine.run(() => this.#take(parcel));
  }

  #take(parcel: Parcel): void {
    if (this.#state === 'closed') return;
    this.arrivals++;
    this.#onArrival?.();
    if (parcel.kind === 'message') return this.#handler?.message(parcel.message);
    if (this.#state === 'open') this.#out().send(parcel);
    this.#close(parcel.code, parcel.reason);
  }

  drained(): void {
    this.machine.run(() => {
      if (this.#state === 'open') this.#handler?.drained();
    });
  }

  /** The connection is gone; this end learns of it after a while. */
  lost(afterMs: number): void {
    if (this.#state === 'closed') return;
    this.#stopTimer?.();
    this.#state = 'closing';
    this.#stopTimer = this.#later(afterMs, () => this.#close(ABNORMAL, ''));
  }

  #later(ms: number, step: () => void): () => void {
    return later(ms, () => this.machine.run(step));
  }

  #close(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.#stopTimer?.();
    this.#state = 'closed';
    this.#handler?.closed(code, reason);
  }
}

/** A direction: from the client up to the server, or down from it. */
export type Direction = 'up' | 'down';

/** A connection in memory: two ends, and a pipe each way. */
export class Link {
  readonly client: LinkEnd;
  readonly server: LinkEnd;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #random: Random;
  readonly #forsaken: (by: Direction, ageMs: number) => void;
  readonly #madeAtMs = performance.now();
  #isHarmed = false;
  readonly #settings: PipeSettings;

  /** `forsaken`: an end has dropped the connection, in the middle of it and of its own accord. */
  constructor(
    machines: { readonly client: Machine; readonly server: Machine },
    random: Random,
    settings: PipeSettings,
    forsaken: (by: Direction, ageMs: number) => void,
  ) {
    this.#forsaken = forsaken;
    this.#random = random;
    this.#settings = settings;
    const { client: clientMs, server: serverMs } = CLOSE_TIMEOUTS_MS;
    this.client = new LinkEnd(
      machines.client,
      clientMs,
      () => this.#up,
      (wasOpen) => this.#abandoned('up', wasOpen),
    );
    this.server = new LinkEnd(
      machines.server,
      serverMs,
      () => this.#down,
      (wasOpen) => this.#abandoned('down', wasOpen),
    );
    this.#up = this.#pipe(this.server, this.client);
    this.#down = this.#pipe(this.client, this.server);
  }

  /** One of its ends has been asleep since it was made. */
  get #isSleepy(): boolean {
    return [this.client, this.server].some(({ machine }) => machine.wakesAtMs >= this.#madeAtMs);
  }

  get isOver(): boolean {
    return this.client.isClosed && this.server.isClosed;
  }

  /** To do something to them: from then on nobody wonders when an end gives the connection up. */
  pipes(which: Direction | 'both'): readonly Pipe[] {
    this.#isHarmed = true;
    return which === 'both' ? [this.#up, this.#down] : [which === 'up' ? this.#up : this.#down];
  }

  /** What has not arrived is lost, and each end learns of it by itself. */
  cut(): void {
    this.#isHarmed = true;
    this.#up.end();
    this.#down.end();
    const { latencyMs, jitterMs } = this.#settings;
    this.client.lost(this.#random.integer(1, 1 + latencyMs + jitterMs));
    this.server.lost(this.#random.integer(1, 1 + latencyMs + jitterMs));
  }

  /** The client is cut off. What it had sent still comes to the server, however late. */
  leaveBehind(): void {
    this.#isHarmed = true;
    this.#down.end();
    this.client.lost(1);
    this.server.lost(this.#up.finish() + this.#random.integer(1, 20));
  }

  #pipe(to: LinkEnd, from: LinkEnd): Pipe {
    const host = {
      arrived: (parcel: Parcel) => to.arrived(parcel),
      drained: () => from.drained(),
      broken: () => this.cut(),
    };
    return new Pipe(host, this.#random, this.#settings);
  }

  /** What is on its way from that end may arrive all the same, unless the reset overtakes it. */
  #abandoned(from: Direction, wasOpen: boolean): void {
    const [out, back] = from === 'up' ? [this.#up, this.#down] : [this.#down, this.#up];
    const other = from === 'up' ? this.server : this.client;
    if (wasOpen && !this.#isHarmed && !this.#isSleepy)
      this.#forsaken(from, performance.now() - this.#madeAtMs);
    back.end();
    if (out.isDark) return;
    if (this.#random.chance(50)) return this.cut();
    const { latencyMs, jitterMs } = this.#settings;
    other.lost(Math.max(out.finish(), latencyMs + jitterMs) + this.#random.integer(1, 20));
  }
}
