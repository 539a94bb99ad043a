import type { Operation, OperationResultEnvelope, TRPCClientError } from '@trpc/client';
import type { AnyTRPCRouter, TRPCCombinedDataTransformer } from '@trpc/server';
import type { Observer } from '@trpc/server/observable';
import {
  CALL_ERRORS,
  type Again,
  type AnswerFrame,
  type CallKind,
  type CallRequest,
  type LineError,
  type Outcome,
  type OutgoingCall,
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

/** One call, over as many sessions as it takes: what is known of it, and what its caller is told. */
export class LineCall {
  readonly options: CallOptions;
  readonly isSubscription: boolean;
  /** How long the caller waits, in milliseconds; `Infinity` for ever. */
  readonly timeoutMs: number;
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
  session: { cancel(call: LineCall): void } | undefined;
  /** It was written in a session that is gone, and may have run there. */
  mayHaveRun = false;
  /** That sending, if the server may know what became of it. */
  first: Omit<Again, 'ageMs'> | undefined;
  readonly #operation: Operation;
  readonly #madeAtMs = performance.now();
  readonly #observer: CallObserver;
  readonly #transformer: TRPCCombinedDataTransformer;
  /** As the transformer left it. */
  #input: unknown;
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

  /** What is sent, in each session. @throws what the transformer throws. */
  request(): CallRequest {
    const { type: kind, path, input } = this.#operation;
    const { first, lastEventId } = this;
    this.#input ??= this.#transformer.input.serialize(input);
    this.#isSubscribed = false;
    const timeoutMs = Math.ceil(this.timeoutMs);
    const options = {
      // A subscription's timeout is for its first word alone: past it, a `cancel` tells the server.
      timeoutMs: this.isSubscription || !Number.isSafeInteger(timeoutMs) ? undefined : timeoutMs,
      lastEventId,
      key: this.options.idempotencyKey,
      again: first && { ...first, ageMs: Math.ceil(performance.now() - this.#madeAtMs) },
    };
    return { kind, path, input: this.#input, options };
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
    if (this.outgoing === undefined) return; // Given up by a callback of an event before this one.
    switch (frame.type) {
      case 'subscribed':
        this.deadlineMs = Infinity;
        this.#isSubscribed = true;
        return this.#next({ type: 'started' });
      case 'item': {
        const { eventId: id } = frame;
        this.lastEventId = id ?? this.lastEventId;
        return this.#read(frame.data, (data) =>
          this.#next(id === undefined ? { type: 'data', data } : { type: 'data', id, data }),
        );
      }
      case 'result':
        this.outgoing = undefined;
        return this.#read(frame.data, (data) => {
          this.#next({ type: 'data', data });
          this.complete();
        });
      case 'end':
        this.outgoing = undefined;
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

  /** The application wants no more of it. */
  complete(): void {
    guard(() => this.#observer.complete());
  }

  /**
   * It ended in an error that the router's formatter made. `error` is there when not the procedure
   * answered, but the server's admission.
   */
  answered(shape: unknown, error?: LineError): void {
    this.#read(
      shape,
      (data) => guard(() => this.#observer.error(answeredClientError(data, error))),
      error?.outcome,
    );
  }

  /** It ended without an answer. Default: with what may be said of it now. */
  fail(error: Omit<LineError, 'outcome'> & { readonly outcome?: Outcome }, cause?: unknown): void {
    const told = { outcome: this.outcome(), ...error };
    guard(() => this.#observer.error(lineClientError(told, cause)));
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
      return this.fail(
        { code: 'DECODING', outcome, message: 'the answer cannot be decoded' },
        cause,
      );
    }
    take(value);
  }

  #next(result: Result): void {
    guard(() => this.#observer.next({ result }));
  }
}
