import type { WireFrame } from './codec.ts';
import { withPayload, type CallId } from './frame.ts';
import { isCallErrorCode, type CallErrorCode } from './outcome.ts';
import { parseText } from './parse.ts';
import { parseStream, parseStreamPaths, type StreamItem, type StreamPath } from './stream.ts';
import * as TAGS from './tags.ts';

/* What a callee says of a call, and its caller reads. */

export interface ResultFrame {
  readonly type: 'result';
  readonly data: unknown;
}
export interface ErrorFrame {
  readonly type: 'error';
  /** `null` when the procedure answered: then `shape` is there, made by the router's formatter. */
  readonly code: CallErrorCode | null;
  readonly shape: unknown;
}
/** An item of a subscription. */
export interface ItemFrame extends StreamItem {
  /** The id of a tracked item. */
  readonly eventId: string | undefined;
}
/** What a query or mutation returned holds streams, and the call goes on until they are over. */
export interface ReturnedFrame {
  readonly type: 'returned';
  /** Where they belong in the data: the first is stream 1. */
  readonly streams: readonly StreamPath[];
  readonly data: unknown;
}
export interface EndFrame {
  readonly type: 'end';
}
export interface SubscribedFrame {
  readonly type: 'subscribed';
}
export type AnswerFrame =
  ResultFrame | ErrorFrame | ItemFrame | ReturnedFrame | EndFrame | SubscribedFrame;

/** Whether the call has ended with it. */
export function isTerminal({ type }: { readonly type: string }): boolean {
  return type !== 'returned' && type !== 'subscribed';
}

export function resultFrame(id: CallId, data: unknown): WireFrame {
  return withPayload([TAGS.result, id], data);
}
/** The router's formatter made `shape`. */
export function answeredErrorFrame(id: CallId, shape: unknown): WireFrame {
  return withPayload([TAGS.error, id, 0], shape);
}
export function callErrorFrame(id: CallId, code: CallErrorCode): WireFrame {
  return [TAGS.error, id, code];
}
/** Of a subscription, with the id of a tracked item; else of the stream with that number. */
export function itemFrame(id: CallId, data: unknown, origin: string | number = 0): WireFrame {
  return withPayload([TAGS.item, id, origin], data);
}
/** @throws FRAME_MALFORMED for paths that the other side would refuse: there they would end the session. */
export function returnedFrame(
  id: CallId,
  streams: readonly StreamPath[],
  data: unknown,
): WireFrame {
  parseStreamPaths(streams);
  return withPayload([TAGS.returned, id, streams], data);
}
export function endFrame(id: CallId): WireFrame {
  return [TAGS.end, id];
}
export function subscribedFrame(id: CallId): WireFrame {
  return [TAGS.subscribed, id];
}

/**
 * Reads what the other side says of a call, items aside; `undefined` for a tag of a newer one.
 *
 * @throws FRAME_MALFORMED for members that the frame must not have.
 */
export function parseAnswerFrame(
  tag: number,
  wire: WireFrame,
): Exclude<AnswerFrame, ItemFrame> | undefined {
  switch (tag) {
    case TAGS.result:
      return { type: 'result', data: wire[2] };
    case TAGS.error:
      return { type: 'error', code: parseCallErrorCode(wire[2]), shape: wire[3] };
    case TAGS.end:
      return { type: 'end' };
    case TAGS.subscribed:
      return { type: 'subscribed' };
    case TAGS.returned:
      return { type: 'returned', streams: parseStreamPaths(wire[2]), data: wire[3] };
    default:
      return undefined;
  }
}

/** What an item is of: the number of its stream, or the event id of a subscription's item. */
export function parseOrigin(value: unknown): string | number {
  return typeof value === 'number' ? parseStream(value) : parseText(value, 'event id');
}

function parseCallErrorCode(value: unknown): CallErrorCode | null {
  if (value === 0) return null;
  const code = parseText(value, 'error code');
  // A code of a newer peer: that the procedure did not answer is all that can be said.
  return isCallErrorCode(code) ? code : 'INTERNAL';
}
