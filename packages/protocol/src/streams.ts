import type { Codec, WireFrame } from './codec.ts';
import { MESSAGE_BYTES_MAX } from './constants.ts';
import { malformed } from './errors.ts';
import type { EventSink } from './event.ts';
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

/** News of a stream, and whose it is. */
export interface StreamEvent<Call> {
  readonly kind: 'stream';
  readonly call: Call;
  readonly stream: number;
  readonly news: StreamNews;
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
  readonly #say: (frame: WireFrame) => void;
  /** Streams whose writer waits for the backlog, or for the call to be written, by their call. */
  readonly #waiting = new Map<Call, Set<number>>();
  /** Bytes of items that were received and not consumed. */
  heldBytes = 0;

  constructor(
    codec: Codec,
    outbox: Pick<Outbox<unknown>, 'push' | 'isFull'>,
    events: EventSink<StreamEvent<Call>>,
    say: (frame: WireFrame) => void,
  ) {
    this.#codec = codec;
    this.#outbox = outbox;
    this.#events = events;
    this.#say = say;
  }

  /** Whether an item may be written now. Else `room` is told once it may be worth asking again. */
  mayWrite(call: Call, stream: number): boolean {
    const credit = call.streams?.writing.get(stream);
    if (credit === undefined) return false;
    if (credit.isSpent) {
      if (!credit.isBlocked) this.#say(blockedFrame(call.id, stream));
      credit.isBlocked = true;
      return false;
    }
    if (call.unwritten === undefined && !this.#outbox.isFull) return true;
    const waiting = this.#waiting.get(call) ?? new Set();
    this.#waiting.set(call, waiting.add(stream));
    return false;
  }

  /** @throws what the codec throws at the data, and LIMIT_EXCEEDED; then nothing was sent. */
  write(call: Call, stream: number, frame: WireFrame): void {
    const bytes = this.#outbox.push(call.id, this.#codec.encode(frame));
    call.streams?.writing.get(stream)?.spend(creditsOf(bytes));
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
    if (window.consume(credits, bytes)) this.#say(grantFrame(call.id, stream, window.granted));
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
    if (window === undefined) {
      if (call.streams?.hasRead(stream) !== true) throw malformed('stream');
      return undefined;
    }
    const credits = creditsOf(bytes);
    if (!window.receive(credits, bytes)) {
      this.#tell(call, stream, OVERRUN);
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
    if (this.#forgetReader(call, stream)) this.#tell(call, stream, news);
    else if (call.streams?.hasRead(stream) !== true) throw malformed('stream');
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
        this.#say(grantFrame(call.id, stream, window.granted));
      }
    }
  }

  /** On another connection what is granted, and who waits for it, is said again. */
  attach(calls: Iterable<Call>): void {
    for (const { id, streams } of calls) {
      if (streams === undefined) continue;
      for (const [stream, { granted }] of streams.reading) {
        this.#say(grantFrame(id, stream, granted));
      }
      for (const [stream, { isBlocked }] of streams.writing) {
        if (isBlocked) this.#say(blockedFrame(id, stream));
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
    for (const { heldBytes } of call.streams.reading.values()) this.heldBytes -= heldBytes;
    call.streams.reading.clear();
    call.streams.writing.clear();
  }

  #forgetWriter(call: Call, stream: number): boolean {
    this.#waiting.get(call)?.delete(stream);
    return call.streams?.writing.delete(stream) === true;
  }

  #forgetReader(call: Call, stream: number): boolean {
    this.heldBytes -= call.streams?.reading.get(stream)?.heldBytes ?? 0;
    return call.streams?.reading.delete(stream) === true;
  }

  #push(call: Call, frame: WireFrame): void {
    this.#outbox.push(call.id, this.#codec.encode(frame));
  }

  #tell(call: Call, stream: number, news: StreamNews): void {
    this.#events.push({ kind: 'stream', call, stream, news });
  }
}
