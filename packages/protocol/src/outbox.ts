import type { OutgoingCall } from './calls.ts';
import type { Codec, Message } from './codec.ts';
import { OpenlineError } from './errors.ts';
import type { CallId } from './frame.ts';
import { JOINED_LENGTH_MAX, MESSAGE_BYTES_MAX, PARCELS_MAX } from './limits.ts';
import { cutPiece, pieceLength } from './piece.ts';

/** A frame on its way in pieces. */
interface Parcel {
  readonly id: CallId;
  readonly bytes: Uint8Array;
  offset: number;
  /** Later frames of the same call, which must not overtake it. */
  readonly behind: Message[];
}

/**
 * What this side has to say: frames in order, calls that may still be withdrawn, large frames in
 * pieces, and what was written and not yet acknowledged. A frame is encoded when it is given and
 * gets its number when it is first written.
 */
export class Outbox<Owner> {
  readonly #codec: Codec;
  readonly #backlogBytesMax: number;
  /** What the other side takes; known once it has answered the handshake. */
  payloadBytesMax: number = Number.MAX_SAFE_INTEGER;
  readonly #waiting = new Set<OutgoingCall<Owner>>();
  readonly #parcels = new Map<CallId, Parcel>();
  /** The call whose first piece goes before any later call, since the ids of calls grow. */
  #opening: { readonly call: OutgoingCall<Owner>; readonly parcel: Parcel } | undefined;
  #queue: Message[] = [];
  #backlog: Message[] = [];
  #waitingBytes = 0;
  #queuedBytes = 0;
  #backlogBytes = 0;
  #acknowledged = 0;

  constructor(codec: Codec, backlogBytesMax: number) {
    this.#codec = codec;
    this.#backlogBytesMax = backlogBytesMax;
  }

  /** Calls that were never written. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Bytes of calls that were never written. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Bytes of everything else that is held: queued, in pieces, or written and not acknowledged. */
  get heldBytes(): number {
    return this.#queuedBytes + this.#backlogBytes;
  }

  /** Producers wait: as much is held as the backlog may have. */
  get isFull(): boolean {
    return this.heldBytes >= this.#backlogBytesMax;
  }

  /** How many counted frames were written. The next one has the number above. */
  get written(): number {
    return this.#acknowledged + this.#backlog.length;
  }

  get isIdle(): boolean {
    return this.#queue.length + this.#waiting.size + this.#parcels.size === 0;
  }

  /**
   * Queues a counted frame of a call, behind those that the call has already.
   *
   * @throws LIMIT_EXCEEDED when the frame is larger than the other side takes; then nothing is sent.
   */
  push(id: CallId, frame: Message): void {
    const parcel = this.#parcels.get(id);
    if (this.#codec.fits(frame, MESSAGE_BYTES_MAX)) {
      (parcel?.behind ?? this.#queue).push(frame);
      this.#queuedBytes += frame.length;
      return;
    }
    const bytes = this.#codec.toBytes(frame);
    if (bytes.length > this.payloadBytesMax) {
      throw new OpenlineError('LIMIT_EXCEEDED', `payload of ${bytes.length} bytes`);
    }
    if (parcel === undefined) this.#startParcel(id, bytes);
    else {
      parcel.behind.push(frame);
      this.#queuedBytes += frame.length;
    }
  }

  /** Queues a new call. It waits while as many calls are open as the other side allows. */
  pushCall(call: OutgoingCall<Owner>): void {
    this.#waiting.add(call);
    this.#waitingBytes += call.unwritten?.length ?? 0;
  }

  /** Takes back a call that was never written. */
  withdraw(call: OutgoingCall<Owner>): void {
    if (this.#waiting.delete(call)) this.#waitingBytes -= call.unwritten?.length ?? 0;
    else if (this.#opening?.call === call) this.discardParcel(call.id);
  }

  /** Forgets what a call has under way in pieces: nobody wants it any more. */
  discardParcel(id: CallId): void {
    const parcel = this.#parcels.get(id);
    if (parcel === undefined) return;
    this.#parcels.delete(id);
    if (this.#opening?.parcel === parcel) this.#opening = undefined;
    this.#queuedBytes -= parcel.bytes.length - parcel.offset;
    for (const frame of parcel.behind) this.#queuedBytes -= frame.length;
  }

  /**
   * The next message to write, with the uncounted `control` frames first. New calls go while
   * fewer than `callRoom` have gone; `tooLarge` gets those that the other side would not take.
   */
  take(
    control: Message[],
    callRoom: number,
    tooLarge: (call: OutgoingCall<Owner>) => void,
  ): Message | undefined {
    const frames = control;
    let length = 0;
    /** Whether the frame has found room. One that is large goes on its own. */
    const write = (frame: Message): boolean => {
      if (frames.length > 0 && length + frame.length > JOINED_LENGTH_MAX) return false;
      length += frame.length + 1;
      frames.push(frame);
      this.#write(frame);
      return true;
    };

    let taken = 0;
    for (const frame of this.#queue) {
      if (!write(frame)) break;
      this.#queuedBytes -= frame.length;
      taken++;
    }
    this.#queue.splice(0, taken);

    for (const call of this.#waiting) {
      const frame = call.unwritten;
      if (frame === undefined || callRoom-- <= 0 || this.isFull) break;
      if (this.#queue.length > 0 || this.#opening !== undefined) break;
      if (this.#codec.fits(frame, MESSAGE_BYTES_MAX)) {
        if (!write(frame)) break;
        this.withdraw(call);
        call.unwritten = undefined;
      } else {
        if (this.#parcels.size >= PARCELS_MAX) break;
        this.withdraw(call);
        const bytes = this.#codec.toBytes(frame);
        if (bytes.length > this.payloadBytesMax) tooLarge(call);
        else this.#opening = { call, parcel: this.#startParcel(call.id, bytes) };
      }
    }
    return frames.length > 0 ? this.#codec.join(frames) : this.#takePiece();
  }

  /** Drops what the other side has. @throws SEQUENCE_BROKEN when it has more than was written. */
  acknowledge(received: number): void {
    if (received > this.written) {
      throw new OpenlineError('SEQUENCE_BROKEN', 'received');
    }
    const count = received - this.#acknowledged;
    if (count <= 0) return;
    for (let i = 0; i < count; i++) this.#backlogBytes -= this.#backlog[i]?.length ?? 0;
    if (count === this.#backlog.length) this.#backlog = [];
    else this.#backlog.splice(0, count);
    this.#acknowledged = received;
  }

  #write(frame: Message): void {
    this.#backlog.push(frame);
    this.#backlogBytes += frame.length;
  }

  #startParcel(id: CallId, bytes: Uint8Array): Parcel {
    const parcel: Parcel = { id, bytes, offset: 0, behind: [] };
    this.#parcels.set(id, parcel);
    this.#queuedBytes += bytes.length;
    return parcel;
  }

  #takePiece(): Message | undefined {
    const parcel = this.#backlogBytes < this.#backlogBytesMax ? this.#nextParcel() : undefined;
    if (parcel === undefined) return undefined;
    if (parcel === this.#opening?.parcel) {
      this.#opening.call.unwritten = undefined;
      this.#opening = undefined;
    }
    const piece = cutPiece(parcel.id, parcel.bytes, parcel.offset);
    const carried = pieceLength(piece);
    parcel.offset += carried;
    this.#queuedBytes -= carried;
    this.#write(piece);
    this.#parcels.delete(parcel.id);
    if (parcel.offset < parcel.bytes.length) {
      this.#parcels.set(parcel.id, parcel); // Behind the others: parcels take turns.
    } else {
      for (const frame of parcel.behind) {
        this.#queuedBytes -= frame.length;
        this.push(parcel.id, frame);
      }
    }
    return piece;
  }

  /** The first whose turn it is, of as many as may be under way at once. */
  #nextParcel(): Parcel | undefined {
    if (this.#opening !== undefined) return this.#opening.parcel;
    let begun = 0;
    for (const parcel of this.#parcels.values()) if (parcel.offset > 0) begun++;
    for (const parcel of this.#parcels.values()) {
      if (parcel.offset > 0 || begun < PARCELS_MAX) return parcel;
    }
    return undefined;
  }
}
