import type { Observable } from '@trpc/server/observable';

/** Takes what a source gives. None of its members throws. */
export interface SourceReader<T> {
  /** Whether the next item may come now. */
  readonly hasRoom: boolean;
  item(item: T): void;
  ended(): void;
  failed(cause: unknown): void;
}

export interface Source {
  /** Once, before anything else; without it there is only `stop`. */
  start(): void;
  /** Reads on: there may be room again. */
  resume(): void;
  /** Ends it; again it does nothing. Settles when the source has, and throws what that throws. */
  stop(): Promise<void>;
}

const DONE = Promise.resolve();

/**
 * After so many items everybody else has a turn: a source that always has another item would
 * otherwise keep the process from doing anything else.
 */
const ITEMS_PER_TURN_MAX = 1_000;

/** Reads an async iterable, item by item, for as long as there is room. */
export class IterableSource<T> implements Source {
  readonly #iterable: AsyncIterable<T>;
  readonly #reader: SourceReader<T>;
  #iterator: AsyncIterator<T> | undefined;
  #state: 'idle' | 'reading' | 'resting' | 'over' = 'idle';
  #items = 0;
  #stopped = DONE;

  constructor(iterable: AsyncIterable<T>, reader: SourceReader<T>) {
    this.#iterable = iterable;
    this.#reader = reader;
  }

  start(): void {
    try {
      this.#iterator = this.#iterable[Symbol.asyncIterator]();
    } catch (cause) {
      this.#fail(cause);
    }
    this.resume();
  }

  resume(): void {
    if (this.#state !== 'idle' || !this.#reader.hasRoom) return;
    this.#state = 'reading';
    try {
      this.#iterator?.next().then(this.#onNext, this.#fail);
    } catch (cause) {
      this.#fail(cause);
    }
  }

  stop(): Promise<void> {
    if (this.#state === 'over') return this.#stopped;
    this.#state = 'over';
    this.#stopped = this.#return();
    this.#stopped.catch(() => {}); // For who asks. Others have an error to tell already.
    return this.#stopped;
  }

  async #return(): Promise<void> {
    // One that nothing was read of may have begun all the same, as `on` of node:events has.
    const iterator = this.#iterator ?? this.#iterable[Symbol.asyncIterator]();
    await iterator.return?.();
  }

  readonly #onNext = (result: IteratorResult<T, unknown>): void => {
    if (this.#state === 'over') return;
    try {
      if (result.done === true) {
        this.#state = 'over';
        return this.#reader.ended();
      }
      this.#reader.item(result.value);
    } catch (cause) {
      return this.#fail(cause); // The result is none.
    }
    this.#goOn();
  };

  #goOn(): void {
    if (this.#state !== 'reading') return; // The reader has stopped it.
    this.#state = 'idle';
    if (++this.#items % ITEMS_PER_TURN_MAX !== 0) return this.resume();
    this.#state = 'resting';
    setImmediate(() => {
      if (this.#state !== 'resting') return;
      this.#state = 'idle';
      this.resume();
    });
  }

  readonly #fail = (cause: unknown): void => {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#reader.failed(cause);
  };
}

/** Takes what an observable gives, which never waits. */
export class ObservableSource<T> implements Source {
  readonly #observable: Observable<T, unknown>;
  readonly #reader: SourceReader<T>;
  #subscription: { unsubscribe(): void } | undefined;
  #isOver = false;
  #stopped = DONE;

  constructor(observable: Observable<T, unknown>, reader: SourceReader<T>) {
    this.#observable = observable;
    this.#reader = reader;
  }

  start(): void {
    const failed = (cause: unknown): void => this.#end(() => this.#reader.failed(cause));
    try {
      const subscription = this.#observable.subscribe({
        next: (item) => {
          if (!this.#isOver) this.#reader.item(item);
        },
        error: failed,
        complete: () => this.#end(() => this.#reader.ended()),
      });
      // The reader may have had enough before there was anything to unsubscribe.
      if (this.#isOver) subscription.unsubscribe();
      else this.#subscription = subscription;
    } catch (cause) {
      failed(cause);
    }
  }

  resume(): void {}

  stop(): Promise<void> {
    if (this.#isOver) return this.#stopped;
    this.#isOver = true;
    this.#stopped = this.#unsubscribe();
    this.#stopped.catch(() => {});
    return this.#stopped;
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#subscription = undefined;
    tell();
  }

  async #unsubscribe(): Promise<void> {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}
