import { Callee } from './callee.ts';
import { Caller } from './caller.ts';
import type { Codec, Message } from './codec.ts';
import { malformed, OpenlineError } from './errors.ts';
import type { SessionEvent } from './event.ts';
import {
  ackFrame,
  goawayFrame,
  parseFrame,
  PING_FRAME,
  PONG_FRAME,
  TAGS,
  type CallFrame,
  type CallId,
  type Frame,
} from './frame.ts';
import { Inbox } from './inbox.ts';
import { PARCELS_MAX, type Limits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { Assembly, parsePiece } from './piece.ts';

export interface SessionOptions {
  readonly role: 'client' | 'server';
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
  /** The number of the other side's first counted frame on this connection. */
  readonly next: number;
}

/**
 * One side of a session: reads messages, keeps the books, and says what to write and what happened.
 * It does nothing by itself: after each input its driver takes the events and the messages.
 */
export class Session<Out, In> {
  /** The calls that this side makes. */
  readonly caller: Caller<Out>;
  /** The calls that this side answers. */
  readonly callee: Callee<In>;
  readonly #codec: Codec;
  readonly #limits: Limits;
  readonly #sessionBytesMax: number;
  readonly #inbox = new Inbox();
  readonly #outbox: Outbox<Out>;
  readonly #assemblies = new Map<CallId, Assembly>();
  readonly #events: SessionEvent<Out, In>[] = [];
  #state: 'detached' | 'attached' | 'ended' = 'detached';
  #peerCallsMax = 0;
  #producersWait = false;
  #ackDue = false;
  #pingDue = false;
  #pongDue = false;
  #goaway: Message | undefined;

  constructor({ role, codec, limits, sessionBytesMax }: SessionOptions) {
    this.#codec = codec;
    this.#limits = limits;
    this.#sessionBytesMax = sessionBytesMax;
    this.#outbox = new Outbox<Out>(codec, limits.backlogBytesMax);
    this.caller = new Caller(codec, this.#outbox, this.#events, role === 'client' ? 1 : 2);
    this.callee = new Callee(codec, this.#outbox, this.#events, limits.callsMax);
  }

  /** How many counted frames of the other side were received. */
  get received(): number {
    return this.#inbox.received;
  }

  /** The number of the next counted frame that is written. */
  get next(): number {
    return this.#outbox.written + 1;
  }

  get isOver(): boolean {
    return this.#state === 'ended';
  }

  /** Bytes of calls that were never written. */
  get waitingBytes(): number {
    return this.#outbox.waitingBytes;
  }

  /** Calls that were never written. */
  get waitingCount(): number {
    return this.#outbox.waitingCount;
  }

  /** Nothing is left to write. */
  get isFlushed(): boolean {
    return this.#outbox.isIdle && !this.#pongDue && !this.#pingDue && this.#goaway === undefined;
  }

  /** `true`: a producer of items waits, and a `room` event tells it to go on. */
  producersMustWait(): boolean {
    this.#producersWait ||= this.#outbox.isFull;
    return this.#producersWait;
  }

  /** Goes on over a connection whose handshake is done. */
  attach({ limits, received, next }: Agreement): void {
    if (this.#state !== 'detached') return;
    this.#guard(() => {
      this.#outbox.acknowledge(received);
      this.#outbox.payloadBytesMax = limits.payloadBytesMax;
      this.#inbox.attach(next, limits.backlogBytesMax);
      this.#peerCallsMax = limits.callsMax;
      this.#state = 'attached';
    });
  }

  detach(): void {
    if (this.#state === 'attached') this.#state = 'detached';
  }

  /** Ends the session on this side. */
  end(error: OpenlineError): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#assemblies.clear();
    this.#events.push({ kind: 'ended', error });
  }

  receive(message: Message): void {
    if (this.#state !== 'attached') return; // A late message of a connection that was given up.
    this.#guard(() => {
      if (typeof message !== 'string' && message[0] === TAGS.piece) this.#receivePiece(message);
      else for (const wire of this.#codec.split(message)) this.#receiveFrame(parseFrame(wire));
      this.#inbox.owe(message.length);
    });
  }

  /** Tells the other side that this one leaves: it comes back within a random part of the spread. */
  goAway(spreadMs: number): void {
    this.#goaway = this.#codec.encode(goawayFrame(spreadMs));
  }

  /** The coarse clock has ticked: what is owed is said, and a silent peer is asked. */
  tick(options: { readonly ping: boolean }): void {
    this.#ackDue ||= this.#inbox.owes;
    this.#pingDue ||= options.ping;
  }

  /** Everything that happened since the last time, in order. A call counts as running from here. */
  takeEvents(): readonly SessionEvent<Out, In>[] {
    if (this.#outbox.heldBytes > this.#sessionBytesMax) {
      this.end(new OpenlineError('LIMIT_EXCEEDED', 'the other side does not take what it is sent'));
    }
    if (this.#producersWait && !this.#outbox.isFull && this.#state !== 'ended') {
      this.#producersWait = false;
      this.#events.push({ kind: 'room' });
    }
    if (this.#events.length === 0) return [];
    const events = this.#events.splice(0).filter(isDue);
    for (const event of events) if (event.kind === 'call') event.call.state = 'running';
    return events;
  }

  /** The next message to write; `undefined` when there is none, or when what there is must wait. */
  takeMessage(): Message | undefined {
    if (this.#state !== 'attached') return undefined;
    const control: Message[] = [];
    if (this.#goaway !== undefined) control.push(this.#goaway);
    if (this.#pingDue) control.push(this.#codec.encode(PING_FRAME));
    if (this.#pongDue) control.push(this.#codec.encode(PONG_FRAME));
    if (this.#ackDue || this.#inbox.mustAcknowledge) {
      control.push(this.#codec.encode(ackFrame(this.#inbox.received)));
      this.#inbox.acknowledged();
    }
    this.#goaway = undefined;
    this.#pingDue = this.#pongDue = this.#ackDue = false;
    return this.#outbox.take(control, this.#peerCallsMax - this.caller.openCount, (call) => {
      this.caller.forget(call);
      this.#events.push({ kind: 'too-large', call });
    });
  }

  #receiveFrame(frame: Frame): void {
    switch (frame.type) {
      case 'ack':
        return this.#outbox.acknowledge(frame.received);
      case 'ping':
        this.#pongDue = true;
        return;
      case 'pong':
        return;
      case 'goaway':
        this.#events.push({ kind: 'goaway', spreadMs: frame.spreadMs });
        return;
      case 'unknown':
        if (!frame.counted || !this.#inbox.count() || frame.id === undefined) return;
        return this.#endUnsupported(frame.id);
      default:
        if (this.#inbox.count()) this.#process(frame);
    }
  }

  /** A counted frame that is taken for the first time, or was put together from its pieces. */
  #process(frame: Exclude<Frame, { type: 'ack' | 'ping' | 'pong' | 'goaway' | 'unknown' }>): void {
    switch (frame.type) {
      case 'call':
        this.callee.reserve(this.#foreign(frame).id);
        return this.callee.receive(frame);
      case 'cancel':
        if (this.#assemblies.get(frame.id)?.opens === true) {
          this.#assemblies.delete(frame.id);
          return this.callee.refuse(frame.id, 'CANCELLED');
        }
        return this.callee.cancel(frame.id);
      default:
        // A terminal frame ends what its call had under way in pieces.
        if (frame.type !== 'item' && frame.type !== 'subscribed') this.#assemblies.delete(frame.id);
        return this.caller.receive(frame);
    }
  }

  #receivePiece(message: Uint8Array): void {
    const piece = parsePiece(message);
    if (!this.#inbox.count()) return;
    let assembly = this.#assemblies.get(piece.id);
    if (assembly === undefined) {
      // The rest of a frame that was cut short by its call's end would have no first piece.
      if (this.#assemblies.size >= PARCELS_MAX) {
        throw new OpenlineError('LIMIT_EXCEEDED', `more than ${PARCELS_MAX} payloads in pieces`);
      }
      const opens = !this.caller.owns(piece.id) && !this.callee.isOpen(piece.id);
      assembly = new Assembly(piece, this.#limits.payloadBytesMax, opens);
      if (opens) this.callee.reserve(piece.id);
      this.#assemblies.set(piece.id, assembly);
    } else if (piece.size !== undefined) {
      throw malformed('a first piece comes while another frame is under way');
    }
    const bytes = assembly.add(piece);
    if (bytes === undefined) return;
    this.#assemblies.delete(piece.id);
    const frame = parseFrame(this.#codec.fromBytes(bytes));
    const isUncounted = !('id' in frame) || (frame.type === 'unknown' && !frame.counted);
    if (isUncounted || frame.id !== piece.id) {
      throw malformed('a payload in pieces is no frame of its call');
    }
    if (frame.type === 'unknown') return this.#endUnsupported(piece.id);
    if (frame.type !== 'call') return this.#process(frame);
    if (!assembly.opens) throw malformed('the id of a call was used before');
    this.callee.receive(frame);
  }

  #endUnsupported(id: CallId): void {
    if (this.caller.owns(id)) this.caller.endUnsupported(id);
    else this.callee.endUnsupported(id);
  }

  #foreign(frame: CallFrame): CallFrame {
    if (this.caller.owns(frame.id)) throw malformed('the id of a call has the wrong parity');
    return frame;
  }

  /** What the peer does wrong ends the session; it throws out of nothing. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.end(
        error instanceof OpenlineError
          ? error
          : new OpenlineError('INTERNAL', 'the session failed', { cause: error }),
      );
    }
  }
}

/** A call that was cancelled in the message that brought it is settled already. */
function isDue(event: SessionEvent<unknown, unknown>): boolean {
  return event.kind !== 'call' || event.call.state === 'arrived';
}
