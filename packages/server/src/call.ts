import { isTrackedEnvelope, TRPCError } from '@trpc/server';
import { isObservable, observableToAsyncIterable } from '@trpc/server/observable';
import type { Callee, CallKind, IncomingCall } from '@openline/protocol';
import { errorOf } from './errors.ts';
import type { ProcedureCall } from './procedure.ts';

/** What a call needs of its session. */
export interface CallHost {
  readonly isOver: boolean;
  readonly callee: Callee<RunningCall>;
  runProcedure(call: RunningCall): Promise<unknown>;
  /** @throws what the router's transformer throws. */
  serialize(value: unknown): unknown;
  /** @throws what the router's formatter and transformer throw. */
  serializeError(call: RunningCall, error: TRPCError): unknown;
  report(call: RunningCall, error: TRPCError): void;
  /** Something was given to the session: it is flushed at the end of the tick. */
  wake(): void;
  /** Whether a stream may give its next item; else it is told to `resume`. */
  mayProduce(call: RunningCall): boolean;
}

/** One call while its procedure runs: gives it what it needs, and the caller what it gives. */
export class RunningCall implements ProcedureCall {
  readonly batchIndex = 0;
  readonly ctx: unknown;
  /** When the caller's time is over, on the monotonic clock. */
  readonly deadlineMs: number;
  readonly #session: CallHost;
  readonly #call: IncomingCall<RunningCall>;
  #controller: AbortController | undefined;
  /** Set once nobody waits for an answer any more: what the call is then settled with. */
  #aborted: 'ABORTED' | 'UNSUPPORTED' | undefined;
  #iterator: AsyncIterator<unknown> | undefined;

  constructor(
    session: CallHost,
    call: IncomingCall<RunningCall>,
    ctx: unknown,
    deadlineMs: number,
  ) {
    this.#session = session;
    this.#call = call;
    this.ctx = ctx;
    this.deadlineMs = deadlineMs;
  }

  get path(): string {
    return this.#call.path;
  }

  get type(): CallKind {
    return this.#call.kind;
  }

  get input(): unknown {
    return this.#call.input;
  }

  get lastEventId(): string | undefined {
    return this.#call.options.lastEventId;
  }

  /** Made when a procedure first reads it: most do not, and it costs more than the call. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  start(): void {
    this.#session.runProcedure(this).then(
      (value) => this.#answer(value),
      (error: unknown) => this.#fail(error),
    );
  }

  /** The caller gave it up, or is gone. The call keeps its place until its procedure has settled. */
  abort(code: 'ABORTED' | 'UNSUPPORTED'): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = code;
    this.#controller?.abort();
    this.#closeIterator(() => this.#settleAborted());
  }

  /** A subscription that was told to wait may give its next item. */
  resume(): void {
    this.#pull();
  }

  #answer(value: unknown): void {
    try {
      const isStream = isObservable(value) || isAsyncIterable(value);
      if (this.#call.kind === 'subscription') {
        if (isStream) return this.#stream(value);
        throw new TRPCError({
          code: 'INTERNAL_SERVER_ERROR',
          message: 'A subscription returns an observable or an async iterable.',
        });
      }
      if (isStream) {
        throw new TRPCError({
          code: 'UNSUPPORTED_MEDIA_TYPE',
          message: `A ${this.#call.kind} cannot return an async iterable or an observable.`,
        });
      }
      if (this.#aborted !== undefined) return this.#settleAborted();
      this.#session.callee.result(this.#call, this.#session.serialize(value));
      this.#session.wake();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #stream(value: AsyncIterable<unknown> | Parameters<typeof observableToAsyncIterable>[0]): void {
    const iterable = isAsyncIterable(value) ? value : observableToAsyncIterable(value, this.signal);
    this.#iterator = iterable[Symbol.asyncIterator]();
    if (this.#aborted !== undefined) return this.#closeIterator(() => this.#settleAborted());
    this.#session.callee.subscribed(this.#call);
    this.#session.wake();
    this.#pull();
  }

  #pull(): void {
    if (this.#aborted !== undefined || this.#iterator === undefined) return;
    try {
      this.#iterator.next().then(this.#onNext, this.#onThrow);
    } catch (cause) {
      this.#onThrow(cause);
    }
  }

  readonly #onNext = (result: IteratorResult<unknown, unknown>): void => {
    if (this.#aborted !== undefined) return; // The end of the iterator is awaited elsewhere.
    try {
      if (result.done === true) {
        this.#session.callee.end(this.#call);
        return this.#session.wake();
      }
      const { value } = result;
      if (isTrackedEnvelope(value)) {
        const data = this.#session.serialize({ id: value[0], data: value[1] });
        this.#session.callee.item(this.#call, data, value[0]);
      } else {
        this.#session.callee.item(this.#call, this.#session.serialize(value), undefined);
      }
    } catch (cause) {
      return this.#closeIterator(() => this.#fail(cause));
    }
    this.#session.wake();
    if (this.#session.mayProduce(this)) this.#pull();
  };

  readonly #onThrow = (cause: unknown): void => {
    if (this.#aborted === undefined) this.#fail(cause);
  };

  /** Runs the `finally` of a generator, however long it takes: until then the call has its place. */
  #closeIterator(settle: () => void): void {
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    this.#iterator = undefined;
    const failed = (cause: unknown): void => {
      this.#session.report(this, errorOf(cause));
      settle();
    };
    try {
      const returned = iterator.return?.() ?? Promise.resolve();
      returned.then(settle, failed);
    } catch (cause) {
      failed(cause);
    }
  }

  #fail(cause: unknown): void {
    const error = errorOf(cause);
    if (this.#aborted !== undefined) return this.#settleAborted();
    this.#session.report(this, error);
    try {
      this.#session.callee.error(this.#call, this.#session.serializeError(this, error));
    } catch (fault) {
      this.#session.report(this, errorOf(fault));
      this.#session.callee.fail(this.#call, 'INTERNAL');
    }
    this.#session.wake();
  }

  #settleAborted(): void {
    if (this.#aborted === undefined || this.#session.isOver) return;
    this.#session.callee.fail(this.#call, this.#aborted);
    this.#session.wake();
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
