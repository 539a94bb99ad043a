import type { LineErrorCode, Outcome } from '@openline/client';
import { CALLER, Written, type Streamed, type StreamName } from './flows.ts';
import { Log } from './log.ts';
import type { CallStep, FaultName } from './story.ts';

/** How a call ended for its caller. */
export type Ending =
  | { readonly kind: 'result'; readonly data: unknown }
  | {
      readonly kind: 'error';
      readonly outcome: Outcome;
      /** `undefined` where the procedure answered with the error. */
      readonly code: LineErrorCode | undefined;
      readonly message: string;
    }
  /** Of a stream: it came to its end. */
  | { readonly kind: 'complete' }
  /** The caller gave the stream up. */
  | { readonly kind: 'left' };

/** One run of a procedure. */
export interface Run {
  readonly node: string;
  readonly atMs: number;
  /** Its place among all runs of the story: of two in the same millisecond too it tells the first. */
  readonly order: number;
  /** Where a stream went on. */
  readonly lastEventId: string | undefined;
  /** What it gave, while its server lived. */
  ended: 'result' | 'error' | 'aborted' | undefined;
  /** It was begun and has not settled. */
  isRunning: boolean;
}

/** An item as its caller got it. */
export interface SeenItem {
  readonly id: string | undefined;
  readonly data: unknown;
  readonly atMs: number;
}

/** What a caller was told between two restarts of a stream. */
export interface Segment {
  readonly items: SeenItem[];
}

/** A stream, as its reader saw it. */
export interface Read {
  readonly name: StreamName;
  /** The run that reads it, by its order; {@link CALLER} where the caller does. */
  readonly by: number;
  readonly items: SeenItem[];
  ending: Ending | undefined;
  /** It reads nothing until it is sent away. */
  isPausedForEver: boolean;
  wasPausedForEver: boolean;
}

/** One call, as its caller saw it. */
export interface CallRecord {
  /** Names it and, in its input, its runs. Calls with the same key are one. */
  readonly n: number;
  readonly step: CallStep;
  readonly madeAtMs: number;
  readonly endings: { readonly ending: Ending; readonly atMs: number }[];
  readonly segments: Segment[];
  /** Items that came behind the end. */
  late: number;
  /** Its streams: those that it takes and those that it returned, of each run. */
  readonly written: Written[];
  readonly read: Read[];
}

/** All that was seen in a run of a story, on both sides. */
export class History extends Log {
  readonly calls: CallRecord[] = [];
  readonly runs = new Map<number, Run[]>();
  /** Faults that took effect while a stream was under way. */
  readonly faultsInStreams = new Map<FaultName, number>();
  readonly #callsByName = new Map<number, CallRecord>();
  /** Lines of which a session ended, while they were open, when their credentials had expired. */
  readonly expiredLines = new Set<number>();
  /** When the machine of a line slept. */
  readonly sleepOf = new Map<number, { readonly fromMs: number; readonly untilMs: number }[]>();
  #runCount = 0;
  #areLinesClosed = false;

  override expired(client: number): void {
    super.expired(client);
    // A line that was closed while it was away leaves a session to which nobody gives params.
    if (!this.#areLinesClosed) this.expiredLines.add(client);
  }

  linesClosed(): void {
    this.#areLinesClosed = true;
    this.tell('the lines are closed');
  }

  override sleeps(client: number, untilMs: number): void {
    const sleep = { fromMs: performance.now(), untilMs };
    const those = this.sleepOf.get(client);
    if (those === undefined) this.sleepOf.set(client, [sleep]);
    else those.push(sleep);
  }

  made(n: number, step: CallStep): CallRecord {
    const madeAtMs = performance.now();
    const seen = { endings: [], segments: [{ items: [] }], late: 0, written: [], read: [] };
    const record: CallRecord = { n, step, madeAtMs, ...seen };
    this.calls.push(record);
    this.#callsByName.set(n, record);
    this.tell(`line ${step.line} calls ${step.procedure}(${n})`);
    return record;
  }

  started(n: number, node: string, lastEventId?: string): Run {
    const atMs = performance.now();
    const order = this.#runCount++;
    const run: Run = { node, atMs, order, lastEventId, ended: undefined, isRunning: true };
    const runs = this.runs.get(n);
    if (runs === undefined) this.runs.set(n, [run]);
    else runs.push(run);
    this.tell(`${node} runs ${n}${lastEventId === undefined ? '' : ` after ${lastEventId}`}`);
    return run;
  }

  ended(record: CallRecord, ending: Ending): void {
    record.endings.push({ ending, atMs: performance.now() });
    this.tell(`${record.n} ended: ${describe(ending)}`);
  }

  item(record: CallRecord, id: string | undefined, data: unknown): void {
    if (record.endings.length > 0) record.late++;
    record.segments.at(-1)?.items.push({ id, data, atMs: performance.now() });
    this.tell(`${record.n} got ${id ?? String((data as { i?: unknown }).i)}`);
  }

  /** A stream of a call is there to be written. */
  writes(n: number, name: StreamName, by: number): Written {
    const written = new Written(name, by);
    this.#callsByName.get(n)?.written.push(written);
    return written;
  }

  /** Somebody begins to read a stream of a call. */
  reads(n: number, name: StreamName, by: number): Read {
    const state = { ending: undefined, isPausedForEver: false, wasPausedForEver: false };
    const read: Read = { name, by, items: [], ...state };
    this.#callsByName.get(n)?.read.push(read);
    return read;
  }

  streamed(n: number, read: Read, data: Streamed): void {
    read.items.push({ id: undefined, data, atMs: performance.now() });
    const isIts = ({ name, by }: Written): boolean => name === data.of && by === data.by;
    const written = this.#callsByName.get(n)?.written.find(isIts);
    if (written !== undefined) written.readCount++;
    this.tell(`${n} got ${data.i} of ${read.name}`);
  }

  streamEnded(n: number, read: Read, ending: Ending): void {
    read.ending = ending;
    this.tell(`${n} has read ${read.name}: ${describe(ending)}`);
  }

  override befell(name: FaultName, what: string): void {
    super.befell(name, what);
    if (this.calls.every((record) => !isFlowing(record))) return;
    this.faultsInStreams.set(name, (this.faultsInStreams.get(name) ?? 0) + 1);
  }

  /** Nobody waits for the input of the call any more. */
  isAnswered(n: number): boolean {
    const record = this.#callsByName.get(n);
    return record !== undefined && record.step.procedure !== 'echo' && record.endings.length > 0;
  }

  /** Every call has ended, and what its caller still reads is paused for ever. */
  get isOver(): boolean {
    const isRead = ({ by, ending, isPausedForEver }: Read): boolean =>
      by !== CALLER || ending !== undefined || isPausedForEver;
    return this.calls.every(({ endings, read }) => endings.length > 0 && read.every(isRead));
  }

  /** Procedures that have not settled, and calls with a stream that has not come to its end. */
  running(): readonly string[] {
    const runs = [...this.runs].filter(([, those]) => those.some((run) => run.isRunning));
    const calls = this.calls.filter(isFlowing);
    return [...runs.map(([n]) => `a run of ${n}`), ...calls.map(({ n }) => `a stream of ${n}`)];
  }

  restarted(record: CallRecord): void {
    record.segments.push({ items: [] });
    this.tell(`${record.n} was told of a restart`);
  }
}

function isFlowing({ written, read }: CallRecord): boolean {
  return (
    written.some(({ state }) => state === 'open') || read.some(({ ending }) => ending === undefined)
  );
}

export function describe(ending: Ending): string {
  if (ending.kind !== 'error') return ending.kind;
  return `${ending.outcome} ${ending.code ?? 'by its procedure'} (${ending.message})`;
}
