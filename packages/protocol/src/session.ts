import type { Callee } from './callee.ts';
import { Caller } from './caller.ts';
import * as CODES from './close-codes.ts';
import type { Codec, Message, WireFrame } from './codec.ts';
import { malformed, OpenlineError } from './errors.ts';
import type { SessionEvent } from './event.ts';
import { FIRST_COUNTED_TAG, HELLO_BYTES_MAX, PARCELS_MAX } from './constants.ts';
import { FlowFrames } from './flow-frames.ts';
import {
  ackFrame,
  isId,
  parseAck,
  parseCallId,
  parseTag,
  PING_FRAME,
  PONG_FRAME,
  type CallId,
} from './frame.ts';
import { Inbox } from './inbox.ts';
import { type Limits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Assembly, isPiece, parsePiece } from './piece.ts';
import type { Role } from './role.ts';
import * as TAGS from './tags.ts';

export interface SessionOptions {
  readonly role: Role;
  readonly codec: Codec;
  /** What this side takes. */
  readonly limits: Limits;
  /** All that the session may hold, in bytes; past it, it ends. */
  readonly sessionBytesMax: number;
}

/** What the handshake of a connection agreed. */
export interface Agreement {
  /** What the other side takes. */
  readonly limits: Limits;
  /** How many counted frames of this side the other side has. */
  readonly received: number;
  /** The number of the other side's first counted frame on this connection; 0 for the one due. */
  readonly next: number;
}

/**
 * One side of a session: reads messages, keeps the books, and says what to write and what happened.
 * It does nothing by itself: after each input its driver takes the events and the messages.
 */
export class Session<Out, In> {
  /** The calls that this side makes. */
  readonly caller: Caller<Out>;
  readonly #codec: Codec;
  readonly #role: Role;
  readonly #limits: Limits;
  readonly #sessionBytesMax: number;
  readonly #inbox = new Inbox();
  readonly #outbox: Outbox<Out>;
  readonly #assemblies = new Map<CallId, Assembly>();
  readonly #events: SessionEvent<Out, In>[] = [];
  /** Uncounted frames that are due, by their tag: of each kind the latest is what holds. */
  readonly #control = new Map<unknown, Message>();
  /** Credit that is due: it goes behind what is written again. */
  readonly #flow: FlowFrames;
  #callee: Callee<In> | undefined;
  #state: 'detached' | 'attached' | 'ended' = 'detached';
  #peerCallsMax = 0;

  constructor({ role, codec, limits, sessionBytesMax }: SessionOptions) {
    this.#codec = codec;
    this.#role = role;
    this.#limits = limits;
    this.#sessionBytesMax = sessionBytesMax;
    this.#outbox = new Outbox<Out>(codec, limits.backlogBytesMax);
    this.#flow = new FlowFrames(codec);
    this.caller = new Caller(codec, this.#outbox, this.#events, role.firstId, this.#flow);
  }

  /**
   * From here on the other side's calls are answered; until then it may make none. The class is
   * given, so that who answers no calls does not carry it.
   */
  answer(CalleeClass: typeof Callee): void {
    const { callsMax } = this.#limits;
    const parity = (this.#role.firstId + 1) % 2;
    this.#callee = new CalleeClass<In>({
      codec: this.#codec,
      outbox: this.#outbox,
      events: this.#events,
      callsMax,
      parity,
      flow: this.#flow,
      settled: (id) => this.#assemblies.delete(id),
    });
  }

  /** The calls that this side answers. @throws a `TypeError` when it answers none. */
  get callee(): Callee<In> {
    if (this.#callee === undefined) throw new TypeError('no callee');
    return this.#callee;
  }

  /** How many counted frames of the other side were received. */
  get received(): number {
    return this.#inbox.received;
  }

  /** The number of the next counted frame on this connection. */
  get next(): number {
    return this.#outbox.next;
  }

  /** Bytes of calls that were never written. */
  get waitingBytes(): number {
    return this.#outbox.waitingBytes;
  }

  /** Calls that were never written. */
  get waitingCount(): number {
    return this.#outbox.waitingCount;
  }

  /** Goes on over a connection whose handshake is done: what the other side lacks is due again. */
  attach({ limits, received, next }: Agreement): void {
    if (this.#state !== 'detached') return;
    this.#guard(() => {
      this.#outbox.attach(received, limits.payloadBytesMax);
      this.#inbox.attach(next, limits.backlogBytesMax);
      this.#peerCallsMax = limits.callsMax;
      this.#state = 'attached';
      // More may have come since this side said in the handshake how much it has.
      if (this.#inbox.received > 0) this.#acknowledge();
      this.#flow.clear(); // What was given meanwhile is among what is said again.
      this.caller.streams.attach(this.caller.calls);
      if (this.#callee !== undefined) this.#callee.streams.attach(this.#callee.calls);
    });
  }

  /** The connection is gone. What was due on it and is not counted is due no more. */
  detach(): void {
    if (this.#state !== 'attached') return;
    this.#state = 'detached';
    this.#control.clear();
  }

  /** Ends the session on this side. Calls that the host has not seen are never started. */
  end(error: OpenlineError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#assemblies.clear();
    this.#events.push({ kind: 'ended', error });
  }

  receive(message: Message): void {
    if (this.#state !== 'attached') return; // A late message of a connection that was given up.
    this.#guard(() => {
      if (isPiece(message)) this.#receivePiece(message);
      else this.#receiveFrames(message);
      this.#inbox.owe(message.length);
    });
  }

  /**
   * Queues an uncounted frame for this connection; without one it is not said. It takes the place of
   * one of its kind that is not written yet.
   *
   * @throws LIMIT_EXCEEDED for one that is larger than a `hello` may be, since none goes in pieces.
   */
  say(frame: WireFrame): void {
    const message = this.#codec.encode(frame);
    if (!this.#codec.fits(message, HELLO_BYTES_MAX)) {
      throw new OpenlineError(CODES.LIMIT_EXCEEDED, 'params too large');
    }
    if (this.#state === 'attached') this.#control.set(frame[0], message);
  }

  /** The coarse clock has ticked: what is owed is said, and a silent peer is asked. */
  tick(options: { readonly ping: boolean }): void {
    if (this.#inbox.owes) this.#acknowledge();
    if (options.ping) this.say(PING_FRAME);
  }

  /** Everything that happened since the last time, new calls last. They count as running from here. */
  takeEvents(): readonly SessionEvent<Out, In>[] {
    if (this.heldBytes > this.#sessionBytesMax) {
      this.end(new OpenlineError(CODES.LIMIT_EXCEEDED, 'bytes of the session'));
    }
    if (this.#state !== 'ended') {
      this.caller.streams.takeRoom();
      this.#callee?.streams.takeRoom();
    }
    const events = this.#events.length > 0 ? this.#events.splice(0) : [];
    if (this.#state !== 'ended') this.#callee?.takeDue(events);
    return events;
  }

  /** Whether there is something to write; it may still have to wait. */
  get hasToSay(): boolean {
    if (this.#state !== 'attached') return false;
    return (
      this.#control.size > 0 ||
      !this.#flow.isEmpty ||
      this.#inbox.mustAcknowledge ||
      this.#outbox.hasUnwritten
    );
  }

  /** The next message to write; `undefined` when there is none, or when what there is must wait. */
  takeMessage(): Message | undefined {
    if (!this.hasToSay) return undefined;
    if (this.#inbox.mustAcknowledge) this.#acknowledge();
    const control = [...this.#control.values()];
    if (control.length > 0) this.#control.clear();
    if (!this.#flow.isEmpty && !this.#outbox.isReplaying) this.#flow.take(control);
    return this.#outbox.take(control, this.#peerCallsMax - this.caller.openCount, (call) => {
      this.caller.forget(call);
      this.#events.push({ kind: 'too-large', call });
    });
  }

  /** What is kept for the other side, and of it, in bytes. */
  get heldBytes(): number {
    let bytes = this.#outbox.heldBytes + this.caller.streams.heldBytes;
    bytes += this.#callee?.heldBytes ?? 0;
    for (const { heldBytes } of this.#assemblies.values()) bytes += heldBytes;
    return bytes;
  }

  #receiveCredit(tag: number, wire: WireFrame): void {
    const id = wire[1];
    if (!isId(id)) throw malformed('call id');
    if (this.caller.owns(id)) {
      this.caller.streams.heardOfCredit(this.caller.open(id), tag, wire);
    } else this.#callee?.streams.heardOfCredit(this.#callee.opened(id), tag, wire);
  }

  #acknowledge(): void {
    this.say(ackFrame(this.#inbox.received));
    this.#inbox.acknowledged();
  }

  #receiveFrames(message: Message): void {
    const frames = this.#codec.split(message);
    // Whole, so that what is given back adds up to what was taken.
    const bytes = Math.ceil(message.length / frames.length);
    for (const wire of frames) this.#receiveFrame(wire, bytes);
  }

  /** `bytes` is the frame's share of its message. */
  #receiveFrame(wire: WireFrame, bytes: number): void {
    const tag = parseTag(wire);
    if (tag >= FIRST_COUNTED_TAG) {
      if (this.#inbox.count()) this.#process(tag, wire, bytes);
    } else if (tag === TAGS.ack) this.#outbox.acknowledge(parseAck(wire));
    else if (tag === TAGS.ping) this.say(PONG_FRAME);
    else if (tag === TAGS.grant || tag === TAGS.blocked) this.#receiveCredit(tag, wire);
    else {
      const frame = this.#role.parseNotice(tag, wire);
      if (frame !== undefined) this.#events.push({ kind: 'notice', frame });
    }
  }

  /** A counted frame that is taken for the first time, or was put together from its pieces. */
  #process(tag: number, wire: WireFrame, bytes: number): void {
    const id = parseCallId(tag, wire);
    if (id === undefined) return;
    // A frame ends what its call had under way in pieces: it is cancelled, or the terminal one.
    if (this.#assemblies.delete(id) && tag === TAGS.call) throw malformed('call id');
    if (tag === TAGS.call) this.#answerer.open(id, wire, bytes);
    else if (tag === TAGS.cancel) this.#callee?.cancel(id);
    else if (this.caller.owns(id)) this.caller.receive(tag, id, wire, bytes);
    else if (this.#callee !== undefined) this.#callee.receive(tag, id, wire, bytes);
    else if (tag <= TAGS.returned) throw malformed('call id');
  }

  #receivePiece(message: Uint8Array): void {
    const piece = parsePiece(message);
    const { id } = piece;
    if (!this.#inbox.count()) return;
    let assembly = this.#assemblies.get(id);
    if (assembly === undefined) {
      if (!this.caller.owns(id) && !this.#answerer.expect(id)) return;
      // The rest of a frame that was cut short by its call's end would have no first piece.
      if (this.#assemblies.size >= PARCELS_MAX) {
        throw new OpenlineError(CODES.LIMIT_EXCEEDED, 'payloads in pieces');
      }
      assembly = new Assembly(piece, this.#limits.payloadBytesMax);
      this.#assemblies.set(id, assembly);
    } else if (piece.size !== undefined) {
      throw malformed('piece');
    }
    const bytes = assembly.add(piece);
    if (bytes === undefined) return;
    this.#assemblies.delete(id);
    const wire = this.#codec.fromBytes(bytes);
    const tag = parseTag(wire);
    if (tag < FIRST_COUNTED_TAG || wire[1] !== id) throw malformed('payload');
    this.#process(tag, wire, bytes.length);
  }

  get #answerer(): Callee<In> {
    if (this.#callee === undefined) throw new OpenlineError(CODES.LIMIT_EXCEEDED, 'no calls');
    return this.#callee;
  }

  /** What the peer does wrong ends the session; it throws out of nothing. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.end(
        error instanceof OpenlineError
          ? error
          : new OpenlineError(CODES.INTERNAL, 'session', { cause: error }),
      );
    }
  }
}
