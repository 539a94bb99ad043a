import {
  memoryJournal,
  type Begun,
  type Journal,
  type JournalEntry,
  type RecordedOutcome,
} from '@openline/server';
import type { Machine } from '../machine.ts';
import { later } from '../network/later.ts';

/** Records of several nodes, in a place that outlives them. What a dead node had begun is unknown. */
export class SharedJournal {
  readonly #records: Journal = memoryJournal();
  /** Calls that nodes had begun when they died. */
  readonly #orphans = new Set<string>();

  get epoch(): string {
    return this.#records.epoch;
  }

  /** The access of a node on that machine, and what tells that the node has died. */
  open(machine: Machine): { readonly journal: Journal; readonly died: () => void } {
    const running = new Set<string>();
    let isDead = false;
    let die!: (outcome: undefined) => void;
    const death = new Promise<undefined>((resolve) => (die = resolve));
    const records = this.#records;
    const orphans = this.#orphans;
    const waiters = this.#waiters;
    const journal: Journal = {
      get epoch() {
        return records.epoch;
      },
      async begin(entry): Promise<Begun> {
        if (isDead) throw new Error('the node is dead');
        const name = nameOf(entry);
        if (orphans.has(name)) return { state: 'unknown' };
        const begun = await records.begin(entry);
        if (begun.state === 'new') {
          running.add(name);
          waiters.set(name, death);
        }
        if (begun.state !== 'running') return begun;
        const outcome = Promise.race([begun.outcome, waiters.get(name)]);
        return { state: 'running', outcome: heardOn(machine, outcome) };
      },
      async finish(entry, outcome: RecordedOutcome) {
        if (isDead) return undefined; // Nobody hears what the dead say.
        running.delete(nameOf(entry));
        return records.finish(entry, outcome);
      },
      async withdraw(entry) {
        if (isDead) return undefined;
        running.delete(nameOf(entry));
        return records.withdraw(entry);
      },
    };
    return {
      journal,
      died() {
        isDead = true;
        for (const name of running) orphans.add(name);
        die(undefined);
      },
    };
  }

  /** By call: resolves when the node that runs it dies. */
  readonly #waiters = new Map<string, Promise<undefined>>();
}

/** What another node has brought about is heard of in a turn of one's own. */
async function heardOn<T>(machine: Machine, promise: Promise<T>): Promise<T> {
  const value = await promise;
  await new Promise<void>((resolve) => void later(0, () => machine.run(resolve)));
  return value;
}

function nameOf({ scope, path, key }: JournalEntry): string {
  return JSON.stringify([scope, path, key]);
}
