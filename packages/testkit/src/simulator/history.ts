import type { LineErrorCode, Outcome } from '@openline/client';
import { Log } from './log.ts';
import type { CallStep } from './story.ts';

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
}

/** All that was seen in a run of a story, on both sides. */
export class History extends Log {
  readonly calls: CallRecord[] = [];
  readonly runs = new Map<number, Run[]>();
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
    const record = { n, step, madeAtMs, endings: [], segments: [{ items: [] }], late: 0 };
    this.calls.push(record);
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

  restarted(record: CallRecord): void {
    record.segments.push({ items: [] });
    this.tell(`${record.n} was told of a restart`);
  }
}

export function describe(ending: Ending): string {
  if (ending.kind !== 'error') return ending.kind;
  return `${ending.outcome} ${ending.code ?? 'by its procedure'} (${ending.message})`;
}
