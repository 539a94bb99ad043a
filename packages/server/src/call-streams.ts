import { isTrackedEnvelope, TRPCError } from '@trpc/server';
import {
  StreamEnds,
  type Callee,
  type EndsHost,
  type IncomingCall,
  type StreamNews,
  type StreamReader,
} from '@openline/protocol';
import { errorOf } from './errors.ts';

/** Whose streams they are. */
export interface CallStreamsHost<Owner> {
  readonly callee: Callee<Owner>;
  /** @throws what the router's transformer throws. */
  serialize(value: unknown): unknown;
  /** @throws what the router's transformer throws. */
  deserialize(value: unknown): unknown;
  /** @throws what the router's formatter and transformer throw. */
  shapeOf(error: TRPCError): unknown;
  report(error: TRPCError): void;
  wake(): void;
  /** All that the procedure returned is written; or it was a subscription, and that has failed. */
  written(failure?: { readonly cause: unknown }): void;
  /** Of all that it returned, what is not over was stopped: what that waits for should end. */
  unread(): void;
}

const NO_READER = {
  failed: { code: 'BAD_REQUEST', message: 'the stream of the caller has failed' },
  overrun: { code: 'PAYLOAD_TOO_LARGE', message: 'the caller sent more items than it was granted' },
  gone: { code: 'CLIENT_CLOSED_REQUEST', message: 'the call is over' },
} as const;

/** The streams of a call that is answered: those of its input, and what its procedure returns. */
export class CallStreams<Owner> implements EndsHost {
  readonly ends: StreamEnds<IncomingCall<Owner>>;
  /** Those of the input, each to be iterated once. */
  readonly inputs: readonly StreamReader[];
  readonly #call: IncomingCall<Owner>;
  readonly #host: CallStreamsHost<Owner>;

  constructor(call: IncomingCall<Owner>, host: CallStreamsHost<Owner>) {
    this.#call = call;
    this.#host = host;
    this.ends = new StreamEnds(host.callee.streams, call, this);
    const paths = call.options.streams ?? [];
    this.inputs = paths.map((_, index) => this.ends.reader(index + 1));
  }

  /** Nobody waits for the call any more. `settle` is called where it had returned something to close. */
  close(settle: () => void): void {
    this.ends.close({ cause: new TRPCError(NO_READER.gone) }, settle);
  }

  heard(stream: number, news: StreamNews): void {
    this.ends.heard(stream, news);
    if (news.type === 'stop') this.#tellIfUnread();
  }

  write(stream: number, value: unknown): void {
    const { callee } = this.#host;
    if (stream === 0 && isTrackedEnvelope(value)) {
      const [id, data] = value;
      callee.item(this.#call, this.#host.serialize({ id, data }), id);
    } else callee.item(this.#call, this.#host.serialize(value), undefined, stream);
  }

  read(data: unknown): unknown {
    return this.#host.deserialize(data);
  }

  causeOf(end: 'failed' | 'overrun'): TRPCError {
    return new TRPCError(NO_READER[end]);
  }

  failed(stream: number, cause: unknown): void {
    if (stream === 0) return this.#host.written({ cause });
    const error = errorOf(cause);
    this.#host.report(error);
    const { streams } = this.#host.callee;
    try {
      streams.fail(this.#call, stream, this.#host.shapeOf(error));
    } catch (fault) {
      this.#host.report(errorOf(fault));
      streams.fail(this.#call, stream, undefined);
    }
  }

  report(cause: unknown): void {
    this.#host.report(errorOf(cause));
  }

  written(left: number): void {
    if (this.#call.state === 'settled') return;
    if (left === 0) this.#host.written();
    else this.#tellIfUnread();
  }

  /** A generator may wait for the signal alone, or for its input. */
  #tellIfUnread(): void {
    if (this.#call.streams?.writing.size !== 0) return;
    for (const input of this.inputs) input.end({ cause: new TRPCError(NO_READER.gone) });
    this.#host.unread();
  }

  wake(): void {
    this.#host.wake();
  }
}
