import type { Message } from './codec.ts';
import type { Connection } from './connection.ts';
import * as CODES from './close-codes.ts';
import type { OpenlineError } from './errors.ts';
import type { SessionEvent } from './event.ts';
import { HIGH_WATER_BYTES, MISSES_MAX } from './constants.ts';
import type { Agreement, Session } from './session.ts';

/** Whoever has a session: the server's side of it, or the line. */
export interface DriverHost<Out, In> {
  /** Must not throw. Nothing comes behind an `ended` event. */
  event(event: SessionEvent<Out, In>): void;
  /** The connection is gone; the session is not, unless an `ended` event came before. */
  detached(code: number, reason: string): void;
}

/**
 * Runs a flush at the end of the tick. `isAgain`: one has just written as much as goes at once, and what
 * has arrived meanwhile should have its turn first.
 */
export type Schedule = (flush: () => void, isAgain: boolean) => void;

/**
 * Runs a session over one connection after another: feeds it what arrives, hands its events to the
 * host, and flushes once a tick. What still comes of a connection that was left is dropped.
 */
export class Driver<Out, In> {
  readonly session: Session<Out, In>;
  readonly #host: DriverHost<Out, In>;
  readonly #schedule: Schedule;
  #connection: Connection | undefined;
  #isScheduled = false;
  #isOver = false;
  #hasHeard = false;
  #misses = 0;

  constructor(session: Session<Out, In>, host: DriverHost<Out, In>, schedule: Schedule) {
    this.session = session;
    this.#host = host;
    this.#schedule = schedule;
  }

  /**
   * Goes on over the connection; one that the session still has is cut off. `false`: the session has
   * ended over what the other side says of the books, and the connection is left to its maker.
   */
  attach(connection: Connection, agreement: Agreement): boolean {
    const { session } = this;
    session.detach();
    session.attach(agreement);
    this.#dispatch();
    if (this.#isOver) return false;
    this.#connection?.close(CODES.SUPERSEDED, 'another connection has the session');
    this.#connection = connection;
    this.#hasHeard = false;
    this.#misses = 0;
    this.wake();
    return true;
  }

  /** Something was given to the session: flush at the end of the tick. */
  wake(): void {
    this.#wake(false);
  }

  message(from: Connection, message: Message): void {
    if (from !== this.#connection) return;
    this.#hasHeard = true;
    this.session.receive(message);
    this.#dispatch();
    if (this.session.hasToSay) this.wake();
  }

  closed(connection: Connection, code: number, reason: string): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.session.detach();
    this.#host.detached(code, reason);
  }

  readonly flush = (): void => {
    this.#isScheduled = false;
    const connection = this.#connection;
    if (connection !== undefined) {
      const messages: Message[] = [];
      let room = HIGH_WATER_BYTES - connection.bufferedBytes;
      while (room > 0) {
        const message = this.session.takeMessage();
        if (message === undefined) break;
        messages.push(message);
        room -= message.length;
      }
      if (messages.length > 0) connection.send(messages);
      // More may be there; unless the connection is full, nothing else would say so.
      if (room <= 0 && connection.bufferedBytes < HIGH_WATER_BYTES) this.#wake(true);
    }
    this.#dispatch();
  };

  /** The keep-alive interval is over. A peer that stays silent is given up. */
  tick(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#hasHeard) this.#misses = 0;
    else if (this.#misses === MISSES_MAX) {
      connection.abandon();
      return this.closed(connection, CODES.PEER_SILENT, 'no sign of life');
    } else this.#misses++;
    this.session.tick({ ping: !this.#hasHeard });
    this.#hasHeard = false;
    this.wake();
  }

  /** Writes what may still be written and ends session and connection. */
  end(error: OpenlineError): void {
    this.flush();
    this.session.end(error);
    this.#dispatch();
  }

  #wake(isAgain: boolean): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(this.flush, isAgain);
  }

  #dispatch(): void {
    for (const event of this.session.takeEvents()) {
      if (this.#isOver) return; // The host ended the session in an event before this one.
      this.#host.event(event);
      if (event.kind === 'ended') {
        this.#isOver = true;
        this.#connection?.close(event.error.code, event.error.message);
      }
    }
  }
}
