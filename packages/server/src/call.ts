import { TRPCError } from '@trpc/server';
import { isObservable, type Observable } from '@trpc/server/observable';
import {
  takeStreams,
  type CallErrorCode,
  type Callee,
  type CallKind,
  type Codec,
  type IncomingCall,
  type StreamNews,
  type StreamPath,
  type StreamSource,
  type TakenStream,
} from '@openline/protocol';
import { buffer, OBSERVABLE_ITEMS_MAX } from './buffer.ts';
import { CallStreams, type CallStreamsHost } from './call-streams.ts';
import type { Codecs } from './codecs.ts';
import { errorOf } from './errors.ts';
import type { RecordedOutcome } from './journal.ts';
import type { RecordedCall } from './once.ts';
import type { ProcedureCall } from './procedure.ts';
import { readRecord, writeRecord } from './record.ts';

/** What a call needs of its session. */
export interface CallHost {
  readonly isOver: boolean;
  readonly codec: Codec;
  readonly codecs: Codecs;
  readonly callee: Callee<RunningCall>;
  runProcedure(call: RunningCall): Promise<unknown>;
  /** @throws what the router's transformer throws. */
  serialize(value: unknown): unknown;
  /** @throws what the router's transformer throws. */
  deserialize(value: unknown): unknown;
  /** @throws what the router's formatter and transformer throw. */
  serializeError(call: RunningCall, error: TRPCError): unknown;
  report(call: RunningCall, error: TRPCError): void;
  /** Something was given to the session: it is flushed at the end of the tick. */
  wake(): void;
}

/** How deep streams are looked for in what a procedure returned: itself, and its own members. */
const RETURNED_DEPTH = 1;

/** One call while its procedure runs: gives it what it needs, and the caller what it gives. */
export class RunningCall implements ProcedureCall, RecordedCall, CallStreamsHost<RunningCall> {
  readonly batchIndex = 0;
  readonly ctx: unknown;
  /** When the caller's time is over, on the monotonic clock; never, once it has what was returned. */
  deadlineMs: number;
  readonly #session: CallHost;
  readonly #call: IncomingCall<RunningCall>;
  #controller: AbortController | undefined;
  /** Set once nobody waits for an answer any more: what the call is then settled with. */
  #aborted: 'ABORTED' | 'UNSUPPORTED' | undefined;
  /** Nobody reads what it returned, though not all of that is closed. */
  #isUnread = false;
  /** Those that its input brings, or that its procedure has returned. */
  #streams: CallStreams<RunningCall> | undefined;
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
    if (call.options.streams !== undefined) this.#streams = new CallStreams(call, this);
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

  get streamPaths(): readonly StreamPath[] {
    return this.#call.options.streams ?? [];
  }

  get streams(): readonly unknown[] {
    return this.#streams?.inputs ?? [];
  }

  get callee(): Callee<RunningCall> {
    return this.#session.callee;
  }

  get lastEventId(): string | undefined {
    return this.#call.options.lastEventId;
  }

  /** Made when a procedure first reads it: most do not, and it costs more than the call. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined || this.#isUnread) this.#controller.abort();
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
    this.#streams?.close(() => this.#settleAborted());
  }

  get isLeft(): boolean {
    return this.#session.isOver;
  }

  /** The caller is gone. A run whose outcome is recorded goes on; one that has not begun does not. */
  abandon(): void {
    if (typeof this.#record !== 'function') this.abort('ABORTED');
    else this.#endInputs();
  }

  heard(stream: number, news: StreamNews): void {
    this.#streams?.heard(stream, news);
  }

  serialize(value: unknown): unknown {
    return this.#session.serialize(value);
  }

  deserialize(value: unknown): unknown {
    return this.#session.deserialize(value);
  }

  shapeOf(error: TRPCError): unknown {
    return this.#session.serializeError(this, error);
  }

  written(failure?: { readonly cause: unknown }): void {
    if (failure !== undefined) return this.#fail(failure.cause);
    if (this.#session.isOver) return;
    this.#session.callee.end(this.#call);
    this.#endInputs();
    this.#session.wake();
  }

  unread(): void {
    this.#isUnread = true;
    this.#controller?.abort();
  }

  report(error: TRPCError): void {
    this.#session.report(this, error);
  }

  wake(): void {
    this.#session.wake();
  }

  #answer(value: unknown): void {
    try {
      const isLive = isObservable(value);
      if (this.#call.kind === 'subscription') {
        if (isLive || isAsyncIterable(value)) return this.#subscribe(value);
        throw new TRPCError({
          code: 'INTERNAL_SERVER_ERROR',
          message: 'A subscription returns an observable or an async iterable.',
        });
      }
      if (isLive) {
        throw new TRPCError({
          code: 'UNSUPPORTED_MEDIA_TYPE',
          message: `A ${this.#call.kind} cannot return an observable.`,
        });
      }
      const taken: TakenStream[] = [];
      const payload = takeStreams(value, taken, RETURNED_DEPTH);
      if (taken.length > 0) this.#return(payload, taken);
      else this.#conclude('result', this.#session.serialize(payload));
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #return(payload: unknown, taken: readonly TakenStream[]): void {
    const sources = taken.map(({ source }) => source);
    const streams = (this.#streams ??= new CallStreams(this.#call, this));
    if (typeof this.#record === 'function') {
      streams.ends.write(sources, 1);
      streams.close(() => {});
      const message = 'What a once procedure returns is recorded, and cannot hold a stream.';
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message });
    }
    if (this.#aborted === undefined) {
      const paths = taken.map(({ path }) => path);
      this.#session.callee.returned(this.#call, paths, this.#session.serialize(payload));
      this.deadlineMs = Infinity; // Its caller waits no more, but reads.
      this.#session.wake();
    }
    this.#write(streams, sources, 1);
  }

  #subscribe(value: AsyncIterable<unknown> | Observable<unknown, unknown>): void {
    const iterable = isAsyncIterable(value)
      ? value
      : buffer(value, { items: OBSERVABLE_ITEMS_MAX, overflow: 'end' });
    const streams = (this.#streams ??= new CallStreams(this.#call, this));
    if (this.#aborted === undefined) {
      this.#session.callee.subscribed(this.#call);
      this.#session.wake();
    }
    this.#write(streams, [iterable], 0);
  }

  #write(
    streams: CallStreams<RunningCall>,
    sources: readonly StreamSource<unknown>[],
    from: 0 | 1,
  ): void {
    streams.ends.write(sources, from);
    if (this.#aborted !== undefined) streams.close(() => this.#settleAborted());
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
    this.#endInputs();
    this.#session.wake();
  }

  /** Nothing more comes of them, though somebody may still read. */
  #endInputs(): void {
    this.#streams?.close(() => {});
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
