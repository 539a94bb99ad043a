import { randomBytes } from 'node:crypto';

/**
 * What became of a call: what its caller was given, `undefined` for nothing. JSON text; in a session of
 * another codec the name of that, a colon and base64.
 */
export interface RecordedOutcome {
  /** `result`: the output. `error`: what the router's formatter made of the error. */
  readonly kind: 'result' | 'error';
  readonly json: string | undefined;
}

/** One call to a procedure that is marked `once`. */
export interface JournalEntry {
  /** Whose call it is. Together with `key` it names the record. */
  readonly scope: string;
  readonly key: string;
  /** What is called; it is no part of the name. */
  readonly path: string;
  /** A digest of path and input. */
  readonly requestHash: string;
  /** The call was sent before: under this epoch, so many milliseconds ago. */
  readonly again?: { readonly epoch: string; readonly ageMs: number } | undefined;
}

/** What is known of a call when it comes. */
export type Begun =
  /** Nothing, and it surely did not run: it is recorded as running from here on. */
  | { readonly state: 'new' }
  | { readonly state: 'finished'; readonly outcome: RecordedOutcome }
  /** Resolves with the outcome; with `undefined` when nobody will know. */
  | { readonly state: 'running'; readonly outcome: Promise<RecordedOutcome | undefined> }
  /** It may have run, and nobody can say. */
  | { readonly state: 'unknown' }
  /** The key was used with another path or input. */
  | { readonly state: 'reused' }
  /** No more can be recorded now. */
  | { readonly state: 'full' };

/** Where outcomes of calls to `once` procedures are recorded. */
export interface Journal {
  /** Names the history of the records: another one where some may have been lost. */
  readonly epoch: string;
  /** One step: tells what is known of the call, and records it as running where it is new. */
  begin(entry: JournalEntry): Promise<Begun>;
  /** Records the outcome. Rejects where it cannot; it is then asked again. */
  finish(entry: JournalEntry, outcome: RecordedOutcome): Promise<void>;
  /** Forgets a call that was recorded as running and did not run. */
  withdraw(entry: JournalEntry): Promise<void>;
}

export interface MemoryJournalOptions {
  /** How long an outcome is kept, in milliseconds. Above 0. Default: 600,000. */
  readonly ttlMs?: number | undefined;
  /** Calls that may be recorded at once. At least 1. Default: 100,000. */
  readonly recordsMax?: number | undefined;
  /** All outcomes, in UTF-16 code units. At least 0. Default: 64 Mi. */
  readonly lengthMax?: number | undefined;
}

interface Entry {
  readonly requestHash: string;
  readonly startedAtMs: number;
  readonly settle: (outcome: RecordedOutcome | undefined) => void;
  readonly settled: Promise<RecordedOutcome | undefined>;
  outcome: RecordedOutcome | undefined;
}

/**
 * A journal in this process: what ends with it is unknown afterwards. Past its limits it forgets
 * what is oldest, and then does not vouch for calls of that age.
 *
 * @throws a `RangeError` when an option is out of its range.
 */
export function memoryJournal(options: MemoryJournalOptions = {}): Journal {
  const { ttlMs = 600_000, recordsMax = 100_000, lengthMax = 64 * 1_048_576 } = options;
  if (!(ttlMs > 0)) throw new RangeError('ttlMs is above zero');
  if (!(recordsMax >= 1)) throw new RangeError('recordsMax is a number of at least 1');
  if (!(lengthMax >= 0)) throw new RangeError('lengthMax is a number of at least 0');
  return new MemoryJournal(ttlMs, recordsMax, lengthMax);
}

class MemoryJournal implements Journal {
  readonly epoch: string = randomBytes(12).toString('base64url');
  readonly #ttlMs: number;
  readonly #recordsMax: number;
  readonly #lengthMax: number;
  /** The one that began first is in front. */
  readonly #entries = new Map<string, Entry>();
  #length = 0;
  /** Of calls that began up to here, on the monotonic clock, records may be gone. */
  #forgottenUpToMs = -Infinity;

  constructor(ttlMs: number, recordsMax: number, lengthMax: number) {
    this.#ttlMs = ttlMs;
    this.#recordsMax = recordsMax;
    this.#lengthMax = lengthMax;
  }

  async begin(entry: JournalEntry): Promise<Begun> {
    const nowMs = performance.now();
    this.#forget(nowMs, this.#recordsMax - 1);
    const name = recordNameOf(entry);
    const known = this.#entries.get(name);
    if (known !== undefined) {
      if (known.requestHash !== entry.requestHash) return { state: 'reused' };
      if (known.outcome !== undefined) return { state: 'finished', outcome: known.outcome };
      return { state: 'running', outcome: known.settled };
    }
    if (entry.again !== undefined && !this.#vouchesFor(entry.again, nowMs)) {
      return { state: 'unknown' };
    }
    if (this.#entries.size >= this.#recordsMax) return { state: 'full' };
    let settle!: Entry['settle'];
    const settled = new Promise<RecordedOutcome | undefined>((resolve) => (settle = resolve));
    const { requestHash } = entry;
    const begun = { requestHash, startedAtMs: nowMs, settle, settled, outcome: undefined };
    this.#entries.set(name, begun);
    return { state: 'new' };
  }

  async finish(entry: JournalEntry, outcome: RecordedOutcome): Promise<void> {
    const known = this.#entries.get(recordNameOf(entry));
    if (known === undefined || known.outcome !== undefined) return;
    known.outcome = outcome;
    known.settle(outcome);
    this.#length += lengthOf(outcome);
    this.#forget(performance.now(), this.#recordsMax);
  }

  async withdraw(entry: JournalEntry): Promise<void> {
    const name = recordNameOf(entry);
    this.#entries.get(name)?.settle(undefined);
    this.#entries.delete(name);
  }

  /** Without a record it did not run, unless the record may have been forgotten. */
  #vouchesFor({ epoch, ageMs }: { epoch: string; ageMs: number }, nowMs: number): boolean {
    return epoch === this.epoch && ageMs < this.#ttlMs && nowMs - ageMs > this.#forgottenUpToMs;
  }

  /** Drops outcomes that are too old or too many. What runs stays. */
  #forget(nowMs: number, countMax: number): void {
    for (const [name, { startedAtMs, outcome }] of this.#entries) {
      const isOver = this.#entries.size > countMax || this.#length > this.#lengthMax;
      if (!isOver && nowMs - startedAtMs < this.#ttlMs) return;
      if (outcome === undefined) continue;
      this.#entries.delete(name);
      this.#length -= lengthOf(outcome);
      this.#forgottenUpToMs = Math.max(this.#forgottenUpToMs, startedAtMs);
    }
  }
}

/** Two calls with the same name are one. */
export function recordNameOf({ scope, key }: JournalEntry): string {
  return JSON.stringify([scope, key]);
}

function lengthOf({ json }: RecordedOutcome): number {
  return json?.length ?? 0;
}
