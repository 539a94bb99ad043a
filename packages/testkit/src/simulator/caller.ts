import type { TRPCClient } from '@trpc/client';
import { callOptions, lineError } from '@openline/client';
import type { SimulatedClient } from './client.ts';
import { endingOf } from './ending-of.ts';
import type { CallRecord, Ending, History } from './history.ts';
import type { CallStep } from './story.ts';
import { StreamCaller } from './stream-caller.ts';
import { padOf, type WorkInput, type WorkOutput } from './work.ts';
import type { Workload } from './workload.ts';

/** Makes the calls of one line, and writes down what becomes of them. */
export class SimulatedCaller {
  readonly #api: TRPCClient<Workload>;
  readonly #history: History;
  readonly #streams: StreamCaller;
  /** Ends the streams that run on. */
  readonly #leave = new Set<() => void>();

  constructor({ line }: SimulatedClient, history: History) {
    this.#history = history;
    this.#api = line.client<Workload>();
    this.#streams = new StreamCaller(this.#api, history);
  }

  call(n: number, step: CallStep): void {
    const record = this.#history.made(n, step);
    const input: WorkInput = {
      n,
      takesMs: step.takesMs,
      items: step.items,
      fails: step.fails,
      outLength: step.outLength,
      pad: padOf(n, step.inLength).slice(0, step.inLength),
      reading: step.reading,
    };
    const { procedure } = step;
    switch (procedure) {
      case 'ask':
      case 'set':
      case 'setOnce':
        return this.#ask(record, procedure, input);
      case 'tracked':
      case 'mixed':
      case 'counted':
      case 'observed':
        return this.#subscribe(record, procedure, input);
      default:
        return this.#streams.call(record, procedure, input);
    }
  }

  /** Who reads nothing until it is sent away goes. */
  leave(): void {
    this.#streams.leave();
  }

  #ask(record: CallRecord, procedure: 'ask' | 'set' | 'setOnce', input: WorkInput): void {
    const { timeoutMs, abortAfterMs, key } = record.step;
    const controller = new AbortController();
    const options = {
      signal: controller.signal,
      ...callOptions({ timeoutMs, idempotencyKey: key === undefined ? undefined : `key ${key}` }),
    };
    const api = this.#api;
    const call =
      procedure === 'ask' ? api.ask.query(input, options) : api[procedure].mutate(input, options);
    call.then(
      (data) => this.#ended(record, { kind: 'result', data }),
      (error: unknown) => this.#ended(record, endingOf(error)),
    );
    if (abortAfterMs !== undefined) setTimeout(() => controller.abort(), abortAfterMs);
  }

  #subscribe(
    record: CallRecord,
    procedure: 'tracked' | 'mixed' | 'counted' | 'observed',
    input: WorkInput,
  ): void {
    const history = this.#history;
    const leave = (): void => {
      if (!this.#leave.delete(leave)) return;
      subscription.unsubscribe();
      this.#ended(record, { kind: 'left' });
    };
    const over = (ending: Ending): void => {
      this.#leave.delete(leave);
      this.#ended(record, ending);
    };
    this.#leave.add(leave);
    const subscription = this.#api[procedure].subscribe(input, {
      onData(item: WorkOutput | { readonly id: string; readonly data: WorkOutput }) {
        if ('id' in item) history.item(record, item.id, item.data);
        else history.item(record, undefined, item);
      },
      onConnectionStateChange({ error }) {
        if (error !== null && lineError(error)?.outcome === 'unknown') history.restarted(record);
      },
      onComplete: () => over({ kind: 'complete' }),
      onError: (error) => over(endingOf(error)),
    });
    const { abortAfterMs } = record.step;
    if (abortAfterMs !== undefined) setTimeout(leave, abortAfterMs);
  }

  #ended(record: CallRecord, ending: Ending): void {
    this.#history.ended(record, ending);
  }
}
