import type { RecordedOutcome } from './journal.ts';

/**
 * Calls that wait for a run of another one. Who has nobody to tell any more is let go of at once:
 * a run may take for ever.
 */
export class OnceWaits<Call> {
  /** `undefined`: nobody will know. */
  readonly #give: (call: Call, outcome: RecordedOutcome | undefined) => void;
  /** By the name of the record; each with one hold on the journal's promise. */
  readonly #groups = new Map<string, Set<Call>>();
  readonly #names = new Map<Call, string>();

  constructor(give: (call: Call, outcome: RecordedOutcome | undefined) => void) {
    this.#give = give;
  }

  wait(name: string, call: Call, outcome: Promise<RecordedOutcome | undefined>): void {
    this.#names.set(call, name);
    const group = this.#groups.get(name);
    if (group !== undefined) return void group.add(call);
    this.#groups.set(name, new Set([call]));
    void outcome.catch(() => undefined).then((known) => this.#settle(name, known));
  }

  leave(call: Call): void {
    const name = this.#names.get(call);
    if (name === undefined) return;
    this.#names.delete(call);
    this.#groups.get(name)?.delete(call);
  }

  #settle(name: string, outcome: RecordedOutcome | undefined): void {
    const group = this.#groups.get(name) ?? [];
    this.#groups.delete(name);
    for (const call of group) {
      this.#names.delete(call);
      this.#give(call, outcome);
    }
  }
}
