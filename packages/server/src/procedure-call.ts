import { TRPCError } from '@trpc/server';
import type { AnyTRPCRouter, TRPCProcedureType } from '@trpc/server';
import { placeStreams, type StreamPath } from '@openline/protocol';

/** One call to a procedure. */
export interface ProcedureCall {
  /** The procedure's dotted path, as the peer sent it: any string at all. */
  readonly path: string;
  readonly type: TRPCProcedureType;
  /** As the client's transformer left it. It is deserialised when something first asks for it. */
  readonly input: unknown;
  /** Where a subscription goes on; see {@link readInput}. */
  readonly lastEventId?: string | undefined;
  /** Where in the input `streams` belong. */
  readonly streamPaths?: readonly StreamPath[] | undefined;
  /** What stands there, in the same order. */
  readonly streams?: readonly unknown[] | undefined;
  readonly ctx: unknown;
  /**
   * May be an accessor that makes the signal when it is read. The quick path reads it only when a
   * middleware or resolver does, or one of them passes on its options whole, so that it could.
   */
  readonly signal: AbortSignal;
  readonly batchIndex: number;
}

/** Reads a call's input, without the validation that is the procedure's. */
export type GetRawInput = () => Promise<unknown>;

/**
 * The input as tRPC's own WebSocket adapter gives it to a procedure: deserialised, and with
 * `lastEventId` put into it if it is an object or there is none.
 *
 * @throws a `TRPCError` with code `PARSE_ERROR` when the transformer refuses it.
 */
export function readInput(
  router: AnyTRPCRouter,
  {
    input: serialised,
    lastEventId,
    streamPaths = [],
    streams = [],
  }: Pick<ProcedureCall, 'input' | 'lastEventId' | 'streamPaths' | 'streams'>,
): unknown {
  let input: unknown;
  try {
    input = router._def._config.transformer.input.deserialize(serialised);
    if (streams.length > 0) input = placeStreams(input, streamPaths, streams);
  } catch (cause) {
    throw new TRPCError({ code: 'PARSE_ERROR', cause });
  }
  if (lastEventId === undefined) return input;
  if (typeof input === 'object' && !Array.isArray(input)) return { ...input, lastEventId };
  return input ?? { lastEventId };
}

/** Reads the input when first asked: each input parser of a procedure asks, and gets the same. */
export function rawInputOf(router: AnyTRPCRouter, call: ProcedureCall): GetRawInput {
  let reading: Promise<unknown> | undefined;
  return () => (reading ??= read(router, call));
}

async function read(router: AnyTRPCRouter, call: ProcedureCall): Promise<unknown> {
  return readInput(router, call);
}
