import { TRPCError } from '@trpc/server';
import { isObservable, observableToAsyncIterable } from '@trpc/server/observable';
import type { CallErrorCode, Callee, CallKind, Codec, IncomingCall } from '@openline/protocol';
import type { Codecs } from './codecs.ts';
import { errorOf } from './errors.ts';
import type { RecordedOutcome } from './journal.ts';
import type { RecordedCall } from './once.ts';
import type { ProcedureCall } from './procedure.ts';
import { readRecord, writeRecord } from './record.ts';
import { ItemStream, type StreamHost } from './stream.ts';

/** What a call needs of its session. */
export interface CallHost {
  readonly isOver: boolean;
  readonly codec: Codec;
  readonly codecs: Codecs;
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
export class RunningCall implements ProcedureCall, RecordedCall, StreamHost {
  readonly batchIndex = 0;
  readonly ctx: unknown;
  /** When the caller's time is over, on the monotonic clock. */
  readonly deadlineMs: number;
  readonly #session: CallHost;
  readonly #call: IncomingCall<RunningCall>;
  #controller: AbortController | undefined;
  /** Set once nobody waits for an answer any more: what the call is then settled with. */
  #aborted: 'ABORTED' | 'UNSUPPORTED' | undefined;
  /** What a subscription gives; until the procedure has returned it there is none. */
  #stream: ItemStream | undefined;
  /** Set while the journal is asked whether to run it: `asked`; then what records its outcome. */
  #record: 'asked' | ((outcome: RecordedOutcome) => Promise<void>) | undefined;

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

  /** The journal is asked first: it calls one of the three members below. */
  awaitRecord(): void {
    this.#record = 'asked';
  }

  startRecorded(record: (outcome: RecordedOutcome) => Promise<void>): void {
    this.#record = record;
    this.start();
  }

  giveRecorded({ kind, json }: RecordedOutcome): void {
    this.#giveLater(kind, () => readRecord(this.#session.codecs, json));
  }

  refuse(code: CallErrorCode): void {
    if (this.#session.isOver) return;
    this.#session.callee.fail(this.#call, code);
    this.#session.wake();
  }

  get isCancelled(): boolean {
    return this.#aborted !== undefined;
  }

  /** The caller gave it up. The call keeps its place until its procedure has settled. */
  abort(code: 'ABORTED' | 'UNSUPPORTED'): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = code;
    this.#controller?.abort();
    this.#stream?.close(() => this.#settleAborted());
  }

  get isLeft(): boolean {
    return this.#session.isOver;
  }

  /** The caller is gone. A run whose outcome is recorded goes on; one that has not begun does not. */
  abandon(): void {
    if (typeof this.#record !== 'function') this.abort('ABORTED');
  }

  /** A subscription that was told to wait may give its next item. */
  resume(): void {
    this.#stream?.pull();
  }

  item(data: unknown, eventId: string | undefined): void {
    this.#session.callee.item(this.#call, this.#session.serialize(data), eventId);
    this.#session.wake();
  }

  mayProduce(): boolean {
    return this.#session.mayProduce(this);
  }

  ended(): void {
    this.#session.callee.end(this.#call);
    this.#session.wake();
  }

  failed(cause: unknown): void {
    this.#fail(cause);
  }

  report(cause: unknown): void {
    this.#session.report(this, errorOf(cause));
  }

  #answer(value: unknown): void {
    try {
      const isStream = isObservable(value) || isAsyncIterable(value);
      if (this.#call.kind === 'subscription') {
        if (isStream) return this.#subscribe(value);
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
      this.#conclude('result', this.#session.serialize(value));
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #subscribe(
    value: AsyncIterable<unknown> | Parameters<typeof observableToAsyncIterable>[0],
  ): void {
    const iterable = isAsyncIterable(value) ? value : observableToAsyncIterable(value, this.signal);
    this.#stream = new ItemStream(iterable, this);
    if (this.#aborted !== undefined) return this.#stream.close(() => this.#settleAborted());
    this.#session.callee.subscribed(this.#call);
    this.#session.wake();
    this.#stream.pull();
  }

  #fail(cause: unknown): void {
    const error = errorOf(cause);
    if (this.#aborted !== undefined && typeof this.#record !== 'function') {
      return this.#settleAborted();
    }
    this.#session.report(this, error);
    try {
      this.#conclude('error', this.#session.serializeError(this, error));
    } catch (fault) {
      this.#session.report(this, errorOf(fault));
      this.refuse('INTERNAL');
    }
  }

  /** The procedure has settled. @throws what the codec throws at the payload. */
  #conclude(kind: RecordedOutcome['kind'], payload: unknown): void {
    if (typeof this.#record !== 'function') return this.#give(kind, payload);
    const json = writeRecord(this.#session.codec, payload);
    void this.#record({ kind, json }).then(() => this.#giveLater(kind, () => payload));
  }

  /** The outcome is recorded: it stays what it is where it cannot be told. */
  #giveLater(kind: RecordedOutcome['kind'], payload: () => unknown): void {
    try {
      this.#give(kind, payload());
    } catch (fault) {
      this.#session.report(this, errorOf(fault));
      this.refuse('INTERNAL');
    }
  }

  #give(kind: RecordedOutcome['kind'], payload: unknown): void {
    if (this.#aborted !== undefined) return this.#settleAborted();
    if (this.#session.isOver) return;
    this.#session.callee[kind](this.#call, payload);
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
