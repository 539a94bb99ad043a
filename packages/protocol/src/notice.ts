import type { WireFrame } from './codec.ts';
import { withPayload } from './frame.ts';
import { parseInteger, parseObject, parseText } from './parse.ts';
import * as TAGS from './tags.ts';

/* Uncounted frames between the hosts of the two sides. */

export interface GoawayFrame {
  readonly type: 'goaway';
  /** The client waits a random part of this before it connects again, in milliseconds. */
  readonly spreadMs: number;
}
/** Fresh params are asked for: those that the client gave will expire. */
export interface RenewFrame {
  readonly type: 'renew';
}
export interface RenewedFrame {
  readonly type: 'renewed';
  readonly number: number;
  /** Why they are refused, for people; `undefined` where they are taken. */
  readonly refusal: string | undefined;
}
export interface ParamsFrame {
  readonly type: 'params';
  /** Names them in the answer; an integer. */
  readonly number: number;
  /** What the application says of itself from here on; plain JSON. */
  readonly params: unknown;
}

export type ServerNotice = GoawayFrame | RenewFrame | RenewedFrame;
export type ClientNotice = ParamsFrame;
export type Notice = ServerNotice | ClientNotice;

/**
 * Reads a frame for the host; `undefined` for a tag that it does not know.
 *
 * @throws FRAME_MALFORMED for members that the frame must not have.
 */
export type ParseNotice<Frame> = (tag: number, wire: WireFrame) => Frame | undefined;

export function goawayFrame(spreadMs: number): WireFrame {
  return [TAGS.goaway, { spreadMs }];
}
export const RENEW_FRAME: WireFrame = [TAGS.renew];
export function renewedFrame(number: number, refusal?: string): WireFrame {
  return [TAGS.renewed, number, refusal ?? 0];
}
export function paramsFrame(number: number, params: unknown): WireFrame {
  return withPayload([TAGS.params, number], params);
}

/** What a server says to its client. */
export const parseServerNotice: ParseNotice<ServerNotice> = (tag, wire) => {
  switch (tag) {
    case TAGS.goaway:
      return {
        type: 'goaway',
        spreadMs: parseInteger(parseObject(wire[1], 'goaway')['spreadMs'], 0, 'goaway'),
      };
    case TAGS.renew:
      return { type: 'renew' };
    case TAGS.renewed:
      return {
        type: 'renewed',
        number: parseInteger(wire[1], 0, 'renewed'),
        refusal: wire[2] === 0 ? undefined : parseText(wire[2], 'renewed'),
      };
    default:
      return undefined;
  }
};

/** What a client says to its server. */
export const parseClientNotice: ParseNotice<ClientNotice> = (tag, wire) =>
  tag === TAGS.params
    ? { type: 'params', number: parseInteger(wire[1], 0, 'params'), params: wire[2] }
    : undefined;
