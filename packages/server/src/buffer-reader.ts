import type { Gap } from '@openline/protocol';
import type { HeldItems } from './buffer-items.ts';
import type { Source, SourceReader } from './buffer-source.ts';

type Result<T> = IteratorResult<T | Gap, undefined>;

type State =
  | { readonly kind: 'open' }
  /** The source gives no more: this is due behind what is held. */
  | { readonly kind: 'ending'; readonly error: { readonly cause: unknown } | undefined }
  | { readonly kind: 'over' };

interface Waiting<T> {
  resolve(result: Result<T>): void;
  reject(cause: unknown): void;
}

const OPEN: State = { kind: 'open' };
const OVER: State = { kind: 'over' };
const DONE = { done: true, value: undefined } as const;

/** Puts what a source gives into what is held, and gives a consumer what is due. */
export class BufferReader<T> implements AsyncIterator<T | Gap, undefined>, SourceReader<T> {
  readonly #held: HeldItems<T>;
  readonly #sourceWaits: boolean;
  #state: State = OPEN;
  #source: Source | undefined;
  #signal: AbortSignal | undefined;
  /** Who asked for an item while nothing was held. */
  readonly #waiting: Waiting<T>[] = [];

  constructor(held: HeldItems<T>, sourceWaits: boolean) {
    this.#held = held;
    this.#sourceWaits = sourceWaits;
  }

  read(source: Source, signal: AbortSignal | undefined): void {
    this.#source = source;
    if (signal?.aborted === true) return this.#abort();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort);
    source.start();
  }

  get hasRoom(): boolean {
    return this.#state.kind === 'open' && !(this.#sourceWaits && this.#held.isFull);
  }

  item(item: T): void {
    if (this.#state.kind !== 'open') return;
    try {
      this.#held.add(item);
    } catch (cause) {
      void this.#source?.stop();
      return this.failed(cause);
    }
    if (!this.#held.isEmpty) this.#waiting.shift()?.resolve(this.#taken());
  }

  ended(): void {
    this.#end(undefined);
  }

  failed(cause: unknown): void {
    this.#end({ cause });
  }

  next(): Promise<Result<T>> {
    if (!this.#held.isEmpty) {
      const result = Promise.resolve(this.#taken());
      this.#source?.resume();
      return result;
    }
    switch (this.#state.kind) {
      case 'open':
        return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
      case 'ending': {
        const { error } = this.#state;
        this.#state = OVER;
        // eslint-disable-next-line typescript/prefer-promise-reject-errors -- As the source gave it.
        return error === undefined ? Promise.resolve(DONE) : Promise.reject(error.cause);
      }
      case 'over':
        return Promise.resolve(DONE);
    }
  }

  async return(): Promise<Result<T>> {
    this.#leave();
    await this.#source?.stop();
    return DONE;
  }

  #taken(): Result<T> {
    return { done: false, value: this.#held.take() };
  }

  #end(error: { readonly cause: unknown } | undefined): void {
    if (this.#state.kind !== 'open') return;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#state = { kind: 'ending', error };
    // Where somebody waits nothing is held: the first one is told of the error, the others of the end.
    const [first, ...others] = this.#waiting.splice(0);
    if (first === undefined) return;
    this.#state = OVER;
    if (error === undefined) first.resolve(DONE);
    else first.reject(error.cause);
    for (const other of others) other.resolve(DONE);
  }

  /** What is held is dropped, and who waits is told of the end. */
  #leave(): void {
    this.ended();
    this.#state = OVER;
    this.#held.clear();
  }

  readonly #abort = (): void => {
    this.#leave();
    void this.#source?.stop(); // What it throws there is for who calls `return`.
  };
}
