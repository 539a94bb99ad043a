import type { StreamSource } from './payload.ts';
import { Pump, type PumpHost } from './pump.ts';
import { StreamReader } from './reader.ts';
import type { StreamNews } from './stream.ts';
import type { StreamCall, Streams } from './streams.ts';

/** Who made or answers a call whose streams they are. */
export interface EndsHost {
  /** Gives an item to the session. @throws what the transformer and the codec throw. */
  write(stream: number, value: unknown): void;
  /** Gives a received item its form. @throws what the transformer throws. */
  read(data: unknown): unknown;
  /** What a reader is thrown: the stream has `failed` at its writer, or brought more than was granted. */
  causeOf(end: 'failed' | 'overrun', shape: unknown): unknown;
  /** The source of a stream has failed. */
  failed(stream: number, cause: unknown): void;
  /** What the end of a source that was closed has thrown. */
  report(cause: unknown): void;
  /** A stream that this side wrote is over; so many are not. */
  written(left: number): void;
  /** Something was given to the session. */
  wake(): void;
}

/** This side's ends of the streams of one call: sources that are written, and readers. */
export class StreamEnds<Call extends StreamCall> implements PumpHost {
  readonly #streams: Streams<Call>;
  readonly #call: Call;
  readonly #host: EndsHost;
  readonly #pumps = new Map<number, Pump>();
  readonly #readers = new Map<number, StreamReader>();
  #hasWritten = false;

  constructor(streams: Streams<Call>, call: Call, host: EndsHost) {
    this.#streams = streams;
    this.#call = call;
    this.#host = host;
  }

  /** Writes sources, the first as the stream of that number. Each waits while it may not be written. */
  write(sources: readonly StreamSource<unknown>[], from: 0 | 1): void {
    for (const [index, source] of sources.entries()) {
      this.#pumps.set(index + from, new Pump(source, this, index + from));
    }
    for (const pump of this.#pumps.values()) pump.resume();
  }

  /** Items were taken of a source: they would be missing where the call is made again. */
  get hasBegun(): boolean {
    return this.#hasWritten || [...this.#pumps.values()].some(({ hasBegun }) => hasBegun);
  }

  /** Reads a stream, to be iterated once. */
  reader(stream: number): StreamReader {
    const reader = new StreamReader({
      read: (data) => this.#host.read(data),
      consumed: (item) => {
        this.#streams.consumed(this.#call, stream, item);
        this.#host.wake();
      },
      stopped: () => this.#stop(stream),
    });
    this.#readers.set(stream, reader);
    return reader;
  }

  heard(stream: number, news: StreamNews): void {
    const reader = this.#readers.get(stream);
    switch (news.type) {
      case 'item':
        return reader?.push(news);
      case 'close':
        return reader?.end(
          news.isFailed ? { cause: this.#host.causeOf('failed', news.shape) } : undefined,
        );
      case 'overrun':
        reader?.end({ cause: this.#host.causeOf('overrun', undefined) });
        return this.#stop(stream);
      case 'room':
        return this.#pumps.get(stream)?.resume();
      case 'stop':
        return this.#pumps.get(stream)?.close(() => this.#written(stream));
    }
  }

  /**
   * Nobody waits for the call any more: readers get `cause`, where it is given, and sources are
   * closed. `settle` is called once all of them are, where there are any.
   */
  close(end?: { readonly cause: unknown }, settle: () => void = () => {}): void {
    for (const reader of this.#readers.values()) reader.end(end);
    const pumps = [...this.#pumps.values()];
    this.#pumps.clear();
    let left = pumps.length;
    for (const pump of pumps) {
      pump.close(() => {
        if (--left === 0) settle();
      });
    }
  }

  item(stream: number, value: unknown): void {
    this.#host.write(stream, value);
    this.#host.wake();
  }

  mayWrite(stream: number): boolean {
    const may = this.#streams.mayWrite(this.#call, stream);
    if (!may) this.#host.wake(); // The other side may have to hear that this one waits.
    return may;
  }

  ended(stream: number): void {
    if (stream > 0) this.#streams.close(this.#call, stream);
    this.#written(stream);
  }

  failed(stream: number, cause: unknown): void {
    this.#host.failed(stream, cause);
    this.#written(stream);
  }

  report(cause: unknown): void {
    this.#host.report(cause);
  }

  #stop(stream: number): void {
    this.#streams.stop(this.#call, stream);
    this.#host.wake();
  }

  #written(stream: number): void {
    if (!this.#pumps.delete(stream)) return;
    this.#hasWritten = true;
    this.#host.written(this.#pumps.size);
    this.#host.wake();
  }
}
