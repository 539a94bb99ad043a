import type { Operation, OperationResultEnvelope, TRPCClientError, TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter, TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server';
import { observable, type Observer } from '@trpc/server/observable';
import type { LineError, Outcome } from '@openline/protocol';
import type { CallSink, CallStarter } from './call.ts';
import { readCallOptions } from './call-options.ts';
import { answeredClientError, lineClientError } from './errors.ts';
import type { LineState } from './state.ts';
import { reportError } from './store.ts';

export type LinkTransformer = TRPCDataTransformer | TRPCCombinedDataTransformer;

/** A terminating link: each operation is a call on the line. */
export function createLink<R extends AnyTRPCRouter>(
  line: CallStarter,
  transformer: LinkTransformer | undefined,
): TRPCLink<R> {
  const combined = combine(transformer);
  return () =>
    ({ op }) =>
      observable((observer) => startOperation<R>(line, combined, op, observer));
}

type ResultObserver<R extends AnyTRPCRouter> = Observer<
  OperationResultEnvelope<unknown, TRPCClientError<R>>,
  TRPCClientError<R>
>;

/** Returns what gives the operation up. */
function startOperation<R extends AnyTRPCRouter>(
  line: CallStarter,
  transformer: TRPCCombinedDataTransformer,
  { type, path, input, context, signal }: Operation,
  observer: ResultObserver<R>,
): () => void {
  const sink = new OperationSink<R>(observer, transformer);
  // A subscription that is aborted is simply over, as it is with any link of tRPC.
  const isStream = type === 'subscription';
  if (signal?.aborted === true) {
    const message = 'the caller aborted the call';
    if (isStream) sink.complete();
    else sink.failed({ code: 'ABORTED', outcome: 'not-executed', message }, abortError());
    return () => {};
  }
  let serialized: unknown;
  try {
    serialized = transformer.input.serialize(input);
  } catch (cause) {
    const message = 'the input cannot be encoded';
    sink.failed({ code: 'ENCODING', outcome: 'not-executed', message }, cause);
    return () => {};
  }
  const options = readCallOptions(context);
  const call = line.start({ kind: type, path, input: serialized }, options, sink);
  if (!signal) return () => line.drop(call);
  const onAbort = (): void => {
    if (isStream) sink.complete();
    else line.abort(call, abortError());
  };
  signal.addEventListener('abort', onAbort);
  return () => {
    signal.removeEventListener('abort', onAbort);
    line.drop(call);
  };
}

/** Hands what becomes of a call to tRPC. An error in a user's callback stops nothing. */
class OperationSink<R extends AnyTRPCRouter> implements CallSink {
  readonly #observer: ResultObserver<R>;
  readonly #transformer: TRPCCombinedDataTransformer;
  #isConnecting: boolean | undefined;

  constructor(observer: ResultObserver<R>, transformer: TRPCCombinedDataTransformer) {
    this.#observer = observer;
    this.#transformer = transformer;
  }

  line(state: LineState): void {
    const isConnecting = state.status !== 'open';
    if (isConnecting === this.#isConnecting && state.status !== 'waiting') return;
    this.#isConnecting = isConnecting;
    if (!isConnecting) return this.#next({ type: 'state', state: 'pending', error: null });
    const error = state.status === 'waiting' ? lineClientError<R>(state.error) : null;
    this.#next({ type: 'state', state: 'connecting', error });
  }

  subscribed(): void {
    this.#next({ type: 'started' });
  }

  item(data: unknown, eventId: string | undefined): void {
    const value = this.#read(data);
    if (value === undefined) return;
    this.#next(
      eventId === undefined
        ? { type: 'data', data: value.data }
        : { type: 'data', id: eventId, data: value.data },
    );
  }

  result(data: unknown): void {
    const value = this.#read(data);
    if (value === undefined) return;
    this.#next({ type: 'data', data: value.data });
    this.complete();
  }

  end(): void {
    this.#next({ type: 'stopped' });
    this.complete();
  }

  complete(): void {
    guard(() => this.#observer.complete());
  }

  answered(shape: unknown, error?: LineError): void {
    const value = this.#read(shape, error?.outcome);
    if (value === undefined) return;
    const answer = answeredClientError<R>(value.data, error);
    guard(() => this.#observer.error(answer));
  }

  failed(error: LineError, cause?: unknown): void {
    guard(() => this.#observer.error(lineClientError<R>(error, cause)));
  }

  /** `undefined` when the transformer cannot read it: then the call has ended with that. */
  #read(data: unknown, outcome: Outcome = 'unknown'): { readonly data: unknown } | undefined {
    try {
      return { data: this.#transformer.output.deserialize(data) };
    } catch (cause) {
      const message = 'the answer cannot be decoded';
      this.failed({ code: 'DECODING', outcome, message }, cause);
      return undefined;
    }
  }

  #next(result: OperationResultEnvelope<unknown, TRPCClientError<R>>['result']): void {
    guard(() => this.#observer.next({ result }));
  }
}

function guard(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    reportError(error);
  }
}

function abortError(): Error {
  return new DOMException('the caller aborted the call', 'AbortError');
}

const IDENTITY: TRPCDataTransformer = {
  serialize: (value: unknown) => value,
  deserialize: (value: unknown) => value,
};

function combine(transformer: LinkTransformer = IDENTITY): TRPCCombinedDataTransformer {
  return 'input' in transformer ? transformer : { input: transformer, output: transformer };
}
