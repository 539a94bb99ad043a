import type { IncomingCall } from './calls.ts';
import type { Codec, WireFrame } from './codec.ts';
import { malformed } from './errors.ts';
import type { CalleeEvent, EventSink } from './event.ts';
import {
  answeredErrorFrame,
  callErrorFrame,
  endFrame,
  itemFrame,
  resultFrame,
  subscribedFrame,
} from './answer.ts';
import type { CallId } from './frame.ts';
import type { CallErrorCode } from './outcome.ts';
import type { Outbox } from './outbox.ts';
import { parseCall } from './request.ts';

/** The calls that the other side made. Each gets exactly one terminal frame. */
export class Callee<In> {
  readonly #codec: Codec;
  readonly #outbox: Outbox<unknown>;
  readonly #events: EventSink<CalleeEvent<In>>;
  readonly #callsMax: number;
  readonly #parity: number;
  readonly #calls = new Map<CallId, IncomingCall<In>>();
  /** Calls whose frames come in pieces. */
  readonly #expected = new Set<CallId>();
  #lastId: CallId = 0;
  /** Calls that the host has not seen. */
  #arrived: IncomingCall<In>[] = [];
  #producersWait = false;
  /** Bytes of calls that are not settled. */
  heldBytes = 0;

  constructor(
    codec: Codec,
    outbox: Outbox<unknown>,
    events: EventSink<CalleeEvent<In>>,
    callsMax: number,
    parity: number,
  ) {
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#callsMax = callsMax;
    this.#parity = parity;
  }

  /** Calls that have their place: they are not settled yet. */
  get calls(): Iterable<IncomingCall<In>> {
    return this.#calls.values();
  }

  get count(): number {
    return this.#calls.size;
  }

  /** The first piece of a frame: where it is of no call that is open, it opens one. */
  expect(id: CallId): void {
    if (this.#calls.has(id)) return;
    this.#reserve(id);
    this.#expected.add(id);
  }

  /** A call whose id is new. One above the cap is answered, and not executed. */
  open(id: CallId, wire: WireFrame, bytes: number): void {
    const { kind, path, options, input } = parseCall(wire);
    if (!this.#expected.delete(id)) this.#reserve(id);
    if (this.#calls.size >= this.#callsMax) return this.#answer(id, 'BUSY');
    const call = {
      id,
      kind,
      path,
      options,
      input,
      bytes,
      state: 'arrived',
      owner: undefined,
    } as const;
    this.#calls.set(id, call);
    this.heldBytes += bytes;
    this.#arrived.push(call);
  }

  /** `true`: a producer of items waits, and a `room` event tells it to go on. */
  producersMustWait(): boolean {
    this.#producersWait ||= this.#outbox.isFull;
    return this.#producersWait;
  }

  /** What waited for the other side to take what it is given: producers, and calls not yet seen. */
  takeDue(events: EventSink<CalleeEvent<In>>): void {
    if (this.#outbox.isFull) return;
    if (this.#producersWait) events.push({ kind: 'room' });
    this.#producersWait = false;
    if (this.#arrived.length === 0) return;
    for (const call of this.#arrived) {
      if (call.state !== 'arrived') continue; // Cancelled before it was seen.
      call.state = 'running';
      events.push({ kind: 'call', call });
    }
    this.#arrived = [];
  }

  /** Before the host has seen the call, the `cancel` keeps it from running. */
  cancel(id: CallId): void {
    if (this.#expected.delete(id)) return this.#answer(id, 'CANCELLED');
    const call = this.#calls.get(id);
    if (call === undefined) return; // It was answered while the `cancel` was on its way.
    if (call.state === 'arrived') this.fail(call, 'CANCELLED');
    else this.#events.push({ kind: 'cancel', call, code: 'ABORTED' });
  }

  /** A frame of a newer peer: what it means for the call is not known here, so that it cannot go on. */
  endUnsupported(id: CallId): void {
    this.#expected.delete(id);
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (call.state === 'arrived') this.fail(call, 'UNSUPPORTED');
    else this.#events.push({ kind: 'cancel', call, code: 'UNSUPPORTED' });
  }

  subscribed(call: IncomingCall<In>): void {
    this.#assertUnsettled(call);
    this.#outbox.push(call.id, this.#codec.encode(subscribedFrame(call.id)));
  }

  /** @throws what the codec throws at the data, and LIMIT_EXCEEDED; then nothing was sent. */
  item(call: IncomingCall<In>, data: unknown, eventId: string | undefined): void {
    this.#assertUnsettled(call);
    this.#outbox.push(call.id, this.#codec.encode(itemFrame(call.id, data, eventId)));
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
    this.heldBytes -= call.bytes;
    this.#calls.delete(call.id);
  }

  #assertUnsettled(call: IncomingCall<In>): void {
    if (call.state === 'settled') throw new TypeError('a call has exactly one terminal frame');
  }
}
