import { isTerminal, parseAnswerFrame } from './answer.ts';
import type { OutgoingCall } from './calls.ts';
import type { Codec, WireFrame } from './codec.ts';
import { malformed } from './errors.ts';
import type { CallerEvent, EventSink } from './event.ts';
import type { CallId } from './frame.ts';
import type { Outbox } from './outbox.ts';
import { callFrame, cancelFrame, type CallRequest } from './request.ts';

/** The calls that this side made. */
export class Caller<Out> {
  readonly #codec: Codec;
  readonly #outbox: Outbox<Out>;
  readonly #events: EventSink<CallerEvent<Out>>;
  readonly #calls = new Map<CallId, OutgoingCall<Out>>();
  #nextId: CallId;

  /** `firstId` is 1 or 2: each side has a parity of its own. */
  constructor(
    codec: Codec,
    outbox: Outbox<Out>,
    events: EventSink<CallerEvent<Out>>,
    firstId: CallId,
  ) {
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#nextId = firstId;
  }

  /** Calls that were written and have not ended, cancelled ones included. */
  get openCount(): number {
    return this.#calls.size - this.#outbox.waitingCount;
  }

  /** Every call that has not ended. */
  get calls(): Iterable<OutgoingCall<Out>> {
    return this.#calls.values();
  }

  owns(id: CallId): boolean {
    return id % 2 === this.#nextId % 2;
  }

  /** @throws what the codec throws at the input, and FRAME_MALFORMED for a path or a timeout. */
  call(request: CallRequest, owner: Out): OutgoingCall<Out> {
    const id = this.#nextId;
    const unwritten = this.#codec.encode(callFrame(id, request));
    this.#nextId += 2;
    const call = { id, owner, unwritten, number: 0, cancelled: false };
    this.#calls.set(id, call);
    this.#outbox.pushCall(call);
    return call;
  }

  /** A call that was never written vanishes; another one stays until its terminal frame. */
  cancel(call: OutgoingCall<Out>): void {
    if (call.cancelled || this.#calls.get(call.id) !== call) return;
    call.cancelled = true;
    if (call.unwritten !== undefined) return this.forget(call);
    this.#outbox.discardParcel(call.id);
    this.#outbox.push(call.id, this.#codec.encode(cancelFrame(call.id)));
  }

  /** Ends a call on this side alone, before it was written. */
  forget(call: OutgoingCall<Out>): void {
    this.#outbox.withdraw(call);
    this.#calls.delete(call.id);
  }

  /** The other side says something of a call that this side made. */
  receive(tag: number, id: CallId, wire: WireFrame): void {
    const call = this.#calls.get(id);
    const frame = parseAnswerFrame(tag, wire);
    if (frame === undefined) return this.#endUnsupported(call);
    if (call === undefined || call.unwritten !== undefined) throw malformed('call id');
    if (isTerminal(frame)) {
      this.#calls.delete(id);
      this.#outbox.discardParcel(id);
    }
    if (!call.cancelled) this.#events.push({ kind: 'answer', call, frame });
  }

  /** A frame of a newer peer: what it means for the call is not known here, so that it cannot go on. */
  #endUnsupported(call: OutgoingCall<Out> | undefined): void {
    if (call === undefined || call.cancelled) return;
    this.cancel(call);
    const frame = { type: 'error', code: 'UNSUPPORTED', shape: undefined } as const;
    this.#events.push({ kind: 'answer', call, frame });
  }
}
