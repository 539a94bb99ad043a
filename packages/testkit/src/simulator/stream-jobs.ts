import { streams, type StandardSchemaV1 } from '@openline/server';
import type { Streamed } from './flows.ts';
import type { History, Run } from './history.ts';
import type { Jobs, WorkContext } from './jobs.ts';
import { readAll, readOf, sourceOf, watchIn } from './streaming.ts';
import { failureOf, outputOf, sleep, type WorkInput, type WorkOutput } from './work.ts';

const ITEM: StandardSchemaV1<Streamed> = {
  '~standard': {
    version: 1,
    vendor: 'openline-testkit',
    validate: (value) => ({ value: value as Streamed }),
  },
};
export const LINES = streams({ lines: ITEM });

interface TakingInput extends WorkInput {
  readonly lines: AsyncIterable<Streamed>;
}

/** What an upload gives: how many items its procedure has read. */
export interface Taken extends WorkOutput {
  readonly count: number;
}

/** What a pair of streams comes in. */
export interface Pair extends WorkOutput {
  readonly left: AsyncIterable<Streamed>;
  readonly right: AsyncIterable<Streamed>;
}

/** Who runs on a server that is dead. */
const NOBODY = -2;

/** What the procedures do that take or return streams. */
export class StreamJobs {
  readonly #jobs: Jobs;
  readonly #history: History;

  constructor(jobs: Jobs, history: History) {
    this.#jobs = jobs;
    this.#history = history;
  }

  async take(ctx: WorkContext, input: TakingInput, signal?: AbortSignal): Promise<Taken> {
    this.#jobs.admit(ctx, input);
    const run = this.#jobs.begin(ctx, input);
    const { n, lines, reading } = input;
    let count: number;
    let isLeft: boolean;
    try {
      const items = readOf(this.#history, n, 'lines', orderOf(run), lines);
      ({ count, isLeft } = await readAll(items, reading, (ms) => sleep(ms, signal)));
    } catch (error) {
      this.#jobs.settle(run, ctx, 'aborted');
      throw error;
    }
    const fails = isLeft && reading?.next === 'throws';
    this.#jobs.settle(run, ctx, fails ? 'error' : 'result');
    if (fails) throw failureOf(input);
    return { ...outputOf(input, 0), count };
  }

  list(ctx: WorkContext, input: WorkInput): AsyncIterable<Streamed> {
    return sourceOf(this.#history, { ...input, of: 'list', by: this.#run(ctx, input) });
  }

  pair(ctx: WorkContext, input: WorkInput): Pair {
    const by = this.#run(ctx, input);
    return {
      ...outputOf(input, 0),
      left: sourceOf(this.#history, { ...input, of: 'left', by }),
      right: sourceOf(this.#history, { ...input, of: 'right', by, fails: false }),
    };
  }

  echo(ctx: WorkContext, input: TakingInput): AsyncIterable<Streamed> {
    const by = this.#run(ctx, input);
    const lines = readOf(this.#history, input.n, 'lines', by, input.lines);
    return watchIn(this.#history, input.n, 'echo', by, echoOf(lines, by));
  }

  /** A run that has settled when its streams begin. */
  #run(ctx: WorkContext, input: WorkInput): number {
    this.#jobs.admit(ctx, input);
    const run = this.#jobs.begin(ctx, input);
    this.#jobs.settle(run, ctx, 'result');
    return orderOf(run);
  }
}

async function* echoOf(lines: AsyncIterable<Streamed>, by: number): AsyncGenerator<Streamed, void> {
  for await (const item of lines) yield { ...item, of: 'echo', by };
}

function orderOf(run: Run | undefined): number {
  return run?.order ?? NOBODY;
}
