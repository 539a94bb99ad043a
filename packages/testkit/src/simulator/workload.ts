import { initTRPC, tracked } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { once } from '@openline/server';
import type { App } from './app.ts';
import type { History } from './history.ts';
import { Jobs, type WorkContext } from './jobs.ts';
import { LINES, StreamJobs } from './stream-jobs.ts';
import { isMeant, type WorkInput, type WorkOutput } from './work.ts';

/** The servers of a story, whose procedures write down what they do. */
export function workloadOf(history: History): App {
  return { router: createWorkload(history), context: (admission) => admission, isMeant };
}

/** The procedures that the simulator calls: each writes down when it runs and what became of it. */
function createWorkload(history: History) {
  const t = initTRPC.context<WorkContext>().create();
  const procedure = t.procedure.input((value: unknown) => value as WorkInput);

  const taking = t.procedure
    .input((value: unknown) => value as Pick<WorkInput, keyof WorkInput>)
    .input(LINES);
  const jobs = new Jobs(history);
  const streamJobs = new StreamJobs(jobs, history);

  return t.router({
    ask: procedure.query(({ ctx, input, signal }) => jobs.work(ctx, input, signal)),
    set: procedure.mutation(({ ctx, input, signal }) => jobs.work(ctx, input, signal)),
    setOnce: procedure
      .concat(once)
      .mutation(({ ctx, input, signal }) => jobs.work(ctx, input, signal)),
    tracked: procedure.subscription(({ ctx, input, signal }) => {
      jobs.admit(ctx, input);
      return eachTracked(jobs.items(ctx, input, firstOf(input), signal));
    }),
    mixed: procedure.subscription(({ ctx, input, signal }) => {
      jobs.admit(ctx, input);
      return thirdsTracked(jobs.items(ctx, input, firstOf(input), signal));
    }),
    counted: procedure.subscription(({ ctx, input, signal }) => {
      jobs.admit(ctx, input);
      return all(jobs.items(ctx, input, 1, signal));
    }),
    upload: taking.mutation(({ ctx, input, signal }) => streamJobs.take(ctx, input, signal)),
    survey: taking.query(({ ctx, input, signal }) => streamJobs.take(ctx, input, signal)),
    listed: procedure.query(({ ctx, input }) => streamJobs.list(ctx, input)),
    pair: procedure.mutation(({ ctx, input }) => streamJobs.pair(ctx, input)),
    echo: taking.mutation(({ ctx, input }) => streamJobs.echo(ctx, input)),
    // eslint-disable-next-line typescript/no-deprecated -- Observables are served until tRPC 12.
    observed: procedure.subscription(({ ctx, input }) => {
      jobs.admit(ctx, input);
      return observable<WorkOutput>((observer) => {
        const controller = new AbortController();
        const pump = async (): Promise<void> => {
          for await (const item of jobs.items(ctx, input, 1, controller.signal))
            observer.next(item);
          observer.complete();
        };
        pump().catch((error: unknown) => observer.error(error));
        return () => controller.abort();
      });
    }),
  });
}

export type Workload = ReturnType<typeof createWorkload>;

function firstOf({ lastEventId }: WorkInput): number {
  return Number(lastEventId ?? 0) + 1;
}

async function* eachTracked(items: AsyncIterable<WorkOutput>) {
  for await (const item of items) yield tracked(`${item.i}`, item);
}

async function* thirdsTracked(items: AsyncIterable<WorkOutput>) {
  for await (const item of items) yield item.i % 3 === 0 ? tracked(`${item.i}`, item) : item;
}

async function* all(items: AsyncIterable<WorkOutput>) {
  yield* items;
}
