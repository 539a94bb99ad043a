import type { Admission } from './app.ts';
import type { History, Run } from './history.ts';
import { failureOf, outputOf, padOf, sleep, type WorkInput, type WorkOutput } from './work.ts';

/** Who calls, and the server that the procedure runs in. */
export type WorkContext = Admission;

/** What has expired is known to have at the server's next sweep, twice a second, in milliseconds. */
const EXPIRED_MS = 1_000;
/** What the procedures do. */
export class Jobs {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  /** A call begins. What it gives may be asked for later, when there is room for it. */
  admit({ node, expiresAtMs }: WorkContext, { n }: WorkInput): void {
    const overdueMs = node.isAlive ? node.credentials.overdueMs(expiresAtMs) : 0;
    if (overdueMs > EXPIRED_MS) {
      this.#history.fault(`${n} is begun for one whose credentials are over since ${overdueMs} ms`);
    }
  }

  begin({ node }: WorkContext, { n, pad, lastEventId }: WorkInput): Run | undefined {
    if (!node.isAlive) return undefined;
    if (!padOf(n, pad.length).startsWith(pad))
      this.#history.fault(`the input of ${n} is not what was sent`);
    return this.#history.started(n, node.name, lastEventId);
  }

  settle(run: Run | undefined, { node }: WorkContext, how: Run['ended']): void {
    if (run === undefined) return;
    run.isRunning = false;
    if (node.isAlive) run.ended = how;
  }

  async work(ctx: WorkContext, input: WorkInput, signal?: AbortSignal): Promise<WorkOutput> {
    this.admit(ctx, input);
    const run = this.begin(ctx, input);
    try {
      if (input.takesMs > 0) await sleep(input.takesMs, signal);
    } catch (error) {
      this.settle(run, ctx, 'aborted');
      throw error;
    }
    this.settle(run, ctx, input.fails ? 'error' : 'result');
    if (input.fails) throw failureOf(input);
    return outputOf(input, 0);
  }

  /** `first`: the place of the first item. */
  async *items(
    ctx: WorkContext,
    input: WorkInput,
    first: number,
    signal?: AbortSignal,
  ): AsyncGenerator<WorkOutput, void> {
    const run = this.begin(ctx, input);
    let how: Run['ended'] = 'aborted';
    try {
      for (let i = first; i <= input.items; i++) {
        if (input.takesMs > 0) await sleep(input.takesMs, signal);
        yield outputOf(input, i);
      }
      how = input.fails ? 'error' : 'result';
      if (input.fails) throw failureOf(input);
    } finally {
      this.settle(run, ctx, how);
    }
  }
}
