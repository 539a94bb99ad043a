import * as CODES from './close-codes.ts';
import { OpenlineError } from './errors.ts';
import { UNACKNOWLEDGED_FRAMES_MAX } from './constants.ts';

/** Counts what arrives, so that each frame is taken once and in order, and says when to `ack`. */
export class Inbox {
  /** How many counted frames were received in the session. */
  received = 0;
  #arriving = 1;
  #acknowledged = 0;
  #owedBytes = 0;
  #owedBytesMax = 0;

  /**
   * A connection counts on from `next`, the number of the first counted frame on it; 0 for the one
   * that is due.
   *
   * @throws SEQUENCE_BROKEN when a frame before it was not received.
   */
  attach(next: number, peerBacklogBytesMax: number): void {
    if (next > this.received + 1) {
      throw new OpenlineError(CODES.SEQUENCE_BROKEN, 'next');
    }
    this.#arriving = next || this.received + 1;
    this.#owedBytesMax = peerBacklogBytesMax / 4;
  }

  /** Counts one frame. `false`: it was received before. */
  count(): boolean {
    if (this.#arriving++ <= this.received) return false;
    this.received++;
    return true;
  }

  /** What a message cost the other side's backlog. */
  owe(bytes: number): void {
    this.#owedBytes += bytes;
  }

  /** Whether the other side has to hear now what was received. */
  get mustAcknowledge(): boolean {
    return (
      this.received - this.#acknowledged >= UNACKNOWLEDGED_FRAMES_MAX ||
      (this.#owedBytes >= this.#owedBytesMax && this.received > this.#acknowledged)
    );
  }

  get owes(): boolean {
    return this.received > this.#acknowledged;
  }

  acknowledged(): void {
    this.#acknowledged = this.received;
    this.#owedBytes = 0;
  }
}
