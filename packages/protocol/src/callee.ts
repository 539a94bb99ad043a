import type { IncomingCall } from './calls.ts';
import type { Codec, WireFrame } from './codec.ts';
import type { CalleeEvent, EventSink } from './event.ts';
import {
  answeredErrorFrame,
  callErrorFrame,
  endFrame,
  itemFrame,
  resultFrame,
  subscribedFrame,
  type CallFrame,
  type CallId,
} from './frame.ts';
import type { CallErrorCode } from './outcome.ts';
import type { Outbox } from './outbox.ts';

/** The calls that the other side made. Each gets exactly one terminal frame. */
export class Callee<In> {
  readonly #codec: Codec;
  readonly #outbox: Outbox<unknown>;
  readonly #events: EventSink<CalleeEvent<In>>;
  readonly #callsMax: number;
  readonly #calls = new Map<CallId, IncomingCall<In>>();
  /** Bytes of calls that are not settled. */
  heldBytes = 0;

  constructor(
    codec: Codec,
    outbox: Outbox<unknown>,
    events: EventSink<CalleeEvent<In>>,
    callsMax: number,
  ) {
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#callsMax = callsMax;
  }

  /** Calls that have their place: they are not settled yet. */
  get calls(): Iterable<IncomingCall<In>> {
    return this.#calls.values();
  }

  get count(): number {
    return this.#calls.size;
  }

  isOpen(id: CallId): boolean {
    return this.#calls.has(id);
  }

  /** A call whose id is new. One above the cap is answered, and not executed. */
  receive({ id, kind, path, options, input }: CallFrame, bytes: number): void {
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
    this.#events.push({ kind: 'call', call });
  }

  /** Before the host has seen the call, the `cancel` keeps it from running. */
  cancel(id: CallId): void {
    const call = this.#calls.get(id);
    if (call === undefined) return; // It was answered while the `cancel` was on its way.
    if (call.state === 'arrived') this.fail(call, 'CANCELLED');
    else this.#events.push({ kind: 'cancel', call, code: 'ABORTED' });
  }

  /** The other side said something of a call that this side does not know: it cannot go on. */
  endUnsupported(id: CallId): void {
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
