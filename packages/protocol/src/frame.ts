import type { WireFrame } from './codec.ts';
import { malformed } from './errors.ts';
import { parseInteger, PATH_LENGTH_MAX } from './limits.ts';
import { isCallErrorCode, type CallErrorCode } from './outcome.ts';
import * as TAGS from './tags.ts';

/** Frames with a tag from here on are counted, whether the receiver knows the tag or not. */
export const FIRST_COUNTED_TAG = 32;

/** Names a call within its session. The client's are odd, the server's even; both only grow. */
export type CallId = number;

export type CallKind = 'query' | 'mutation' | 'subscription';
const KINDS: readonly CallKind[] = ['query', 'mutation', 'subscription'];

/** What a caller may say about a call beside its input. */
export interface CallOptions {
  /** How long the caller waits, in milliseconds from when the callee reads it. */
  readonly timeoutMs?: number | undefined;
  /** The id of the last tracked item that the caller has of this subscription. */
  readonly lastEventId?: string | undefined;
}

export interface CallFrame {
  readonly type: 'call';
  readonly id: CallId;
  readonly kind: CallKind;
  readonly path: string;
  readonly options: CallOptions;
  readonly input: unknown;
}
export interface ResultFrame {
  readonly type: 'result';
  readonly id: CallId;
  readonly data: unknown;
}
export interface ErrorFrame {
  readonly type: 'error';
  readonly id: CallId;
  /** `null` when the procedure answered: then `shape` is there, made by the router's formatter. */
  readonly code: CallErrorCode | null;
  readonly shape: unknown;
}
export interface ItemFrame {
  readonly type: 'item';
  readonly id: CallId;
  /** The id of a tracked item. */
  readonly eventId: string | undefined;
  readonly data: unknown;
}
export interface EndFrame {
  readonly type: 'end';
  readonly id: CallId;
}
export interface CancelFrame {
  readonly type: 'cancel';
  readonly id: CallId;
}
export interface SubscribedFrame {
  readonly type: 'subscribed';
  readonly id: CallId;
}
export interface AckFrame {
  readonly type: 'ack';
  /** How many counted frames were received in the session so far. */
  readonly received: number;
}
export interface GoawayFrame {
  readonly type: 'goaway';
  /** The client waits a random part of this before it connects again, in milliseconds. */
  readonly spreadMs: number;
}
export interface PingFrame {
  readonly type: 'ping';
}
export interface PongFrame {
  readonly type: 'pong';
}
/** A tag of a newer peer. */
export interface UnknownFrame {
  readonly type: 'unknown';
  readonly counted: boolean;
  /** The call it would belong to, where its second member can be one. */
  readonly id: CallId | undefined;
}

/** What the callee says of a call. */
export type AnswerFrame = ResultFrame | ErrorFrame | ItemFrame | EndFrame | SubscribedFrame;

/** Whether the call has ended with it. */
export function isTerminal({ type }: AnswerFrame): boolean {
  return type !== 'item' && type !== 'subscribed';
}

/** What may come after the handshake. */
export type Frame =
  | CallFrame
  | AnswerFrame
  | CancelFrame
  | AckFrame
  | GoawayFrame
  | PingFrame
  | PongFrame
  | UnknownFrame;

/** A payload comes last, so that `undefined` is said by leaving it out. */
function withPayload(frame: unknown[], payload: unknown): WireFrame {
  if (payload !== undefined) frame.push(payload);
  return frame;
}

/** @throws FRAME_MALFORMED for what the other side would refuse: there it would end the session. */
export function callFrame(
  id: CallId,
  kind: CallKind,
  path: string,
  { timeoutMs, lastEventId }: CallOptions,
  input: unknown,
): WireFrame {
  parsePath(path);
  if (timeoutMs !== undefined) parseTimeout(timeoutMs);
  const options =
    lastEventId !== undefined
      ? { timeout: timeoutMs, after: lastEventId }
      : timeoutMs !== undefined
        ? { timeout: timeoutMs }
        : 0;
  return withPayload([TAGS.call, id, KINDS.indexOf(kind), path, options], input);
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
export function cancelFrame(id: CallId): WireFrame {
  return [TAGS.cancel, id];
}
export function subscribedFrame(id: CallId): WireFrame {
  return [TAGS.subscribed, id];
}
export function ackFrame(received: number): WireFrame {
  return [TAGS.ack, received];
}
export function goawayFrame(spreadMs: number): WireFrame {
  return [TAGS.goaway, { spread: spreadMs }];
}
export const PING_FRAME: WireFrame = [TAGS.ping];
export const PONG_FRAME: WireFrame = [TAGS.pong];

/**
 * Reads one frame. Members beyond those that are defined are ignored: a newer peer may send them.
 *
 * @throws FRAME_MALFORMED for a known tag with members that it must not have.
 */
export function parseFrame(wire: WireFrame): Frame {
  const tag = wire[0];
  switch (tag) {
    case TAGS.call:
      return {
        type: 'call',
        id: parseId(wire[1]),
        kind: parseKind(wire[2]),
        path: parsePath(wire[3]),
        options: parseOptions(wire[4]),
        input: wire[5],
      };
    case TAGS.result:
      return { type: 'result', id: parseId(wire[1]), data: wire[2] };
    case TAGS.error:
      return {
        type: 'error',
        id: parseId(wire[1]),
        code: parseCallErrorCode(wire[2]),
        shape: wire[3],
      };
    case TAGS.item:
      return {
        type: 'item',
        id: parseId(wire[1]),
        eventId: parseEventId(wire[2]),
        data: wire[3],
      };
    case TAGS.end:
      return { type: 'end', id: parseId(wire[1]) };
    case TAGS.cancel:
      return { type: 'cancel', id: parseId(wire[1]) };
    case TAGS.subscribed:
      return { type: 'subscribed', id: parseId(wire[1]) };
    case TAGS.ack:
      return { type: 'ack', received: parseInteger(wire[1], 0, 'ack') };
    case TAGS.goaway:
      return { type: 'goaway', spreadMs: parseSpread(wire[1]) };
    case TAGS.ping:
      return { type: 'ping' };
    case TAGS.pong:
      return { type: 'pong' };
    default:
      return parseUnknown(tag, wire[1]);
  }
}

function parseUnknown(tag: unknown, second: unknown): UnknownFrame {
  const known = parseInteger(tag, 0, 'tag');
  // A handshake frame in the middle of a session, or a piece that is not raw, is no newer frame.
  if ((known >= TAGS.hello && known <= TAGS.reject) || known === TAGS.piece) {
    throw malformed('tag');
  }
  return {
    type: 'unknown',
    counted: known >= FIRST_COUNTED_TAG,
    id: isId(second) ? second : undefined,
  };
}

function isId(value: unknown): value is CallId {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function parseId(value: unknown): CallId {
  if (!isId(value)) throw malformed('call id');
  return value;
}

function parseKind(value: unknown): CallKind {
  const kind = typeof value === 'number' ? KINDS[value] : undefined;
  if (kind === undefined) throw malformed('call kind');
  return kind;
}

function parsePath(value: unknown): string {
  if (typeof value !== 'string' || value.length > PATH_LENGTH_MAX) {
    throw malformed('path');
  }
  return value;
}

const NO_OPTIONS: CallOptions = {};

function parseOptions(value: unknown): CallOptions {
  if (value === 0) return NO_OPTIONS;
  if (typeof value !== 'object' || value === null) throw malformed('call options');
  const { timeout, after } = value as { readonly timeout?: unknown; readonly after?: unknown };
  return {
    timeoutMs: timeout === undefined ? undefined : parseTimeout(timeout),
    lastEventId: after === undefined ? undefined : parseText(after, 'event id'),
  };
}

function parseTimeout(value: unknown): number {
  return parseInteger(value, 1, 'timeout');
}

function parseText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw malformed(what);
  return value;
}

function parseEventId(value: unknown): string | undefined {
  return value === 0 ? undefined : parseText(value, 'event id');
}

function parseCallErrorCode(value: unknown): CallErrorCode | null {
  if (value === 0) return null;
  if (typeof value !== 'string') throw malformed('error code');
  // A code of a newer peer: that the procedure did not answer is all that can be said.
  return isCallErrorCode(value) ? value : 'INTERNAL';
}

function parseSpread(value: unknown): number {
  if (typeof value !== 'object' || value === null) throw malformed('goaway');
  return parseInteger((value as { readonly spread?: unknown }).spread, 0, 'spread');
}
