import { isTrackedEnvelope } from '@trpc/server';

/** Who takes the items of a stream. None of these throws but `item`. */
export interface StreamHost {
  /** @throws what the transformer and the codec throw: then the stream is closed. */
  item(data: unknown, eventId: string | undefined): void;
  /** Whether the next item may come; else `pull` is called once it may. */
  mayProduce(): boolean;
  ended(): void;
  failed(cause: unknown): void;
  /** What the end of an iterator that was closed has thrown. */
  report(cause: unknown): void;
}

/** Takes item after item from what a subscription returned, each when there is room for it. */
export class ItemStream {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #host: StreamHost;
  #isClosed = false;

  constructor(iterable: AsyncIterable<unknown>, host: StreamHost) {
    this.#iterator = iterable[Symbol.asyncIterator]();
    this.#host = host;
  }

  pull(): void {
    if (this.#isClosed) return;
    try {
      this.#iterator.next().then(this.#onNext, this.#onThrow);
    } catch (cause) {
      this.#onThrow(cause);
    }
  }

  /** Runs the `finally` of a generator, however long it takes, and then `settle`. */
  close(settle: () => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const failed = (cause: unknown): void => {
      this.#host.report(cause);
      settle();
    };
    try {
      const returned = this.#iterator.return?.() ?? Promise.resolve();
      returned.then(settle, failed);
    } catch (cause) {
      failed(cause);
    }
  }

  readonly #onNext = (result: IteratorResult<unknown, unknown>): void => {
    if (this.#isClosed) return; // The end of the iterator is awaited elsewhere.
    try {
      if (result.done === true) return this.#host.ended();
      const { value } = result;
      if (!isTrackedEnvelope(value)) this.#host.item(value, undefined);
      else this.#host.item({ id: value[0], data: value[1] }, value[0]);
    } catch (cause) {
      return this.close(() => this.#host.failed(cause));
    }
    if (this.#host.mayProduce()) this.pull();
  };

  readonly #onThrow = (cause: unknown): void => {
    if (!this.#isClosed) this.#host.failed(cause);
  };
}
