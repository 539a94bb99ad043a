import type { Codec, WireFrame } from './codec.ts';
import { MESSAGE_BYTES_MAX, STREAM_WINDOW } from './constants.ts';
import { malformed } from './errors.ts';
import type { EventSink } from './event.ts';
import type { FlowFrames } from './flow-frames.ts';
import type { CallId } from './frame.ts';
import type { Outbox } from './outbox.ts';
import { parseInteger } from './parse.ts';
import {
  blockedFrame,
  closeFrame,
  failedFrame,
  grantFrame,
  parseClose,
  parseStream,
  stopFrame,
  type CallStreams,
  type StreamEvent,
  type StreamItem,
  type StreamNews,
} from './stream.ts';
import * as TAGS from './tags.ts';

/** A call of either side, as far as its streams go. */
export interface StreamCall {
  readonly id: CallId;
  readonly streams: CallStreams | undefined;
  /** The call itself is not written yet: nothing of its streams may overtake it. */
  readonly unwritten?: unknown;
}

/** What the items of a frame of so many bytes cost. */
export function creditsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / MESSAGE_BYTES_MAX));
}

const ROOM: StreamNews = { type: 'room' };
const STOP: StreamNews = { type: 'stop' };
const OVERRUN: StreamNews = { type: 'overrun' };

/** Keeps the books of the streams of one side's calls: who may write, and what was read. */
export class Streams<Call extends StreamCall> {
  readonly #codec: Codec;
  readonly #outbox: Pick<Outbox<unknown>, 'push' | 'isFull'>;
  readonly #events: EventSink<StreamEvent<Call>>;
  readonly #flow: FlowFrames;
  /** Streams whose writer waits for the backlog, or for the call to be written, by their call. */
  readonly #waiting = new Map<Call, Set<number>>();
  /** Bytes of items that were received and not consumed. */
  heldBytes = 0;

  constructor(
    codec: Codec,
    outbox: Pick<Outbox<unknown>, 'push' | 'isFull'>,
    events: EventSink<StreamEvent<Call>>,
    flow: FlowFrames,
  ) {
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#flow = flow;
  }

  /** Whether an item may be written now. Else `room` is told once it may be worth asking again. */
  mayWrite(call: Call, stream: number): boolean {
    const credit = call.streams?.writing.get(stream);
    if (credit === undefined) return false;
    if (credit.isSpent) {
      if (!credit.isBlocked) this.#flow.say(call.id, blockedFrame(call.id, stream));
      credit.isBlocked = true;
      return false;
    }
    if (call.unwritten === undefined && !this.#outbox.isFull) return true;
    const waiting = this.#waiting.get(call) ?? new Set();
    this.#waiting.set(call, waiting.add(stream));
    return false;
  }

  /**
   * An item of a stream; nothing, where that is over.
   *
   * @throws what the codec throws at the data, and LIMIT_EXCEEDED; then nothing was sent.
   */
  write(call: Call, stream: number, frame: WireFrame): void {
    const credit = call.streams?.writing.get(stream);
    // A frame of a call that was never written, and was given up, would end the session.
    if (credit === undefined) return;
    credit.spend(creditsOf(this.#outbox.push(call.id, this.#codec.encode(frame))));
  }

  /** The stream has no more items. */
  close(call: Call, stream: number): void {
    if (this.#forgetWriter(call, stream)) this.#push(call, closeFrame(call.id, stream));
  }

  /** The stream has failed. @throws what the codec throws at the shape; then it is still open. */
  fail(call: Call, stream: number, shape: unknown): void {
    if (call.streams?.writing.has(stream) !== true) return;
    this.#push(call, failedFrame(call.id, stream, shape));
    this.#forgetWriter(call, stream);
  }

  /** The reader has done with an item. */
  consumed(call: Call, stream: number, { credits, bytes }: StreamItem): void {
    const window = call.streams?.reading.get(stream);
    if (window === undefined) return;
    this.heldBytes -= bytes;
    if (window.consume(credits, bytes)) {
      this.#flow.say(call.id, grantFrame(call.id, stream, window.granted));
    }
    if (window.isClosed && window.heldBytes === 0) call.streams?.reading.delete(stream);
  }

  /** Nobody reads the stream any more. What still comes of it is dropped. */
  stop(call: Call, stream: number): void {
    if (!this.#forgetReader(call, stream)) return;
    if (call.streams !== undefined) call.streams.isLeft = true;
    this.#push(call, stopFrame(call.id, stream));
  }

  /** An item has come. `undefined` where nobody reads it, or it is more than was granted. */
  receive(call: Call, stream: number, data: unknown, bytes: number): StreamItem | undefined {
    const window = call.streams?.reading.get(stream);
    if (window === undefined || window.isClosed) {
      if (call.streams?.hasRead(stream) !== true) throw malformed('stream');
      return undefined;
    }
    const credits = creditsOf(bytes);
    if (!window.receive(credits, bytes)) {
      if (!window.isOverrun) this.#tell(call, stream, OVERRUN);
      window.isOverrun = true;
      return undefined;
    }
    this.heldBytes += bytes;
    return { type: 'item', data, credits, bytes };
  }

  /** A frame of one of its streams that is no item. */
  heard(call: Call, tag: number, wire: WireFrame): void {
    const stream = parseStream(wire[2]);
    if (tag === TAGS.stop) {
      if (this.#forgetWriter(call, stream)) this.#tell(call, stream, STOP);
      return;
    }
    const news = parseClose(wire);
    // A subscription ends with its call.
    if (stream === 0 || call.streams?.hasRead(stream) !== true) throw malformed('stream');
    if (this.#closeReader(call, stream)) this.#tell(call, stream, news);
  }

  /** What the other side says of credit. A call or a stream that is over is no concern. */
  heardOfCredit(call: Call | undefined, tag: number, wire: WireFrame): void {
    const stream = parseStream(wire[2]);
    if (tag === TAGS.grant) {
      const granted = parseInteger(wire[3], 0, 'grant');
      const credit = call?.streams?.writing.get(stream);
      if (call === undefined || credit === undefined) return;
      credit.grant(granted);
      if (!credit.isBlocked || credit.isSpent) return;
      credit.isBlocked = false;
      this.#tell(call, stream, ROOM);
    } else {
      const window = call?.streams?.reading.get(stream);
      if (call !== undefined && window?.blocked() === true) {
        this.#flow.say(call.id, grantFrame(call.id, stream, window.granted));
      }
    }
  }

  /**
   * On another connection what is granted, and who waits for it, is said again. What every writer
   * begins with is not: else each subscription would cost a frame at each attach.
   */
  attach(calls: Iterable<Call>): void {
    for (const { id, streams } of calls) {
      if (streams === undefined) continue;
      for (const [stream, { granted, isClosed }] of streams.reading) {
        if (granted > STREAM_WINDOW && !isClosed)
          this.#flow.say(id, grantFrame(id, stream, granted));
      }
      for (const [stream, { isBlocked }] of streams.writing) {
        if (isBlocked) this.#flow.say(id, blockedFrame(id, stream));
      }
    }
  }

  /** Tells who waited that there is room. */
  takeRoom(): void {
    if (this.#waiting.size === 0 || this.#outbox.isFull) return;
    for (const [call, streams] of this.#waiting) {
      if (call.unwritten !== undefined) continue;
      this.#waiting.delete(call);
      for (const stream of streams) this.#tell(call, stream, ROOM);
    }
  }

  /** The call is over, and so are its streams. */
  forget(call: Call): void {
    if (call.streams === undefined) return;
    this.#waiting.delete(call);
    this.#flow.forget(call.id);
    for (const { heldBytes } of call.streams.reading.values()) this.heldBytes -= heldBytes;
    call.streams.reading.clear();
    call.streams.writing.clear();
  }

  #forgetWriter(call: Call, stream: number): boolean {
    this.#waiting.get(call)?.delete(stream);
    return call.streams?.writing.delete(stream) === true;
  }

  /** Whether it was open. */
  #forgetReader(call: Call, stream: number): boolean {
    const window = call.streams?.reading.get(stream);
    if (window === undefined) return false;
    this.heldBytes -= window.heldBytes;
    call.streams?.reading.delete(stream);
    return !window.isClosed;
  }

  /** Whether it was open. What it has brought counts until it is consumed. */
  #closeReader(call: Call, stream: number): boolean {
    const window = call.streams?.reading.get(stream);
    if (window === undefined || window.isClosed) return false;
    window.isClosed = true;
    if (window.heldBytes === 0) call.streams?.reading.delete(stream);
    return true;
  }

  #push(call: Call, frame: WireFrame): void {
    this.#outbox.push(call.id, this.#codec.encode(frame));
  }

  #tell(call: Call, stream: number, news: StreamNews): void {
    this.#events.push({ kind: 'stream', call, stream, news });
  }
}
