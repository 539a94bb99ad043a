import type { Operation, OperationResultEnvelope, TRPCClientError } from '@trpc/client';
import type { AnyTRPCRouter, TRPCCombinedDataTransformer } from '@trpc/server';
import type { Observer } from '@trpc/server/observable';
import {
  CALL_ERRORS,
  inputFrame,
  placeStreams,
  StreamEnds,
  takeStreams,
  type Again,
  type AnswerFrame,
  type CallKind,
  type CallRequest,
  type EndsHost,
  type LineError,
  type Outcome,
  type OutgoingCall,
  type StreamItem,
  type StreamNews,
  type StreamReader,
  type Streams,
  type TakenStream,
} from '@openline/protocol';
import { readCallOptions, type CallOptions } from './call-options.ts';
import { answeredClientError, lineClientError } from './errors.ts';
import type { LineState } from './state.ts';
import { guard } from './store.ts';

/** Who waits for a call: tRPC. An error in a callback of the user's stops nothing. */
export type CallObserver = Observer<
  OperationResultEnvelope<unknown, TRPCClientError<AnyTRPCRouter>>,
  TRPCClientError<AnyTRPCRouter>
>;
type Result = OperationResultEnvelope<unknown, TRPCClientError<AnyTRPCRouter>>['result'];

/** The session that has a call. */
export interface CallSession {
  readonly streams: Streams<OutgoingCall<LineCall>>;
  cancel(call: LineCall): void;
  /** Something was given to it. */
  wake(): void;
}

/** One call, over as many sessions as it takes: what is known of it, and what its caller is told. */
export class LineCall implements EndsHost {
  readonly options: CallOptions;
  readonly isSubscription: boolean;
  /** How long the caller waits, in milliseconds; `Infinity` for ever. */
  timeoutMs: number;
  /**
   * When the caller's time is over, on the monotonic clock; `Infinity` for never, as for a
   * subscription that has begun.
   */
  deadlineMs: number;
  /** The id of the last tracked item; kept across items without one. */
  lastEventId: string | undefined;
  /** The call in its session; `undefined` once it has ended. */
  outgoing: OutgoingCall<LineCall> | undefined;
  /** Has it, while it has not ended. */
  session: CallSession | undefined;
  /** It was written in a session that is gone, and may have run there. */
  mayHaveRun = false;
  /** That sending, if the server may know what became of it. */
  first: Omit<Again, 'ageMs'> | undefined;
  /** Where its items are pulled; else they are consumed as the observer returns. */
  reader: StreamReader | undefined;
  /** Tells that nothing more comes of what it returned. */
  onOver: (() => void) | undefined;
  readonly #operation: Operation;
  readonly #madeAtMs = performance.now();
  readonly #observer: CallObserver;
  readonly #transformer: TRPCCombinedDataTransformer;
  /** As the transformer left it, without its streams. */
  #input: unknown;
  #taken: TakenStream[] | undefined;
  #ends: StreamEnds<OutgoingCall<LineCall>> | undefined;
  #isReturned = false;
  /** Items that are not read yet, and came of a session before. */
  #formerItems = 0;
  #isConnecting: boolean | undefined;
  /** A subscription of which the server has said that it runs. */
  #isSubscribed = false;

  constructor(
    operation: Operation,
    defaultTimeoutMs: number,
    observer: CallObserver,
    transformer: TRPCCombinedDataTransformer,
  ) {
    this.#operation = operation;
    this.options = readCallOptions(operation.context);
    this.isSubscription = operation.type === 'subscription';
    this.timeoutMs = this.options.timeoutMs ?? (this.isSubscription ? Infinity : defaultTimeoutMs);
    this.deadlineMs = this.#madeAtMs + this.timeoutMs;
    this.#observer = observer;
    this.#transformer = transformer;
  }

  get kind(): CallKind {
    return this.#operation.type;
  }

  /** It has returned, and what it returned holds streams that are still read. */
  get isReturned(): boolean {
    return this.#isReturned;
  }

  /** Items of its streams were taken or given: it cannot be made again. */
  get isTied(): boolean {
    return this.#isReturned || this.#ends?.hasBegun === true;
  }

  /** What is sent, in each session. @throws what the transformer throws. */
  request(): CallRequest {
    const { type: kind, path, input } = this.#operation;
    const { first, lastEventId } = this;
    if (this.#taken === undefined) {
      const taken: TakenStream[] = [];
      this.#input = this.#transformer.input.serialize(takeStreams(input, taken));
      this.#taken = taken;
      // How long a stream goes on is its source's to say.
      if (taken.length > 0 && this.options.timeoutMs === undefined) {
        this.timeoutMs = this.deadlineMs = Infinity;
      }
    }
    this.#isSubscribed = false;
    const timeoutMs = Math.ceil(this.timeoutMs);
    const options = {
      // A subscription's timeout is for its first word alone: past it, a `cancel` tells the server.
      timeoutMs: this.isSubscription || !Number.isSafeInteger(timeoutMs) ? undefined : timeoutMs,
      lastEventId,
      key: this.options.idempotencyKey,
      streams: this.#taken.length > 0 ? this.#taken.map((stream) => stream.path) : undefined,
      again: first && { ...first, ageMs: Math.ceil(performance.now() - this.#madeAtMs) },
    };
    return { kind, path, input: this.#input, options };
  }

  /** It is given to a session, which has written nothing of it yet. */
  begin(session: CallSession, outgoing: OutgoingCall<LineCall>): void {
    this.session = session;
    this.outgoing = outgoing;
    this.#ends = undefined;
    this.#formerItems = this.reader?.length ?? 0;
    const sources = this.#taken?.map(({ source }) => source) ?? [];
    if (sources.length > 0) this.#openEnds(session, outgoing).write(sources, 1);
  }

  /**
   * What may be said of it if it ends now. The server cannot have started one that was not written
   * whole, or that it had not `received` when it forgot the session.
   */
  outcome(received = Infinity): Exclude<Outcome, 'failed'> {
    const { number = 0 } = this.outgoing ?? {};
    return this.mayHaveRun || (number > 0 && number <= received) ? 'unknown' : 'not-executed';
  }

  /** Nobody waits for it any more. */
  drop(): void {
    this.session?.cancel(this);
  }

  /** What the server says of it. */
  answer(frame: AnswerFrame): void {
    const { outgoing, session } = this;
    // Given up by a callback of an event before this one.
    if (outgoing === undefined || session === undefined) return;
    switch (frame.type) {
      case 'subscribed':
        this.deadlineMs = Infinity;
        this.#isSubscribed = true;
        return this.#next({ type: 'started' });
      case 'item': {
        const { eventId: id } = frame;
        this.lastEventId = id ?? this.lastEventId;
        if (this.reader !== undefined) return this.reader.push(frame);
        this.#read(frame.data, (data) =>
          this.#next(id === undefined ? { type: 'data', data } : { type: 'data', id, data }),
        );
        return this.consumed(frame);
      }
      case 'returned': {
        const ends = this.#openEnds(session, outgoing);
        const readers = frame.streams.map((_, index) => ends.reader(index + 1));
        this.deadlineMs = Infinity;
        let data: unknown;
        try {
          data = placeStreams(this.read(frame.data), frame.streams, readers);
        } catch (cause) {
          return this.fail(decodingError('unknown'), cause);
        }
        this.#isReturned = true;
        this.#next({ type: 'data', data });
        return this.complete();
      }
      case 'result':
        this.outgoing = undefined;
        this.#over();
        return this.#read(frame.data, (data) => {
          this.#next({ type: 'data', data });
          this.complete();
        });
      case 'end':
        this.outgoing = undefined;
        this.#over();
        if (this.#isReturned) return;
        this.#next({ type: 'stopped' });
        return this.complete();
      case 'error': {
        const { code, shape } = frame;
        this.outgoing = undefined;
        if (code === null) return this.answered(shape);
        // What is refused here may have run in a session before.
        const outcome = this.mayHaveRun ? 'unknown' : CALL_ERRORS[code];
        this.fail({ code, outcome, message: `the server ended the call: ${code}` });
      }
    }
  }

  /** Whoever reads it has done with an item. */
  consumed(item: StreamItem): void {
    if (this.#formerItems > 0) this.#formerItems--;
    else if (this.outgoing !== undefined) {
      this.session?.streams.consumed(this.outgoing, 0, item);
      this.session?.wake();
    }
  }

  /** What is said of one of its streams. */
  heard(stream: number, news: StreamNews): void {
    if (stream > 0) return this.#ends?.heard(stream, news);
    this.fail({ code: 'LIMIT', outcome: 'unknown', message: OVERRUN });
    this.drop();
  }

  write(stream: number, value: unknown): void {
    const { session, outgoing } = this;
    if (session === undefined || outgoing === undefined) return;
    const data: unknown = this.#transformer.input.serialize(value);
    session.streams.write(outgoing, stream, inputFrame(outgoing.id, stream, data));
  }

  read(data: unknown): unknown {
    try {
      return this.#transformer.output.deserialize(data);
    } catch (cause) {
      throw lineClientError(decodingError('unknown'), cause);
    }
  }

  causeOf(end: 'failed' | 'overrun', shape: unknown): unknown {
    if (end === 'overrun') {
      return lineClientError({ code: 'LIMIT', outcome: 'unknown', message: OVERRUN });
    }
    return answeredClientError(this.read(shape) as never);
  }

  /** A stream of the input has failed, and with it the call. */
  failed(_stream: number, cause: unknown): void {
    this.fail({ code: 'ABORTED', message: 'a stream of the input has failed' }, cause);
    this.drop();
  }

  report(cause: unknown): void {
    guard(() => {
      throw cause;
    });
  }

  written(): void {}

  wake(): void {
    this.session?.wake();
  }

  /** The application wants no more of it, or there is no more. */
  complete(): void {
    if (!this.#isReturned) this.#over();
    guard(() => this.#observer.complete());
  }

  /**
   * It ended in an error that the router's formatter made. `error` is there when not the procedure
   * answered, but the server's admission.
   */
  answered(shape: unknown, error?: LineError): void {
    this.#read(
      shape,
      (data) => this.#fail(answeredClientError(data as never, error)),
      error?.outcome,
    );
  }

  /** It ended without an answer. Default: with what may be said of it now. */
  fail(error: Omit<LineError, 'outcome'> & { readonly outcome?: Outcome }, cause?: unknown): void {
    const told = { outcome: this.outcome(), ...error };
    this.#fail(lineClientError(told, cause));
  }

  /** Whoever waits for it, or reads what it has returned, is told. */
  #fail(error: TRPCClientError<AnyTRPCRouter>): void {
    const isReturned = this.#isReturned;
    this.#over({ cause: error });
    if (!isReturned) guard(() => this.#observer.error(error));
  }

  /** Its streams are over, too. */
  #over(end?: { readonly cause: unknown }): void {
    this.#ends?.close(end);
    this.onOver?.();
  }

  /** What the line does, now and at each change: a subscription shows it. */
  show(state: LineState): void {
    if (!this.isSubscription) return;
    const isConnecting = state.status !== 'open';
    if (isConnecting === this.#isConnecting && state.status !== 'waiting') return;
    if (isConnecting) return this.connecting(state.status === 'waiting' ? state.error : undefined);
    this.#isConnecting = false;
    this.#next({ type: 'state', state: 'pending', error: null });
    // Its session goes on, and so does it. React Query shows it as running from this alone.
    if (this.#isSubscribed) this.#next({ type: 'started' });
  }

  /** A subscription waits for its session, or is made again and may miss items: over `error`, if any. */
  connecting(error: LineError | undefined): void {
    this.#isConnecting = true;
    this.#next({
      type: 'state',
      state: 'connecting',
      error: error ? lineClientError(error) : null,
    });
  }

  /** What the transformer cannot read ends the call. */
  #read(data: unknown, take: (value: unknown) => void, outcome: Outcome = 'unknown'): void {
    let value: unknown;
    try {
      value = this.#transformer.output.deserialize(data);
    } catch (cause) {
      return this.fail(decodingError(outcome), cause);
    }
    take(value);
  }

  #openEnds(
    session: CallSession,
    outgoing: OutgoingCall<LineCall>,
  ): StreamEnds<OutgoingCall<LineCall>> {
    return (this.#ends ??= new StreamEnds(session.streams, outgoing, this));
  }

  #next(result: Result): void {
    guard(() => this.#observer.next({ result }));
  }
}

const OVERRUN = 'the server sent more items than it was granted';

function decodingError(outcome: Outcome): LineError {
  return { code: 'DECODING', outcome, message: 'the answer cannot be decoded' };
}
