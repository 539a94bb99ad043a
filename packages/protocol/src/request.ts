import type { WireFrame } from './codec.ts';
import { malformed } from './errors.ts';
import { isId, withPayload, type CallId } from './frame.ts';
import { KEY_LENGTH_MAX, PATH_LENGTH_MAX } from './constants.ts';
import { parseInteger, parseObject, parseText } from './parse.ts';
import { parseStreamPaths, type StreamPath } from './stream.ts';
import * as TAGS from './tags.ts';

/* What a caller says of a call, and its callee reads. */

/** What a call may be, as tRPC has it. */
export type CallKind = 'query' | 'mutation' | 'subscription';

const KINDS: readonly CallKind[] = ['query', 'mutation', 'subscription'];

/** What a caller may say about a call beside its input. */
export interface CallOptions {
  /** How long the caller waits, in milliseconds from when the callee starts the call. */
  readonly timeoutMs?: number | undefined;
  /** The id of the last tracked item that the caller has of this subscription. */
  readonly lastEventId?: string | undefined;
  /** Tells calls with the same effect; 1 to 256 UTF-16 code units. */
  readonly key?: string | undefined;
  /** The call was sent before, in a session that is gone. */
  readonly again?: Again | undefined;
  /** Where in the input streams belong: the first is stream 1. At most 32. */
  readonly streams?: readonly StreamPath[] | undefined;
}

/** The first sending of a call. */
export interface Again {
  /** Of the session that it was in: nobody else knows it. */
  readonly secret: string;
  readonly id: CallId;
  /** The epoch of the journal as that session knew it. */
  readonly journal: string;
  /** How long ago, in milliseconds. */
  readonly ageMs: number;
}

/** What is asked of a procedure. */
export interface CallRequest {
  readonly kind: CallKind;
  /** Dotted, such as `game.score`. */
  readonly path: string;
  readonly input: unknown;
  readonly options: CallOptions;
}

/** @throws FRAME_MALFORMED for what the other side would refuse: there it would end the session. */
export function callFrame(id: CallId, { kind, path, options, input }: CallRequest): WireFrame {
  const { timeoutMs: timeout, lastEventId: after, key, again, streams } = options;
  parsePath(path);
  if (timeout !== undefined) parseTimeout(timeout);
  const first = again && [again.secret, again.id, again.journal, again.ageMs];
  if (streams !== undefined) parseStreamPaths(streams);
  const isPlain = (timeout ?? after ?? key ?? first ?? streams) === undefined;
  const said = isPlain ? 0 : { timeout, after, key, again: first, streams };
  return withPayload([TAGS.call, id, KINDS.indexOf(kind), path, said], input);
}
export function cancelFrame(id: CallId): WireFrame {
  return [TAGS.cancel, id];
}

/** @throws FRAME_MALFORMED for members that a call must not have. */
export function parseCall(wire: WireFrame): CallRequest {
  return {
    kind: parseKind(wire[2]),
    path: parsePath(wire[3]),
    options: parseOptions(wire[4]),
    input: wire[5],
  };
}

function parseKind(value: unknown): CallKind {
  const kind = typeof value === 'number' ? KINDS[value] : undefined;
  if (kind === undefined) throw malformed('call kind');
  return kind;
}

function parsePath(value: unknown): string {
  return parseText(value, 'path', PATH_LENGTH_MAX);
}

const NO_OPTIONS: CallOptions = {};

function parseOptions(value: unknown): CallOptions {
  if (value === 0) return NO_OPTIONS;
  const { timeout, after, key, again, streams } = parseObject(value, 'call options');
  return {
    timeoutMs: timeout === undefined ? undefined : parseTimeout(timeout),
    lastEventId: after === undefined ? undefined : parseText(after, 'event id'),
    key: key === undefined ? undefined : parseKey(key),
    again: again === undefined ? undefined : parseAgain(again),
    streams: streams === undefined ? undefined : parseStreamPaths(streams),
  };
}

function parseTimeout(value: unknown): number {
  return parseInteger(value, 1, 'timeout');
}

function parseKey(value: unknown): string {
  const key = parseText(value, 'key', KEY_LENGTH_MAX);
  if (key === '') throw malformed('key');
  return key;
}

function parseAgain(value: unknown): Again {
  if (!Array.isArray(value)) throw malformed('again');
  const [secret, id, journal, age] = value as readonly unknown[];
  if (!isId(id)) throw malformed('again');
  return {
    secret: parseKey(secret),
    id,
    journal: parseText(journal, 'again'),
    ageMs: parseInteger(age, 0, 'again'),
  };
}
