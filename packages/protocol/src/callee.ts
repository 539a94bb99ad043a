import type { IncomingCall } from './calls.ts';
import type { Codec, WireFrame } from './codec.ts';
import { CUT_SHORT_MAX } from './constants.ts';
import { malformed } from './errors.ts';
import type { CalleeEvent, EventSink } from './event.ts';
import {
  answeredErrorFrame,
  callErrorFrame,
  endFrame,
  itemFrame,
  resultFrame,
  returnedFrame,
  subscribedFrame,
} from './answer.ts';
import { Credit } from './flow.ts';
import type { FlowFrames } from './flow-frames.ts';
import type { CallId } from './frame.ts';
import type { CallErrorCode } from './outcome.ts';
import type { Outbox } from './outbox.ts';
import { parseCall } from './request.ts';
import { CallStreams, parseStream, type StreamEvent, type StreamPath } from './stream.ts';
import { Streams } from './streams.ts';
import * as TAGS from './tags.ts';

/** What a session gives to those of its calls that the other side makes. */
export interface CalleeOptions<In> {
  readonly codec: Codec;
  readonly outbox: Outbox<unknown>;
  readonly events: EventSink<CalleeEvent<In>>;
  /** Calls that may be open at once. */
  readonly callsMax: number;
  /** Of their ids. */
  readonly parity: number;
  readonly flow: FlowFrames;
  /** Nothing more is read of the call. */
  readonly settled: (id: CallId) => void;
}

/** The calls that the other side made. Each gets exactly one terminal frame. */
export class Callee<In> {
  readonly streams: Streams<IncomingCall<In>>;
  readonly #codec: Codec;
  readonly #outbox: Outbox<unknown>;
  readonly #events: EventSink<CalleeEvent<In>>;
  readonly #callsMax: number;
  readonly #parity: number;
  readonly #settled: (id: CallId) => void;
  readonly #calls = new Map<CallId, IncomingCall<In>>();
  /** Calls whose frames come in pieces. */
  readonly #expected = new Set<CallId>();
  /** Calls that ended before their inputs did, the latest of them: more of those may still come. */
  readonly #cutShort = new Set<CallId>();
  #lastId: CallId = 0;
  /** Calls that the host has not seen. */
  #arrived: IncomingCall<In>[] = [];
  /** What came of their streams. */
  readonly #early = new Map<IncomingCall<In>, StreamEvent<IncomingCall<In>>[]>();
  #callBytes = 0;

  constructor({ codec, outbox, events, callsMax, parity, flow, settled }: CalleeOptions<In>) {
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#callsMax = callsMax;
    this.#parity = parity;
    this.#settled = settled;
    this.streams = new Streams(codec, outbox, { push: (event) => this.#tell(event) }, flow);
  }

  /** Bytes of calls that are not settled, and of what their streams have brought. */
  get heldBytes(): number {
    return this.#callBytes + this.streams.heldBytes;
  }

  /** The call, while it is not settled. */
  opened(id: CallId): IncomingCall<In> | undefined {
    return this.#calls.get(id);
  }

  /** Calls that have their place: they are not settled yet. */
  get calls(): Iterable<IncomingCall<In>> {
    return this.#calls.values();
  }

  get count(): number {
    return this.#calls.size;
  }

  /**
   * The first piece of a frame: where it is of no call that is open, it opens one. `false`: it is of
   * an input that nobody reads any more.
   */
  expect(id: CallId): boolean {
    if (this.#calls.has(id)) return true;
    if (this.#cutShort.has(id)) return false;
    this.#reserve(id);
    this.#expected.add(id);
    return true;
  }

  /** A call whose id is new. One above the cap is answered, and not executed. */
  open(id: CallId, wire: WireFrame, bytes: number): void {
    const { kind, path, options, input } = parseCall(wire);
    if (!this.#expected.delete(id)) this.#reserve(id);
    if (this.#calls.size >= this.#callsMax) return this.#answer(id, 'BUSY');
    const call: IncomingCall<In> = {
      id,
      kind,
      path,
      options,
      input,
      bytes,
      state: 'arrived',
      streams: undefined,
      owner: undefined,
    };
    if (kind === 'subscription' || options.streams !== undefined) {
      call.streams = new CallStreams();
      if (kind === 'subscription') call.streams.writing.set(0, new Credit());
      call.streams.read(1, options.streams?.length ?? 0);
    }
    this.#calls.set(id, call);
    this.#callBytes += bytes;
    this.#arrived.push(call);
  }

  /** What waited for the other side to take what it is given: producers, and calls not yet seen. */
  takeDue(events: EventSink<CalleeEvent<In>>): void {
    if (this.#arrived.length === 0 || this.#outbox.isFull) return;
    for (const call of this.#arrived) {
      call.state = 'running';
      events.push({ kind: 'call', call });
    }
    this.#arrived = [];
    for (const early of this.#early.values()) for (const event of early) events.push(event);
    this.#early.clear();
  }

  /** A frame of a call of the other side that does not open it. */
  receive(tag: number, id: CallId, wire: WireFrame, bytes: number): void {
    if (tag > TAGS.returned) return this.endUnsupported(id);
    if (tag < TAGS.input || tag === TAGS.returned || id > this.#lastId) throw malformed('call id');
    if (this.#expected.has(id)) throw malformed('call id'); // In pieces, and no call.
    const call = this.#calls.get(id);
    if (call === undefined) return; // It was answered while the frame was on its way.
    if (tag !== TAGS.input) return this.streams.heard(call, tag, wire);
    const stream = parseStream(wire[2]);
    const news = this.streams.receive(call, stream, wire[3], bytes);
    if (news !== undefined) this.#tell({ kind: 'stream', call, stream, news });
  }

  /** Before the host has seen the call, the `cancel` keeps it from running. */
  cancel(id: CallId): void {
    if (this.#expected.delete(id)) return this.#answer(id, 'CANCELLED');
    const call = this.#calls.get(id);
    if (call === undefined) return; // It was answered while the `cancel` was on its way.
    if (call.state === 'arrived') this.#failUnseen(call, 'CANCELLED');
    else this.#events.push({ kind: 'cancel', call, code: 'ABORTED' });
  }

  /** A frame of a newer peer: what it means for the call is not known here, so that it cannot go on. */
  endUnsupported(id: CallId): void {
    this.#expected.delete(id);
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (call.state === 'arrived') this.#failUnseen(call, 'UNSUPPORTED');
    else this.#events.push({ kind: 'cancel', call, code: 'UNSUPPORTED' });
  }

  subscribed(call: IncomingCall<In>): void {
    this.#assertUnsettled(call);
    this.#outbox.push(call.id, this.#codec.encode(subscribedFrame(call.id)));
  }

  /** What a query or mutation returned holds streams. @throws as `item` does. */
  returned(call: IncomingCall<In>, streams: readonly StreamPath[], data: unknown): void {
    this.#assertUnsettled(call);
    this.#outbox.push(call.id, this.#codec.encode(returnedFrame(call.id, streams, data)));
    (call.streams ??= new CallStreams()).write(streams.length);
  }

  /**
   * An item of a subscription, which is stream 0, or of a stream that was returned.
   *
   * @throws what the codec throws at the data, and LIMIT_EXCEEDED; then nothing was sent.
   */
  item(
    call: IncomingCall<In>,
    data: unknown,
    eventId: string | undefined,
    stream: number = 0,
  ): void {
    this.#assertUnsettled(call);
    this.streams.write(call, stream, itemFrame(call.id, data, eventId ?? stream));
  }

  /** @throws as `item` does; then the call is still to be settled. */
  result(call: IncomingCall<In>, data: unknown): void {
    this.#finish(call, resultFrame(call.id, data));
  }

  /** @throws as `item` does; then the call is still to be settled. */
  error(call: IncomingCall<In>, shape: unknown): void {
    this.#finish(call, answeredErrorFrame(call.id, shape));
  }

  end(call: IncomingCall<In>): void {
    this.#finish(call, endFrame(call.id));
  }

  /** Settles a call that has no answer of its procedure. */
  fail(call: IncomingCall<In>, code: CallErrorCode): void {
    this.#settle(call);
    this.#outbox.discardParcel(call.id); // Of an item that nobody waits for any more.
    this.#answer(call.id, code);
  }

  /** A call that the host has not seen keeps nothing: while the outbox is full there may be many. */
  #failUnseen(call: IncomingCall<In>, code: CallErrorCode): void {
    this.#arrived = this.#arrived.filter((other) => other !== call);
    this.#early.delete(call);
    this.fail(call, code);
  }

  /** Settles the call only once its terminal frame is queued: either may throw until then. */
  #finish(call: IncomingCall<In>, terminal: WireFrame): void {
    this.#assertUnsettled(call);
    this.#outbox.push(call.id, this.#codec.encode(terminal));
    this.#settle(call);
  }

  /** Takes the id of a new call. Ids only grow. */
  #reserve(id: CallId): void {
    if (id % 2 !== this.#parity || id <= this.#lastId) throw malformed('call id');
    this.#lastId = id;
  }

  #answer(id: CallId, code: CallErrorCode): void {
    this.#outbox.push(id, this.#codec.encode(callErrorFrame(id, code)));
  }

  #settle(call: IncomingCall<In>): void {
    this.#assertUnsettled(call);
    call.state = 'settled';
    const { streams } = call;
    if (streams !== undefined && (streams.isLeft || streams.reading.size > 0)) this.#cut(call.id);
    this.streams.forget(call);
    this.#callBytes -= call.bytes;
    this.#calls.delete(call.id);
    this.#settled(call.id);
  }

  #cut(id: CallId): void {
    const [oldest] = this.#cutShort;
    if (this.#cutShort.size >= CUT_SHORT_MAX && oldest !== undefined) this.#cutShort.delete(oldest);
    this.#cutShort.add(id);
  }

  /** What comes of a call that the host has not seen waits with it. */
  #tell(event: StreamEvent<IncomingCall<In>>): void {
    if (event.call.state !== 'arrived') {
      this.#events.push(event);
      return;
    }
    const early = this.#early.get(event.call);
    if (early === undefined) this.#early.set(event.call, [event]);
    else early.push(event);
  }

  #assertUnsettled(call: IncomingCall<In>): void {
    if (call.state === 'settled') throw new TypeError('a call has exactly one terminal frame');
  }
}
