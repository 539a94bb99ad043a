import type { TRPCClient } from '@trpc/client';
import { callOptions } from '@openline/client';
import { endingOf } from './ending-of.ts';
import { CALLER, type Streamed, type StreamName } from './flows.ts';
import type { CallRecord, History } from './history.ts';
import { FOREVER_MS, type Reading, type StreamProcedureName } from './story.ts';
import { readAll, readOf, sourceOf } from './streaming.ts';
import { sleep, type WorkInput } from './work.ts';
import type { Workload } from './workload.ts';

type Options = ReturnType<typeof callOptions> & { readonly signal: AbortSignal };

/** Makes the calls of one line that take or return streams, and reads what they return. */
export class StreamCaller {
  readonly #api: TRPCClient<Workload>;
  readonly #history: History;
  /** Sends those away that read nothing more by themselves. */
  readonly #paused = new Set<() => void>();

  constructor(api: TRPCClient<Workload>, history: History) {
    this.#api = api;
    this.#history = history;
  }

  call(record: CallRecord, procedure: StreamProcedureName, input: WorkInput): void {
    const { timeoutMs, abortAfterMs } = record.step;
    const controller = new AbortController();
    const options = { signal: controller.signal, ...callOptions({ timeoutMs }) };
    if (abortAfterMs !== undefined) setTimeout(() => controller.abort(), abortAfterMs);
    const history = this.#history;
    this.#call(record, procedure, input, options).catch((error: unknown) =>
      history.ended(record, endingOf(error)),
    );
  }

  leave(): void {
    for (const leave of this.#paused) leave();
    this.#paused.clear();
  }

  async #call(
    record: CallRecord,
    procedure: StreamProcedureName,
    input: WorkInput,
    options: Options,
  ): Promise<void> {
    const { reading } = record.step;
    switch (procedure) {
      case 'upload':
        return this.#ended(record, await this.#api.upload.mutate(this.#taking(input), options));
      case 'survey':
        return this.#ended(record, await this.#api.survey.query(this.#taking(input), options));
      case 'listed': {
        const list = await this.#api.listed.query(input, options);
        this.#ended(record, undefined);
        return this.#read(record, 'list', list, reading);
      }
      case 'pair': {
        const { left, right, ...data } = await this.#api.pair.mutate(input, options);
        this.#ended(record, data);
        this.#read(record, 'left', left, reading);
        return this.#read(record, 'right', right, undefined);
      }
      case 'echo': {
        const echo = await this.#api.echo.mutate(this.#taking(input), options);
        this.#ended(record, undefined);
        return this.#read(record, 'echo', echo, reading);
      }
    }
  }

  #taking(input: WorkInput): WorkInput & { readonly lines: AsyncIterable<Streamed> } {
    return { ...input, lines: sourceOf(this.#history, { ...input, of: 'lines' }) };
  }

  #ended(record: CallRecord, data: unknown): void {
    this.#history.ended(record, { kind: 'result', data });
  }

  #read(
    record: CallRecord,
    of: StreamName,
    stream: AsyncIterable<Streamed>,
    reading: Reading | undefined,
  ): void {
    const items = readOf(this.#history, record.n, of, CALLER, stream);
    const pause = (ms: number): Promise<void> =>
      ms < FOREVER_MS ? sleep(ms) : this.#pauseForEver(record, of);
    // How it ended is in the history.
    readAll(items, reading, pause).catch(() => {});
  }

  #pauseForEver({ read }: CallRecord, of: StreamName): Promise<void> {
    const paused = read.find(({ name, by }) => name === of && by === CALLER);
    if (paused !== undefined) paused.isPausedForEver = paused.wasPausedForEver = true;
    return new Promise((resolve) => {
      this.#paused.add(() => {
        if (paused !== undefined) paused.isPausedForEver = false;
        resolve();
      });
    });
  }
}
