import type { StreamSource } from './payload.ts';

/** Who writes the items of a stream. None of these throws but `item`. */
export interface PumpHost {
  /** @throws what cannot be written: then the stream is closed, and has failed. */
  item(stream: number, value: unknown): void;
  /** Whether the next item may come; else the pump is told to `resume`. */
  mayWrite(stream: number): boolean;
  ended(stream: number): void;
  failed(stream: number, cause: unknown): void;
  /** What the end of an iterator that was closed has thrown. */
  report(cause: unknown): void;
}

/** Takes item after item from a source, each when it may be written: until then the source waits. */
export class Pump {
  readonly #source: StreamSource<unknown>;
  #iterator: AsyncIterator<unknown> | undefined;
  readonly #host: PumpHost;
  readonly #stream: number;
  #isWaiting = true;
  #isClosed = false;
  /** Set while the source is closed: who waits for that. */
  #settling: (() => void)[] | undefined;

  /** The source is not touched until the pump is told to `resume`, and may write. */
  constructor(source: StreamSource<unknown>, host: PumpHost, stream: number) {
    this.#source = source;
    this.#host = host;
    this.#stream = stream;
  }

  /** Something was taken of the source. */
  get hasBegun(): boolean {
    return this.#iterator !== undefined;
  }

  /** Goes on where it waits, and may. */
  resume(): void {
    if (!this.#isWaiting || this.#isClosed) return;
    this.#isWaiting = !this.#host.mayWrite(this.#stream);
    if (!this.#isWaiting) this.#pull();
  }

  /**
   * Runs the `finally` of a generator, however long it takes, and then `settle` of all who close it: the
   * call may end while the generator does.
   */
  close(settle: () => void): void {
    if (this.#settling !== undefined) this.#settling.push(settle);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#settling = [settle];
    try {
      const returned = this.#open().return?.() ?? Promise.resolve();
      returned.then(this.#onClosed, this.#onCloseThrow);
    } catch (cause) {
      this.#onCloseThrow(cause);
    }
  }

  readonly #onClosed = (): void => {
    for (const settle of this.#settling?.splice(0) ?? []) settle();
    this.#settling = undefined;
  };

  readonly #onCloseThrow = (cause: unknown): void => {
    this.#host.report(cause);
    this.#onClosed();
  };

  #open(): AsyncIterator<unknown> {
    return (this.#iterator ??= iterate(this.#source));
  }

  #pull(): void {
    try {
      this.#open().next().then(this.#onNext, this.#onThrow);
    } catch (cause) {
      this.#onThrow(cause);
    }
  }

  readonly #onNext = (result: IteratorResult<unknown, unknown>): void => {
    if (this.#isClosed) return; // The end of the iterator is awaited elsewhere.
    if (Object(result) !== result) return this.#onThrow(new TypeError('no iterator result'));
    if (result.done === true) {
      this.#isClosed = true;
      return this.#host.ended(this.#stream);
    }
    try {
      this.#host.item(this.#stream, result.value);
    } catch (cause) {
      return this.close(() => this.#host.failed(this.#stream, cause));
    }
    this.#isWaiting = true;
    this.resume();
  };

  readonly #onThrow = (cause: unknown): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host.failed(this.#stream, cause);
  };
}

function iterate(source: StreamSource<unknown>): AsyncIterator<unknown> {
  // Some ReadableStreams are iterable as well; but that cannot be ended while it waits for more.
  if (!('getReader' in source)) return source[Symbol.asyncIterator]();
  const reader = source.getReader();
  return {
    async next() {
      const result = await reader.read();
      if (result.done) reader.releaseLock();
      return result as IteratorResult<unknown, unknown>;
    },
    async return() {
      reader.releaseLock();
      await source.cancel();
      return { done: true, value: undefined };
    },
  };
}
