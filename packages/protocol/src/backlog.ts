import * as CODES from './close-codes.ts';
import type { Message } from './codec.ts';
import { OpenlineError } from './errors.ts';

/**
 * Counted frames that were written and are not acknowledged. On another connection those that the
 * other side does not have are written again, in order.
 */
export class Backlog {
  #frames: Message[] = [];
  #dropped = 0;
  /** The number of the last frame that was written on this connection, or need not be. */
  #sent = 0;
  /** How many the other side has said to have. */
  #claimed = 0;
  /** What is held. */
  bytes = 0;

  /** How many counted frames were written in the session. */
  get written(): number {
    return this.#dropped + this.#frames.length;
  }

  /** The number of the next frame on this connection. */
  get next(): number {
    return this.#sent + 1;
  }

  /** The next frame that is due again; `undefined` when all are written. */
  get due(): Message | undefined {
    return this.#frames[this.#sent - this.#dropped];
  }

  /** Takes a frame that is written for the first time. None is due then. */
  add(frame: Message): void {
    this.#frames.push(frame);
    this.bytes += frame.length;
    this.#sent++;
  }

  /** The frame that was due is written. */
  repeated(): void {
    this.#sent++;
    this.#drop();
  }

  /**
   * Goes on over another connection. What was acknowledged is gone, also where less is claimed: a
   * claim may be older than an `ack` that overtook it.
   *
   * @throws SEQUENCE_BROKEN as `acknowledge` does.
   */
  attach(received: number): void {
    this.#check(received);
    this.#sent = Math.max(received, this.#dropped);
    this.acknowledge(received);
  }

  /** Drops what the other side has. @throws SEQUENCE_BROKEN when it has more than was written. */
  acknowledge(received: number): void {
    this.#check(received);
    this.#claimed = Math.max(this.#claimed, received);
    this.#drop();
  }

  #check(received: number): void {
    if (received > this.written) throw new OpenlineError(CODES.SEQUENCE_BROKEN, 'received');
  }

  /** What is still due stays: the other side counts it on this connection, and drops it itself. */
  #drop(): void {
    const count = Math.min(this.#claimed, this.#sent) - this.#dropped;
    if (count <= 0) return;
    for (let i = 0; i < count; i++) this.bytes -= this.#frames[i]?.length ?? 0;
    this.#frames = this.#frames.slice(count);
    this.#dropped += count;
  }
}
