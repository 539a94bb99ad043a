import type { WireFrame } from './codec.ts';
import { malformed } from './errors.ts';
import { parseInteger } from './parse.ts';
import * as TAGS from './tags.ts';

/*
 * What frames have in common, and those that concern no call and no host. Each of the others is
 * written by one side of a call and read by the other: see `request.ts`, `answer.ts`, `notice.ts`.
 */

/** Names a call within its session. The client's are odd, the server's even; both only grow. */
export type CallId = number;

export function ackFrame(received: number): WireFrame {
  return [TAGS.ack, received];
}
export const PING_FRAME: WireFrame = [TAGS.ping];
export const PONG_FRAME: WireFrame = [TAGS.pong];

/** A payload comes last, so that `undefined` is said by leaving it out. */
export function withPayload(frame: unknown[], payload: unknown): WireFrame {
  if (payload !== undefined) frame.push(payload);
  return frame;
}

/** @throws FRAME_MALFORMED for one that is none, or not due in a session. */
export function parseTag(wire: WireFrame): number {
  const tag = parseInteger(wire[0], 0, 'tag');
  // A handshake frame in the middle of a session, or a piece that is not raw, is no newer frame.
  if ((tag >= TAGS.hello && tag <= TAGS.reject) || tag === TAGS.piece) throw malformed('tag');
  return tag;
}

/**
 * The call that a counted frame is of. `undefined` where a newer peer says something that is of none.
 *
 * @throws FRAME_MALFORMED for a known frame without one.
 */
export function parseCallId(tag: number, wire: WireFrame): CallId | undefined {
  const id = wire[1];
  if (isId(id)) return id;
  if (tag <= TAGS.returned) throw malformed('call id');
  return undefined;
}

export function parseAck(wire: WireFrame): number {
  return parseInteger(wire[1], 0, 'ack');
}

export function isId(value: unknown): value is CallId {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
