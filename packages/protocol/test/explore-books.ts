import type { Message } from '../src/index.ts';
import { FIRST_COUNTED_TAG } from '../src/constants.ts';
import * as TAGS from '../src/tags.ts';
import { exploredCodec as codec } from './explore-codec.ts';

/**
 * The books of one side as an onlooker at its connections keeps them: what is written gets its
 * number here by counting on from the handshake, and what the other side has said to have is noted.
 */
export class Books {
  /** What is wrong with what was written. */
  fault: string | undefined;
  /** Each counted frame as it was written first; the one with number 1 is in front. */
  readonly #frames: string[] = [];
  /** The number of the last frame on each connection. */
  readonly #sent = new Map<number, number>();
  #current = 0;
  #claimed = 0;
  #dropped = 0;

  /** How many counted frames were written in the session. */
  get written(): number {
    return this.#frames.length;
  }

  /** What must still be held, in bytes: written in the session and not acknowledged. */
  get unacknowledgedBytes(): number {
    this.#drop();
    let bytes = 0;
    for (let i = this.#dropped; i < this.#frames.length; i++) bytes += this.#frames[i]!.length;
    return bytes;
  }

  /** The other side says in the handshake what it has. */
  attach(received: number): void {
    this.#drop();
    this.#claimed = Math.max(this.#claimed, received);
  }

  /** `next`: the number of the first counted frame on this connection. */
  begin(on: number, next: number): void {
    this.#current = on;
    this.#sent.set(on, next - 1);
  }

  wrote(on: number, message: Message): void {
    for (const frame of codec.split(message)) {
      if ((frame[0] as number) < FIRST_COUNTED_TAG) continue;
      const number = (this.#sent.get(on) ?? NaN) + 1;
      const text = JSON.stringify(frame);
      this.#sent.set(on, number);
      if (number === this.#frames.length + 1) this.#frames.push(text);
      else if (this.#frames[number - 1] !== text) this.fault ??= `wrote ${text} as frame ${number}`;
    }
  }

  /** A message of the other side is read. */
  read(message: Message): void {
    for (const frame of codec.split(message)) {
      if (frame[0] === TAGS.ack) this.#claimed = Math.max(this.#claimed, frame[1] as number);
    }
  }

  /** What is still due again stays, although the other side has it: it counts it, and drops it. */
  #drop(): void {
    const sent = this.#sent.get(this.#current) ?? 0;
    this.#dropped = Math.max(this.#dropped, Math.min(this.#claimed, sent));
  }
}
