import { initTRPC, tracked, TRPCError } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { once } from '@openline/server';
import type { Admission, App } from './app.ts';
import type { History, Run } from './history.ts';

/** What every procedure of the workload takes. */
export interface WorkInput {
  /** Names the call. */
  readonly n: number;
  readonly takesMs: number;
  readonly items: number;
  readonly fails: boolean;
  readonly outLength: number;
  readonly pad: string;
  readonly lastEventId?: string | undefined;
}

/** What every procedure gives: for a stream, in each item. */
export interface WorkOutput {
  readonly n: number;
  /** Of an item: its place, from 1; else 0. */
  readonly i: number;
  readonly pad: string;
}

/** Who calls, and the server that the procedure runs in. */
type WorkContext = Admission;

/** What has expired is known to have at the server's next sweep, twice a second, in milliseconds. */
const EXPIRED_MS = 1_000;
const CODE = 'CONFLICT';
const ABORTED = 'the signal has aborted';

/** Text that tells of which call it is. Some of it takes more bytes than characters. */
export function padOf(n: number, length: number): string {
  if (length === 0) return '';
  return `${n}:é🙂`.repeat(Math.ceil(length / 5));
}

/** The servers of a story, whose procedures write down what they do. */
export function workloadOf(history: History): App {
  return { router: createWorkload(history), context: (admission) => admission, isMeant };
}

/** Whether an error is one of those that the workload means to happen. */
function isMeant(error: TRPCError): boolean {
  return error.code === CODE || error.message === ABORTED;
}

/** What the procedures do. */
class Jobs {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  #begin({ node, expiresAtMs }: WorkContext, { n, pad, lastEventId }: WorkInput): Run | undefined {
    if (!node.isAlive) return undefined;
    if (!padOf(n, pad.length).startsWith(pad))
      this.#history.fault(`the input of ${n} is not what was sent`);
    const overdueMs = node.credentials.overdueMs(expiresAtMs);
    if (overdueMs > EXPIRED_MS) {
      this.#history.fault(`${n} is begun for one whose credentials are over since ${overdueMs} ms`);
    }
    return this.#history.started(n, node.name, lastEventId);
  }

  #settle(run: Run | undefined, { node }: WorkContext, how: Run['ended']): void {
    if (run === undefined) return;
    run.isRunning = false;
    if (node.isAlive) run.ended = how;
  }

  async work(ctx: WorkContext, input: WorkInput, signal?: AbortSignal): Promise<WorkOutput> {
    const run = this.#begin(ctx, input);
    try {
      if (input.takesMs > 0) await sleep(input.takesMs, signal);
    } catch (error) {
      this.#settle(run, ctx, 'aborted');
      throw error;
    }
    this.#settle(run, ctx, input.fails ? 'error' : 'result');
    if (input.fails) throw new TRPCError({ code: CODE, message: `${input.n} fails` });
    return outputOf(input, 0);
  }

  /** `first`: the place of the first item. */
  async *items(
    ctx: WorkContext,
    input: WorkInput,
    first: number,
    signal?: AbortSignal,
  ): AsyncGenerator<WorkOutput, void> {
    const run = this.#begin(ctx, input);
    let how: Run['ended'] = 'aborted';
    try {
      for (let i = first; i <= input.items; i++) {
        if (input.takesMs > 0) await sleep(input.takesMs, signal);
        yield outputOf(input, i);
      }
      how = input.fails ? 'error' : 'result';
      if (input.fails) throw new TRPCError({ code: CODE, message: `${input.n} fails` });
    } finally {
      this.#settle(run, ctx, how);
    }
  }
}

/** The procedures that the simulator calls: each writes down when it runs and what became of it. */
function createWorkload(history: History) {
  const t = initTRPC.context<WorkContext>().create();
  const procedure = t.procedure.input((value: unknown) => value as WorkInput);

  const jobs = new Jobs(history);

  return t.router({
    ask: procedure.query(({ ctx, input, signal }) => jobs.work(ctx, input, signal)),
    set: procedure.mutation(({ ctx, input, signal }) => jobs.work(ctx, input, signal)),
    setOnce: procedure
      .concat(once)
      .mutation(({ ctx, input, signal }) => jobs.work(ctx, input, signal)),
    tracked: procedure.subscription(async function* ({ ctx, input, signal }) {
      const first = Number(input.lastEventId ?? 0) + 1;
      for await (const item of jobs.items(ctx, input, first, signal))
        yield tracked(`${item.i}`, item);
    }),
    /** Each third item is tracked. */
    mixed: procedure.subscription(async function* ({ ctx, input, signal }) {
      const first = Number(input.lastEventId ?? 0) + 1;
      for await (const item of jobs.items(ctx, input, first, signal)) {
        yield item.i % 3 === 0 ? tracked(`${item.i}`, item) : item;
      }
    }),
    counted: procedure.subscription(async function* ({ ctx, input, signal }) {
      yield* jobs.items(ctx, input, 1, signal);
    }),
    // eslint-disable-next-line typescript/no-deprecated -- Observables are served until tRPC 12.
    observed: procedure.subscription(({ ctx, input }) =>
      observable<WorkOutput>((observer) => {
        const controller = new AbortController();
        const pump = async (): Promise<void> => {
          for await (const item of jobs.items(ctx, input, 1, controller.signal))
            observer.next(item);
          observer.complete();
        };
        pump().catch((error: unknown) => observer.error(error));
        return () => controller.abort();
      }),
    ),
  });
}

export type Workload = ReturnType<typeof createWorkload>;

function outputOf({ n, outLength }: WorkInput, i: number): WorkOutput {
  return { n, i, pad: padOf(n, outLength) };
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new TRPCError({ code: 'CLIENT_CLOSED_REQUEST', message: ABORTED }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
