import * as CODES from './close-codes.ts';
import { Backlog } from './backlog.ts';
import type { OutgoingCall } from './calls.ts';
import type { Codec, Message } from './codec.ts';
import { OpenlineError } from './errors.ts';
import type { CallId } from './frame.ts';
import { JOINED_LENGTH_MAX, MESSAGE_BYTES_MAX, PARCELS_MAX } from './constants.ts';
import { cutPiece, isPiece, pieceLength } from './piece.ts';

/** A frame on its way in pieces. */
interface Parcel<Owner> {
  readonly id: CallId;
  /** The call that the frame opens, if it is one of this side. */
  readonly call: OutgoingCall<Owner> | undefined;
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
  readonly #parcels = new Map<CallId, Parcel<Owner>>();
  readonly #backlog = new Backlog();
  /** The call whose first piece goes before any later call, since the ids of calls grow. */
  #opening: Parcel<Owner> | undefined;
  #queue: Message[] = [];
  #waitingBytes = 0;
  #queuedBytes = 0;

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
    return this.#queuedBytes + this.#backlog.bytes;
  }

  /** Something that was written is due again on this connection. */
  get isReplaying(): boolean {
    return this.#backlog.due !== undefined;
  }

  /** Something is not written, or due again. */
  get hasUnwritten(): boolean {
    return (
      this.#queue.length > 0 || this.#waiting.size > 0 || this.#parcels.size > 0 || this.isReplaying
    );
  }

  /** Producers wait: as much is held as the backlog may have. */
  get isFull(): boolean {
    return this.heldBytes >= this.#backlogBytesMax;
  }

  /** The number of the next counted frame on this connection. */
  get next(): number {
    return this.#backlog.next;
  }

  /** Goes on over another connection. @throws SEQUENCE_BROKEN as `acknowledge` does. */
  attach(received: number, payloadBytesMax: number): void {
    this.payloadBytesMax = payloadBytesMax;
    this.#backlog.attach(received);
  }

  /**
   * Queues a counted frame of a call, behind those that the call has already. Gives its size in bytes,
   * or in characters where it goes in one message.
   *
   * @throws LIMIT_EXCEEDED when the frame is larger than the other side takes; then nothing is sent.
   */
  push(id: CallId, frame: Message): number {
    const parcel = this.#parcels.get(id);
    if (this.#codec.fits(frame, MESSAGE_BYTES_MAX)) {
      (parcel?.behind ?? this.#queue).push(frame);
      this.#queuedBytes += frame.length;
      return frame.length;
    }
    const bytes = this.#codec.toBytes(frame);
    if (bytes.length > this.payloadBytesMax) {
      throw new OpenlineError(CODES.LIMIT_EXCEEDED, `payload of ${bytes.length} bytes`);
    }
    if (parcel === undefined) this.#startParcel(id, bytes);
    else {
      parcel.behind.push(frame);
      this.#queuedBytes += frame.length;
    }
    return bytes.length;
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
    if (this.#opening === parcel) this.#opening = undefined;
    this.#queuedBytes -= parcel.bytes.length - parcel.offset;
    for (const frame of parcel.behind) this.#queuedBytes -= frame.length;
  }

  /**
   * The next message to write: the uncounted `frames` that are given, then what is due again on
   * this connection, then what is new. New calls go while fewer than `callRoom` have gone; `tooLarge`
   * gets those that the other side would not take.
   */
  take(
    frames: Message[],
    callRoom: number,
    tooLarge: (call: OutgoingCall<Owner>) => void,
  ): Message | undefined {
    // Characters of a frame may take three bytes each: what is given counts, or 64 KiB were exceeded.
    let length = 0;
    for (const frame of frames) length += frame.length + 1;
    /** Whether the frame has found room. One that is large goes on its own. */
    const join = (frame: Message): boolean => {
      if (frames.length > 0 && length + frame.length > JOINED_LENGTH_MAX) return false;
      length += frame.length + 1;
      frames.push(frame);
      return true;
    };

    for (let frame = this.#backlog.due; frame !== undefined; frame = this.#backlog.due) {
      const goesAlone = isPiece(frame);
      if (goesAlone ? frames.length > 0 : !join(frame)) break;
      this.#backlog.repeated();
      if (goesAlone) return frame;
    }
    if (this.#backlog.due === undefined) {
      this.#takeFrames(join);
      this.#takeCalls(join, callRoom, tooLarge);
      if (frames.length === 0) return this.#takePiece();
    }
    return this.#codec.join(frames);
  }

  /** Drops what the other side has. @throws SEQUENCE_BROKEN when it has more than was written. */
  acknowledge(received: number): void {
    this.#backlog.acknowledge(received);
  }

  #takeFrames(join: (frame: Message) => boolean): void {
    let taken = 0;
    for (const frame of this.#queue) {
      if (!join(frame)) break;
      this.#backlog.add(frame);
      this.#queuedBytes -= frame.length;
      taken++;
    }
    this.#queue = this.#queue.slice(taken);
  }

  #takeCalls(
    join: (frame: Message) => boolean,
    room: number,
    tooLarge: (call: OutgoingCall<Owner>) => void,
  ): void {
    for (const call of this.#waiting) {
      const frame = call.unwritten;
      if (frame === undefined || room-- <= 0 || this.isFull) break;
      if (this.#queue.length > 0 || this.#opening !== undefined) break;
      if (this.#codec.fits(frame, MESSAGE_BYTES_MAX)) {
        if (!join(frame)) break;
        this.withdraw(call);
        this.#backlog.add(frame);
        call.unwritten = undefined;
        call.number = this.#backlog.written;
      } else {
        if (this.#parcels.size >= PARCELS_MAX) break;
        this.withdraw(call);
        const bytes = this.#codec.toBytes(frame);
        if (bytes.length > this.payloadBytesMax) tooLarge(call);
        else this.#opening = this.#startParcel(call.id, bytes, call);
      }
    }
  }

  #startParcel(id: CallId, bytes: Uint8Array, call?: OutgoingCall<Owner>): Parcel<Owner> {
    const parcel: Parcel<Owner> = { id, call, bytes, offset: 0, behind: [] };
    this.#parcels.set(id, parcel);
    this.#queuedBytes += bytes.length;
    return parcel;
  }

  #takePiece(): Message | undefined {
    const parcel = this.#backlog.bytes < this.#backlogBytesMax ? this.#nextParcel() : undefined;
    if (parcel === undefined) return undefined;
    const { call } = parcel;
    if (parcel === this.#opening) this.#opening = undefined;
    if (call !== undefined) call.unwritten = undefined;
    const piece = cutPiece(parcel.id, parcel.bytes, parcel.offset);
    const carried = pieceLength(piece);
    parcel.offset += carried;
    this.#queuedBytes -= carried;
    this.#backlog.add(piece);
    this.#parcels.delete(parcel.id);
    if (parcel.offset < parcel.bytes.length) {
      this.#parcels.set(parcel.id, parcel); // Behind the others: parcels take turns.
    } else {
      if (call !== undefined) call.number = this.#backlog.written;
      for (const frame of parcel.behind) {
        this.#queuedBytes -= frame.length;
        this.push(parcel.id, frame);
      }
    }
    return piece;
  }

  /** The first whose turn it is, of as many as may be under way at once. */
  #nextParcel(): Parcel<Owner> | undefined {
    if (this.#opening !== undefined) return this.#opening;
    let begun = 0;
    for (const parcel of this.#parcels.values()) if (parcel.offset > 0) begun++;
    for (const parcel of this.#parcels.values()) {
      if (parcel.offset > 0 || begun < PARCELS_MAX) return parcel;
    }
    return undefined;
  }
}
