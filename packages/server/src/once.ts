import { initTRPC } from '@trpc/server';
import type { TRPCProcedureBuilder, TRPCUnsetMarker } from '@trpc/server';
import type { IncomingCall } from '@openline/protocol';
import { digestOf } from './digest.ts';
import { recordNameOf, type Journal, type JournalEntry, type RecordedOutcome } from './journal.ts';
import { LeftRuns, type LeftRunsLimits } from './left-runs.ts';
import { OnceWaits } from './once-waits.ts';
import { requestHashOf } from './request-hash.ts';

/** What Openline reads of a procedure's meta. */
export interface OpenlineMeta {
  /** See {@link once}. */
  readonly once?: boolean | undefined;
}

/**
 * Marks a mutation whose outcome is recorded: `t.procedure.concat(once).mutation(…)`. A call that was
 * cut off from its answer then ends with what its one run gave, or as `unknown` where the record is
 * lost; it is never run again. Calls with the same `idempotencyKey` and of the same client are one; with
 * another path or input such a call is refused with `KEY_REUSED`. It needs no declaration of meta; who
 * has declared theirs may write `.meta({ once: true })`.
 */
export const once: TRPCProcedureBuilder<
  object,
  object,
  object,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  TRPCUnsetMarker,
  false,
  undefined
> = initTRPC.meta<OpenlineMeta>().create().procedure.meta({ once: true }) as never;

/** How long to wait before a record that could not be written is tried again, in milliseconds. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;

/** Whose calls are recorded: how a run is started, and what may end it instead. */
export interface RecordedCall {
  /** When the caller's time is over, on the monotonic clock. */
  readonly deadlineMs: number;
  /** Runs the procedure; what becomes of it is recorded before it is answered. */
  startRecorded(record: (outcome: RecordedOutcome) => Promise<void>): void;
  /** Answers with what an earlier run gave. */
  giveRecorded(outcome: RecordedOutcome): void;
  /** Ends it without a run. */
  refuse(code: 'BUSY' | 'SESSION_LOST' | 'KEY_REUSED' | 'CANCELLED'): void;
  /** Nobody waits for it any more, and it has not been started. */
  readonly isCancelled: boolean;
  /** Its session is over: there is nobody to be told. */
  readonly isLeft: boolean;
  /** Ends its procedure: its time is over. */
  abort(code: 'ABORTED'): void;
}

/** Whose call it is. */
interface Caller {
  readonly secretHash: string;
  readonly identity: string | undefined;
}

/** A run, up to when its outcome is recorded. */
interface Run {
  readonly identity: string | undefined;
  /** The session of its call is over. */
  isLeft: boolean;
}

/** Runs calls of procedures that are marked `once`, as the journal says. */
export class OnceRuns {
  readonly #journal: Journal;
  /** Runs outlive their sessions, but not their deadlines. */
  readonly #running = new Map<RecordedCall, Run>();
  readonly #left: LeftRuns;
  readonly #waits = new OnceWaits<RecordedCall>((call, outcome) => {
    if (outcome === undefined) call.refuse('SESSION_LOST');
    else call.giveRecorded(outcome);
  });

  constructor(journal: Journal, limits: LeftRunsLimits) {
    this.#journal = journal;
    this.#left = new LeftRuns(limits);
  }

  get epoch(): string {
    return this.#journal.epoch;
  }

  /** Runs that have not been recorded. */
  get size(): number {
    return this.#running.size;
  }

  async start(call: RecordedCall, caller: Caller, incoming: IncomingCall<unknown>): Promise<void> {
    const entry = entryOf(caller, incoming);
    const begun = await this.#journal.begin(entry).catch(() => ({ state: 'full' }) as const);
    switch (begun.state) {
      case 'new':
        if (call.isCancelled) return this.#withdraw(call, entry, 'CANCELLED');
        if (this.#left.isFull(caller.identity)) return this.#withdraw(call, entry, 'BUSY');
        return this.#run(call, entry, caller.identity);
      case 'finished':
        return call.giveRecorded(begun.outcome);
      case 'running':
        if (call.isLeft) return;
        return this.#waits.wait(recordNameOf(entry), call, begun.outcome);
      case 'unknown':
        return call.refuse('SESSION_LOST');
      case 'reused':
        return call.refuse('KEY_REUSED');
      case 'full':
        return call.refuse('BUSY');
    }
  }

  /** The session of the call is over. A run goes on, and counts from here on. */
  leave(call: RecordedCall): void {
    const run = this.#running.get(call);
    if (run === undefined) return this.#waits.leave(call);
    run.isLeft = true;
    this.#left.add(run.identity);
  }

  /** Aborts runs whose caller's time is over. */
  sweep(nowMs: number): void {
    for (const call of this.#running.keys()) if (call.deadlineMs <= nowMs) call.abort('ABORTED');
  }

  async #withdraw(
    call: RecordedCall,
    entry: JournalEntry,
    code: 'CANCELLED' | 'BUSY',
  ): Promise<void> {
    await this.#journal.withdraw(entry).catch(() => {});
    call.refuse(code);
  }

  #run(call: RecordedCall, entry: JournalEntry, identity: string | undefined): void {
    const run: Run = { identity, isLeft: false };
    this.#running.set(call, run);
    call.startRecorded(async (outcome) => {
      await this.#record(entry, outcome);
      this.#running.delete(call);
      if (run.isLeft) this.#left.remove(identity);
    });
  }

  /** Tries for as long as it takes. */
  async #record(entry: JournalEntry, outcome: RecordedOutcome): Promise<void> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      try {
        return await this.#journal.finish(entry, outcome);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
      }
    }
  }
}

/**
 * The sessions of who is not identified share nothing. Their records are under the session's secret,
 * which another client cannot name; its id it may have seen.
 */
function entryOf({ secretHash, identity }: Caller, incoming: IncomingCall<unknown>): JournalEntry {
  const { path, input, options } = incoming;
  const { key, again } = options;
  const first = again === undefined ? secretHash : digestOf(again.secret);
  return {
    scope: identity === undefined ? `session:${first}` : `identity:${identity}`,
    path,
    key: key === undefined ? `call:${first}.${again?.id ?? incoming.id}` : `key:${key}`,
    requestHash: requestHashOf(path, input),
    again: again && { epoch: again.journal, ageMs: again.ageMs },
  };
}
