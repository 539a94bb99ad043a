import type { TRPCClient } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import type { Line, LinkArgs } from '@openline/client';
import { contextOf, type GivenContext } from './serve.ts';
import type { App } from './simulator/app.ts';
import type { Finding } from './simulator/case.ts';
import { Faults } from './simulator/faults.ts';
import { generateWeather } from './simulator/generate.ts';
import { Log } from './simulator/log.ts';
import type { Report } from './simulator/report.ts';
import { shrink } from './simulator/shrink.ts';
import { endWorld, inVirtualTime } from './simulator/stage.ts';
import type { FaultName, Story } from './simulator/story.ts';
import { tell } from './simulator/tell.ts';
import { World } from './simulator/world.ts';
import type { VirtualTime } from './virtual-time.ts';

/** `play` comes to its end within this time of the virtual clock, in milliseconds. */
const PLAY_MS = 600_000;
const WITHIN_MS = 1_000;

/** What a play has to play with: a real client of a real server. */
export interface Stage<R extends AnyTRPCRouter> {
  readonly api: TRPCClient<R>;
  readonly line: Line<R>;
  readonly seed: number;
}

export interface SimulateOptions<R extends AnyTRPCRouter> {
  readonly router: R;
  /** The context of each call, or what makes it of the session. Default: `{}`. */
  readonly context?: GivenContext<R> | undefined;
  /** How many seeds, one after another. At least 1. */
  readonly seeds: number;
  /** The first of them. Default: 1. */
  readonly from?: number | undefined;
  /**
   * What the client does, and what must come of it: it rejects where that did not. Timers, `Date` and
   * `Math.random` are virtual in it, and the same for the same seed.
   */
  readonly play: (stage: Stage<R>) => Promise<void>;
  /** Faults begin within so many milliseconds of the play. Default: 1,000. */
  readonly faultsWithinMs?: number | undefined;
  /**
   * Whether a session may be lost: servers die or drain, windows run out. Then a mutation may end as
   * `unknown`, and the play has to reckon with that. Default: `false`, and every call goes through.
   */
  readonly endsSessions?: boolean | undefined;
}

/** What came of all seeds. */
export interface Simulation {
  readonly seeds: number;
  /** Faults that took effect, and how often. */
  readonly faults: ReadonlyMap<FaultName, number>;
}

/** A seed with which the play did not go well, or something was held at the end. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly seed: number;
  /** What is wrong, which faults there were, made as few as can be, and what happened. */
  readonly story: string;

  constructor(seed: number, story: string, options?: ErrorOptions) {
    super(`with seed ${seed}: ${story}`, options);
    this.seed = seed;
    this.story = story;
  }
}

/**
 * Plays with a router of your own, once for each seed: a real client, a real server, and between them a
 * network with faults drawn from the seed, in virtual time. With each seed `play` has to resolve within
 * ten minutes of that time; then the line is closed, and no timer, connection or session may be left.
 * The same seed plays the same again.
 *
 * @throws a {@link SimulationError} at the first seed of which that is not so: its `cause` is what `play`
 * was rejected with. A `RangeError` for a number out of its range; a `TypeError` when virtual time runs
 * in this process already.
 */
export async function simulate<R extends AnyTRPCRouter>(
  options: SimulateOptions<R>,
): Promise<Simulation> {
  const { seeds, from = 1, faultsWithinMs: withinMs = WITHIN_MS, endsSessions = false } = options;
  for (const number of [seeds, from]) {
    if (!Number.isSafeInteger(number) || number < 1) {
      throw new RangeError('seeds and from are whole numbers of at least 1');
    }
  }
  if (!Number.isSafeInteger(withinMs) || withinMs < 0) {
    throw new RangeError('faultsWithinMs is a whole number of at least 0');
  }
  const faults = new Map<FaultName, number>();
  for (let seed = from; seed < from + seeds; seed++) {
    const report = await runPlay(options, generateWeather(seed, { withinMs, endsSessions }));
    if (report.findings.length > 0) {
      const short = await shrink(report, (story) => runPlay(options, story));
      throw new SimulationError(seed, tell(short), { cause: report.cause });
    }
    for (const [name, times] of report.faults) faults.set(name, (faults.get(name) ?? 0) + times);
  }
  return { seeds, faults };
}

interface PlayReport extends Report {
  /** What the play was rejected with. */
  readonly cause: unknown;
}

async function runPlay<R extends AnyTRPCRouter>(
  { router, context = {}, play }: SimulateOptions<R>,
  story: Story,
): Promise<PlayReport> {
  const log = new Log();
  const app: App = {
    router,
    context: ({ session }) => contextOf(context, session),
    // What the procedures throw is between them and the play.
    isMeant: () => true,
  };
  const { transformer } = router._def._config;
  let end: { readonly error?: unknown } | undefined;
  const live = async (time: VirtualTime): Promise<readonly Finding[]> => {
    const world = new World(story, app, log);
    const faults = new Faults(world, time, log);
    for (const step of story.steps) {
      world.later(step.atMs, () => {
        if (step.type !== 'call') faults.befall(step);
      });
    }
    const [client] = world.clients;
    client?.machine.run(() => {
      const line = client.line as unknown as Line<R>;
      const api = line.client<R>(...([{ transformer }] as unknown as LinkArgs<R>));
      const played = (async () => play({ api, line, seed: story.seed }))();
      played.then(
        () => (end = {}),
        (error: unknown) => (end = { error }),
      );
    });
    await time.runUntil(() => end !== undefined && world.pending === 0, PLAY_MS);
    log.tell('the line is closed');
    return endWorld(world, time, story.settings.windowMs);
  };
  const held = await inVirtualTime(story.seed, log, live);
  const faults = log.faults.map((what): Finding => ({ law: 'fault', what }));
  const findings = [...findingsOf(end), ...faults, ...held];
  const { lines: history, happened } = log;
  return { story, findings, history, faults: happened, sights: new Map(), cause: end?.error };
}

function findingsOf(end: { readonly error?: unknown } | undefined): readonly Finding[] {
  if (end === undefined) return [{ law: 'silent', what: 'the play did not come to its end' }];
  if (!Object.hasOwn(end, 'error')) return [];
  const { error } = end;
  const what = error instanceof Error ? error.message : String(error);
  return [{ law: 'fault', what: `the play was rejected: ${what}` }];
}
