import type { TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter, TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { LineCall, type CallObserver } from './call.ts';

export type LinkTransformer = TRPCDataTransformer | TRPCCombinedDataTransformer;

/** What the link needs of a line. */
export interface CallStarter {
  /** How long queries and mutations wait that do not say, in milliseconds. */
  readonly defaultTimeoutMs: number;
  start(call: LineCall): void;
}

const IDENTITY: TRPCDataTransformer = {
  serialize: (value: unknown) => value,
  deserialize: (value: unknown) => value,
};

/** Makes a call of an operation. Returns what drops it: nobody waits for it any more. */
export function startCall(
  line: CallStarter,
  call: LineCall,
  signal: AbortSignal | null,
): () => void {
  const abort = (): void => {
    const message = 'the caller aborted the call';
    // A subscription that is aborted is simply over, as it is with any link of tRPC.
    if (call.isSubscription) call.complete();
    else call.fail({ code: 'ABORTED', message }, new DOMException(message, 'AbortError'));
    call.drop();
  };
  call.onOver = () => signal?.removeEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  else {
    signal?.addEventListener('abort', abort);
    line.start(call);
  }
  return () => {
    // Of what it has returned, streams may still be read.
    if (call.isReturned) return;
    signal?.removeEventListener('abort', abort);
    call.drop();
  };
}

export function combined(given: LinkTransformer = IDENTITY): TRPCCombinedDataTransformer {
  return 'input' in given ? given : { input: given, output: given };
}

/** A terminating link: each operation is a call on the line. */
export function createLink<R extends AnyTRPCRouter>(
  line: CallStarter,
  given?: LinkTransformer,
): TRPCLink<R> {
  const transformer = combined(given);
  return () =>
    ({ op }) =>
      observable((observer) => {
        const { defaultTimeoutMs } = line;
        const call = new LineCall(op, defaultTimeoutMs, observer as CallObserver, transformer);
        return startCall(line, call, op.signal ?? null);
      });
}
