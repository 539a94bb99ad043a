import { initTRPC, tracked } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { once } from '@openline/server';
import { deferred, Queue } from './client-support.ts';

/** What outlives a server, as a database does: what was published, and what each mutation did. */
export class World {
  readonly #log: string[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #gates = new Map<string, ReturnType<typeof deferred<string>>>();
  /** Inputs of procedures that were started, in order. */
  readonly started = new Queue<string>();
  /** Every one that there ever was. */
  readonly runs: string[] = [];
  /** Inputs of procedures whose signal has aborted. */
  readonly aborted = new Queue<string>();

  publish(...items: string[]): void {
    this.#log.push(...items);
    for (const wake of [...this.#waiting]) wake();
  }

  /** How many read the log. */
  get readers(): number {
    return this.#waiting.size;
  }

  get length(): number {
    return this.#log.length;
  }

  /** What was published from a place on, and what will be, up to the abortion. */
  async *read(from: number, signal: AbortSignal | undefined): AsyncGenerator<[number, string]> {
    let at = from;
    const { promise: isOver, resolve: end } = deferred<undefined>();
    signal?.addEventListener('abort', () => end(undefined));
    for (;;) {
      if (signal?.aborted === true) return;
      const item = this.#log[at];
      if (item !== undefined) yield [++at, item];
      else await this.#next(isOver);
    }
  }

  /** Calls back with what is published from now on. Returns what ends that. */
  listen(listener: (item: string) => void): () => void {
    let at = this.#log.length;
    const wake = (): void => {
      while (at < this.#log.length) listener(this.#log[at++] as string);
    };
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  /** Answers the procedures that were, or will be, called with the input. */
  answer(input: string, result = `${input} done`): void {
    this.#gate(input).resolve(result);
  }

  run(input: string, signal: AbortSignal | undefined): Promise<string> {
    this.runs.push(input);
    this.started.push(input);
    signal?.addEventListener('abort', () => this.aborted.push(input));
    return this.#gate(input).promise;
  }

  #gate(input: string): ReturnType<typeof deferred<string>> {
    let gate = this.#gates.get(input);
    if (gate === undefined) this.#gates.set(input, (gate = deferred<string>()));
    return gate;
  }

  async #next(isOver: Promise<undefined>): Promise<void> {
    const { promise, resolve } = deferred<undefined>();
    const wake = (): void => resolve(undefined);
    this.#waiting.add(wake);
    await Promise.race([promise, isOver]);
    this.#waiting.delete(wake);
  }
}

const t = initTRPC.create({ isDev: false });

/** A router whose procedures work in the world, and are answered when the test says so. */
export function appOf(world: World) {
  const text = t.procedure.input(String);
  const from = t.procedure.input(
    (input) => input as { readonly lastEventId?: string | undefined } | undefined,
  );
  return t.router({
    ask: text.query(({ input, signal }) => world.run(input, signal)),
    act: text.mutation(({ input, signal }) => world.run(input, signal)),
    pay: t.procedure
      .concat(once)
      .input(String)
      .mutation(({ input, signal }) => world.run(input, signal)),
    /** All that was ever published: goes on from where its reader was. */
    tracked: from.subscription(async function* ({ input, signal }) {
      world.started.push(`tracked from ${input?.lastEventId ?? 'the start'}`);
      const read = world.read(Number(input?.lastEventId ?? 0), signal);
      for await (const [at, item] of read) yield tracked(`${at}`, item);
    }),
    /** As `tracked`, with an item without an id behind each one. */
    mixed: from.subscription(async function* ({ input, signal }) {
      world.started.push(`mixed from ${input?.lastEventId ?? 'the start'}`);
      for await (const [at, item] of world.read(Number(input?.lastEventId ?? 0), signal)) {
        yield tracked(`${at}`, item);
        yield `after ${item}`;
      }
    }),
    /** What is published from now on. */
    untracked: t.procedure.subscription(async function* ({ signal }) {
      world.started.push('untracked');
      for await (const [, item] of world.read(world.length, signal)) yield item;
    }),
    observed: t.procedure.subscription(() =>
      observable<string>((observer) => {
        world.started.push('observed');
        return world.listen((item) => observer.next(item));
      }),
    ),
  });
}
export type App = ReturnType<typeof appOf>;
