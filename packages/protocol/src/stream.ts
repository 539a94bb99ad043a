import type { WireFrame } from './codec.ts';
import { STREAM_DEPTH_MAX, STREAMS_MAX, PATH_LENGTH_MAX } from './constants.ts';
import { malformed } from './errors.ts';
import { Credit, Window } from './flow.ts';
import { withPayload, type CallId } from './frame.ts';
import { parseInteger, parseText } from './parse.ts';
import * as TAGS from './tags.ts';

/*
 * Streams in a payload. What is written into the payload says where they belong; in frames they are
 * numbered from 1 on, each direction of a call by itself. 0 is what a subscription gives.
 */

/** Where in a payload a stream belongs: names of members, and indexes of arrays, from outside in. */
export type StreamPath = readonly (string | number)[];

/** An item, and what it has cost: the reader gives that back when it has consumed the item. */
export interface StreamItem {
  readonly type: 'item';
  readonly data: unknown;
  readonly credits: number;
  /** The size of its frame. */
  readonly bytes: number;
}
/** No more comes. `isFailed`: since its writer failed; `shape` says how, where it can be said. */
export interface StreamClose {
  readonly type: 'close';
  readonly isFailed: boolean;
  readonly shape: unknown;
}
/** What a stream of a call is told. The first three are for its reader, the last two for its writer. */
export type StreamNews =
  | StreamItem
  | StreamClose
  /** More came than was granted: the reader has to stop it. */
  | { readonly type: 'overrun' }
  /** Another item may be written, or could be: ask again. */
  | { readonly type: 'room' }
  /** Nobody reads it any more. */
  | { readonly type: 'stop' };

/** News of a stream, and whose it is. */
export interface StreamEvent<Call> {
  readonly kind: 'stream';
  readonly call: Call;
  readonly stream: number;
  readonly news: StreamNews;
}

/** The streams of one call, by number: those that this side writes, and those that it reads. */
export class CallStreams {
  readonly writing: Map<number, Credit> = new Map();
  readonly reading: Map<number, Window> = new Map();
  /** A reader has left: more of what it read may still come. */
  isLeft = false;
  /** The numbers that were ever read: one of them that is unknown is of a stream that is over. */
  #firstRead = Infinity;
  #lastRead = -1;

  /** Numbers from 1 on. */
  write(count: number): void {
    for (let stream = 1; stream <= count; stream++) this.writing.set(stream, new Credit());
  }

  /** From 0 on, or from 1. */
  read(from: 0 | 1, last: number): void {
    for (let stream = from; stream <= last; stream++) this.reading.set(stream, new Window());
    this.#firstRead = Math.min(this.#firstRead, from);
    this.#lastRead = last;
  }

  hasRead(stream: number): boolean {
    return stream >= this.#firstRead && stream <= this.#lastRead;
  }
}

export function inputFrame(id: CallId, stream: number, data: unknown): WireFrame {
  return withPayload([TAGS.input, id, stream], data);
}
export function closeFrame(id: CallId, stream: number): WireFrame {
  return [TAGS.close, id, stream];
}
export function failedFrame(id: CallId, stream: number, shape: unknown): WireFrame {
  return withPayload([TAGS.close, id, stream, 0], shape);
}
export function stopFrame(id: CallId, stream: number): WireFrame {
  return [TAGS.stop, id, stream];
}
export function grantFrame(id: CallId, stream: number, granted: number): WireFrame {
  return [TAGS.grant, id, stream, granted];
}
export function blockedFrame(id: CallId, stream: number): WireFrame {
  return [TAGS.blocked, id, stream];
}

/** @throws FRAME_MALFORMED */
export function parseStream(value: unknown): number {
  return parseInteger(value, 0, 'stream');
}

export function parseClose(wire: WireFrame): StreamClose {
  if (wire[3] !== undefined && wire[3] !== 0) throw malformed('close');
  return { type: 'close', isFailed: wire[3] === 0, shape: wire[4] };
}

/** @throws FRAME_MALFORMED */
export function parseStreamPaths(value: unknown): readonly StreamPath[] {
  const paths = parseList(value, STREAMS_MAX);
  if (paths.length === 0) throw malformed('streams');
  return paths.map((path) =>
    parseList(path, STREAM_DEPTH_MAX).map((step) =>
      typeof step === 'number'
        ? parseInteger(step, 0, 'streams')
        : parseText(step, 'streams', PATH_LENGTH_MAX),
    ),
  );
}

function parseList(value: unknown, lengthMax: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > lengthMax) throw malformed('streams');
  return value;
}
