import type { WireFrame } from './codec.ts';
import { withPayload, type CallId } from './frame.ts';
import { isCallErrorCode, type CallErrorCode } from './outcome.ts';
import { parseText } from './parse.ts';
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
export interface ItemFrame {
  readonly type: 'item';
  /** The id of a tracked item. */
  readonly eventId: string | undefined;
  readonly data: unknown;
}
export interface EndFrame {
  readonly type: 'end';
}
export interface SubscribedFrame {
  readonly type: 'subscribed';
}
export type AnswerFrame = ResultFrame | ErrorFrame | ItemFrame | EndFrame | SubscribedFrame;

/** Whether the call has ended with it. */
export function isTerminal({ type }: AnswerFrame): boolean {
  return type !== 'item' && type !== 'subscribed';
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
export function itemFrame(id: CallId, data: unknown, eventId: string | undefined): WireFrame {
  return withPayload([TAGS.item, id, eventId ?? 0], data);
}
export function endFrame(id: CallId): WireFrame {
  return [TAGS.end, id];
}
export function subscribedFrame(id: CallId): WireFrame {
  return [TAGS.subscribed, id];
}

/**
 * Reads what the other side says of a call; `undefined` for a tag of a newer one.
 *
 * @throws FRAME_MALFORMED for members that the frame must not have.
 */
export function parseAnswerFrame(tag: number, wire: WireFrame): AnswerFrame | undefined {
  switch (tag) {
    case TAGS.result:
      return { type: 'result', data: wire[2] };
    case TAGS.error:
      return { type: 'error', code: parseCallErrorCode(wire[2]), shape: wire[3] };
    case TAGS.item:
      return { type: 'item', eventId: parseEventId(wire[2]), data: wire[3] };
    case TAGS.end:
      return { type: 'end' };
    case TAGS.subscribed:
      return { type: 'subscribed' };
    default:
      return undefined;
  }
}

function parseEventId(value: unknown): string | undefined {
  return value === 0 ? undefined : parseText(value, 'event id');
}

function parseCallErrorCode(value: unknown): CallErrorCode | null {
  if (value === 0) return null;
  const code = parseText(value, 'error code');
  // A code of a newer peer: that the procedure did not answer is all that can be said.
  return isCallErrorCode(code) ? code : 'INTERNAL';
}
