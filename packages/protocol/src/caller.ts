import { isTerminal, parseAnswerFrame, parseOrigin } from './answer.ts';
import type { OutgoingCall } from './calls.ts';
import type { Codec, WireFrame } from './codec.ts';
import { malformed } from './errors.ts';
import type { CallerEvent, EventSink } from './event.ts';
import type { FlowFrames } from './flow-frames.ts';
import type { CallId } from './frame.ts';
import type { Outbox } from './outbox.ts';
import { callFrame, cancelFrame, type CallRequest } from './request.ts';
import { CallStreams } from './stream.ts';
import { Streams } from './streams.ts';
import * as TAGS from './tags.ts';

/** The calls that this side made. */
export class Caller<Out> {
  readonly streams: Streams<OutgoingCall<Out>>;
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
    flow: FlowFrames,
  ) {
    this.streams = new Streams(codec, outbox, events, flow);
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#nextId = firstId;
  }

  /** Calls that were written and have not ended, cancelled ones included. */
  get openCount(): number {
    return this.#calls.size - this.#outbox.waitingCount;
  }

  /** The call, while it has not ended. */
  open(id: CallId): OutgoingCall<Out> | undefined {
    return this.#calls.get(id);
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
    const { kind, options } = request;
    const isSubscription = kind === 'subscription';
    let streams: CallStreams | undefined;
    if (isSubscription || options.streams !== undefined) {
      streams = new CallStreams();
      if (isSubscription) streams.read(0, 0);
      streams.write(options.streams?.length ?? 0);
    }
    const call = { id, owner, unwritten, number: 0, cancelled: false, streams };
    this.#calls.set(id, call);
    this.#outbox.pushCall(call);
    return call;
  }

  /** A call that was never written vanishes; another one stays until its terminal frame. */
  cancel(call: OutgoingCall<Out>): void {
    if (call.cancelled || this.#calls.get(call.id) !== call) return;
    call.cancelled = true;
    this.streams.forget(call);
    if (call.unwritten !== undefined) return this.forget(call);
    this.#outbox.discardParcel(call.id);
    this.#outbox.push(call.id, this.#codec.encode(cancelFrame(call.id)));
  }

  /** Ends a call on this side alone, before it was written. */
  forget(call: OutgoingCall<Out>): void {
    this.streams.forget(call);
    this.#outbox.withdraw(call);
    this.#calls.delete(call.id);
  }

  /** The other side says something of a call that this side made. */
  receive(tag: number, id: CallId, wire: WireFrame, bytes: number): void {
    const call = this.#calls.get(id);
    if (tag > TAGS.returned) return this.#endUnsupported(call);
    if (call === undefined || call.unwritten !== undefined) throw malformed('call id');
    if (tag === TAGS.item) this.#receiveItem(call, wire, bytes);
    else if (tag !== TAGS.close && tag !== TAGS.stop) this.#receiveAnswer(call, tag, wire);
    else if (!call.cancelled) this.streams.heard(call, tag, wire);
  }

  #receiveItem(call: OutgoingCall<Out>, wire: WireFrame, bytes: number): void {
    const origin = parseOrigin(wire[2]);
    if (call.cancelled) return;
    const eventId = typeof origin === 'string' ? origin : undefined;
    const stream = eventId === undefined ? (origin as number) : 0;
    const news = this.streams.receive(call, stream, wire[3], bytes);
    if (news === undefined) return;
    if (stream > 0) this.#events.push({ kind: 'stream', call, stream, news });
    else this.#events.push({ kind: 'answer', call, frame: { ...news, eventId } });
  }

  #receiveAnswer(call: OutgoingCall<Out>, tag: number, wire: WireFrame): void {
    const frame = parseAnswerFrame(tag, wire);
    if (frame === undefined) throw malformed('call id');
    if (isTerminal(frame)) {
      this.#calls.delete(call.id);
      this.#outbox.discardParcel(call.id);
      this.streams.forget(call);
    }
    if (call.cancelled) return;
    if (frame.type === 'returned') this.#readReturned(call, frame.streams.length);
    this.#events.push({ kind: 'answer', call, frame });
  }

  /** Once, and not of a subscription: else the books of its streams would begin anew. */
  #readReturned(call: OutgoingCall<Out>, count: number): void {
    const streams = (call.streams ??= new CallStreams());
    if (streams.hasRead(0) || streams.hasRead(1)) throw malformed('returned');
    streams.read(1, count);
  }

  /** A frame of a newer peer: what it means for the call is not known here, so that it cannot go on. */
  #endUnsupported(call: OutgoingCall<Out> | undefined): void {
    if (call === undefined || call.cancelled) return;
    this.cancel(call);
    const frame = { type: 'error', code: 'UNSUPPORTED', shape: undefined } as const;
    this.#events.push({ kind: 'answer', call, frame });
  }
}
