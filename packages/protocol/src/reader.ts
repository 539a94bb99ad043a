import type { StreamItem } from './stream.ts';

/** Who gave a stream to be read. */
export interface ReaderHost {
  /** @throws what cannot be read: then the reader gets that, and the stream is stopped. */
  read(data: unknown): unknown;
  /** The reader has taken the item. */
  consumed(item: StreamItem): void;
  /** Nobody reads any more. */
  stopped(): void;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (cause: unknown) => void;
}

/** What a stream brings, to be iterated once: an item is consumed when it is pulled. */
export class StreamReader implements AsyncIterableIterator<unknown, undefined, undefined> {
  readonly #host: ReaderHost;
  #items: StreamItem[] = [];
  #waiters: Waiter[] = [];
  /** Set once no more comes: what is thrown then, if anything. */
  #end: { readonly cause?: unknown } | undefined;
  #isIterated = false;

  constructor(host: ReaderHost) {
    this.#host = host;
  }

  /** @throws a `TypeError` the second time. */
  [Symbol.asyncIterator](): this {
    if (this.#isIterated) throw new TypeError('a stream can be iterated once');
    this.#isIterated = true;
    return this;
  }

  /** Items that are received and not read. */
  get length(): number {
    return this.#items.length;
  }

  push(item: StreamItem): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#give();
  }

  /** No more comes. Its reader still gets what is there, and then `cause`, where there is one. */
  end(end: { readonly cause?: unknown } = {}): void {
    this.#end ??= end;
    this.#give();
  }

  /** The stream cannot be gone on with: what is there counts no more, and is dropped. */
  fail(cause: unknown): void {
    this.#items = [];
    this.end({ cause });
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#give();
    });
  }

  return(): Promise<IteratorResult<unknown, undefined>> {
    const isOver = this.#end !== undefined && this.#items.length === 0;
    this.#items = [];
    if (!isOver) this.#host.stopped();
    this.#end = {};
    this.#give();
    return Promise.resolve({ done: true, value: undefined });
  }

  #give(): void {
    while (this.#waiters.length > 0) {
      const item = this.#items.shift();
      if (item !== undefined) this.#giveItem(item);
      else if (this.#end !== undefined) this.#giveEnd();
      else return;
    }
  }

  #giveItem(item: StreamItem): void {
    const waiter = this.#waiters.shift();
    let value: unknown;
    try {
      value = this.#host.read(item.data);
    } catch (cause) {
      this.#items = [];
      this.#host.stopped();
      this.#end = {};
      return waiter?.reject(cause);
    }
    waiter?.resolve({ done: false, value });
    this.#host.consumed(item);
  }

  /** The cause is thrown once: then the stream is simply over. */
  #giveEnd(): void {
    const end = this.#end ?? {};
    const waiter = this.#waiters.shift();
    if (!('cause' in end)) return waiter?.resolve({ done: true, value: undefined });
    this.#end = {};
    waiter?.reject(end.cause);
  }
}
