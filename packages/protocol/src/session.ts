import type { Callee } from './callee.ts';
import { Caller } from './caller.ts';
import type { Codec, Message, WireFrame } from './codec.ts';
import { malformed, OpenlineError } from './errors.ts';
import type { SessionEvent } from './event.ts';
import {
  ackFrame,
  callErrorFrame,
  isTerminal,
  parseFrame,
  PING_FRAME,
  PONG_FRAME,
  type AnswerFrame,
  type CallFrame,
  type CancelFrame,
  type CallId,
  type Frame,
} from './frame.ts';
import { Inbox } from './inbox.ts';
import { PARCELS_MAX, type Limits } from './limits.ts';
import type { CallErrorCode } from './outcome.ts';
import { Outbox } from './outbox.ts';
import { Assembly, parsePiece } from './piece.ts';
import * as TAGS from './tags.ts';

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
  readonly #codec: Codec;
  readonly #limits: Limits;
  readonly #sessionBytesMax: number;
  readonly #inbox = new Inbox();
  readonly #outbox: Outbox<Out>;
  readonly #assemblies = new Map<CallId, Assembly>();
  readonly #events: SessionEvent<Out, In>[] = [];
  /** Uncounted frames that are due. */
  readonly #control = new Set<Message>();
  #callee: Callee<In> | undefined;
  #lastForeignId: CallId = 0;
  #state: 'detached' | 'attached' | 'ended' = 'detached';
  #peerCallsMax = 0;
  #producersWait = false;

  constructor({ role, codec, limits, sessionBytesMax }: SessionOptions) {
    this.#codec = codec;
    this.#limits = limits;
    this.#sessionBytesMax = sessionBytesMax;
    this.#outbox = new Outbox<Out>(codec, limits.backlogBytesMax);
    this.caller = new Caller(codec, this.#outbox, this.#events, role === 'client' ? 1 : 2);
  }

  /**
   * From here on the other side's calls are answered; until then each ends as `NO_ANSWERER`. The
   * class is given, so that who answers no calls does not carry it.
   */
  answer(CalleeClass: typeof Callee): void {
    const { callsMax } = this.#limits;
    this.#callee = new CalleeClass<In>(this.#codec, this.#outbox, this.#events, callsMax);
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
      else this.#receiveFrames(message);
      this.#inbox.owe(message.length);
    });
  }

  /** Queues an uncounted frame. One that is due already is not said twice. */
  say(frame: WireFrame): void {
    this.#control.add(this.#codec.encode(frame));
  }

  /** The coarse clock has ticked: what is owed is said, and a silent peer is asked. */
  tick(options: { readonly ping: boolean }): void {
    if (this.#inbox.owes) this.#acknowledge();
    if (options.ping) this.say(PING_FRAME);
  }

  /** Everything that happened since the last time, in order. A call counts as running from here. */
  takeEvents(): readonly SessionEvent<Out, In>[] {
    if (this.#heldBytes > this.#sessionBytesMax) {
      this.end(new OpenlineError('LIMIT_EXCEEDED', 'bytes of the session'));
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
    if (this.#inbox.mustAcknowledge) this.#acknowledge();
    const control = [...this.#control];
    this.#control.clear();
    return this.#outbox.take(control, this.#peerCallsMax - this.caller.openCount, (call) => {
      this.caller.forget(call);
      this.#events.push({ kind: 'too-large', call });
    });
  }

  /** What is kept for the other side, and of it. */
  get #heldBytes(): number {
    let bytes = this.#outbox.heldBytes + (this.#callee?.heldBytes ?? 0);
    for (const { heldBytes } of this.#assemblies.values()) bytes += heldBytes;
    return bytes;
  }

  #acknowledge(): void {
    this.say(ackFrame(this.#inbox.received));
    this.#inbox.acknowledged();
  }

  #receiveFrames(message: Message): void {
    const frames = this.#codec.split(message);
    for (const wire of frames) this.#receiveFrame(parseFrame(wire), message.length / frames.length);
  }

  /** `bytes` is the frame's share of its message. */
  #receiveFrame(frame: Frame, bytes: number): void {
    switch (frame.type) {
      case 'ack':
        return this.#outbox.acknowledge(frame.received);
      case 'ping':
        return this.say(PONG_FRAME);
      case 'pong':
        return;
      case 'goaway':
        this.#events.push({ kind: 'goaway', spreadMs: frame.spreadMs });
        return;
      case 'unknown':
        if (!frame.counted || !this.#inbox.count() || frame.id === undefined) return;
        return this.#endUnsupported(frame.id);
      default:
        if (this.#inbox.count()) this.#process(frame, bytes);
    }
  }

  /** A counted frame that is taken for the first time, or was put together from its pieces. */
  #process(frame: CallFrame | CancelFrame | AnswerFrame, bytes: number): void {
    switch (frame.type) {
      case 'call':
        this.#reserve(frame.id);
        return this.#receiveCall(frame, bytes);
      case 'cancel':
        if (this.#assemblies.get(frame.id)?.opens === true) {
          this.#assemblies.delete(frame.id);
          return this.#refuse(frame.id, 'CANCELLED');
        }
        return this.#callee?.cancel(frame.id);
      default:
        // A terminal frame ends what its call had under way in pieces.
        if (isTerminal(frame)) this.#assemblies.delete(frame.id);
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
        throw new OpenlineError('LIMIT_EXCEEDED', 'payloads in pieces');
      }
      const opens = !this.caller.owns(piece.id) && this.#callee?.isOpen(piece.id) !== true;
      assembly = new Assembly(piece, this.#limits.payloadBytesMax, opens);
      if (opens) this.#reserve(piece.id);
      this.#assemblies.set(piece.id, assembly);
    } else if (piece.size !== undefined) {
      throw malformed('piece');
    }
    const bytes = assembly.add(piece);
    if (bytes === undefined) return;
    this.#assemblies.delete(piece.id);
    const frame = parseFrame(this.#codec.fromBytes(bytes));
    const isUncounted = !('id' in frame) || (frame.type === 'unknown' && !frame.counted);
    if (isUncounted || frame.id !== piece.id) {
      throw malformed('payload');
    }
    if (frame.type === 'unknown') return this.#endUnsupported(piece.id);
    if (frame.type !== 'call') return this.#process(frame, bytes.length);
    if (!assembly.opens) throw malformed('call id');
    this.#receiveCall(frame, bytes.length);
  }

  #endUnsupported(id: CallId): void {
    if (this.caller.owns(id)) this.caller.endUnsupported(id);
    else this.#callee?.endUnsupported(id);
  }

  /** Takes the id of a new call, also of one whose frame comes in pieces. Ids only grow. */
  #reserve(id: CallId): void {
    if (this.caller.owns(id)) throw malformed('call id');
    if (id <= this.#lastForeignId) throw malformed('call id');
    this.#lastForeignId = id;
  }

  #receiveCall(frame: CallFrame, bytes: number): void {
    if (this.#callee === undefined) this.#refuse(frame.id, 'NO_ANSWERER');
    else this.#callee.receive(frame, bytes);
  }

  #refuse(id: CallId, code: CallErrorCode): void {
    this.#outbox.push(id, this.#codec.encode(callErrorFrame(id, code)));
  }

  /** What the peer does wrong ends the session; it throws out of nothing. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.end(
        error instanceof OpenlineError
          ? error
          : new OpenlineError('INTERNAL', 'session', { cause: error }),
      );
    }
  }
}

/** A call that was cancelled in the message that brought it is settled already. */
function isDue(event: SessionEvent<unknown, unknown>): boolean {
  return event.kind !== 'call' || event.call.state === 'arrived';
}
