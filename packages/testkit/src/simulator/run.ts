import type { VirtualTime } from '../virtual-time.ts';
import { SimulatedCaller } from './caller.ts';
import type { Finding } from './case.ts';
import { check } from './check.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { keepsSessions } from './promises.ts';
import type { Report } from './report.ts';
import { endWorld, inVirtualTime } from './stage.ts';
import type { CallStep, Story } from './story.ts';
import { workloadOf } from './workload.ts';
import { World } from './world.ts';

/** By then every call of a story has ended, in milliseconds. */
const CALLS_MS = 400_000;
/** A line that has a server answers within this time, in milliseconds. */
const PROBE_MS = 120_000;
/** A procedure that its caller gave up has ended within this time, in milliseconds. */
const CANCEL_MS = 120_000;

/**
 * Lets a story happen, in virtual time, and reads its history. The same story gives the same history.
 *
 * @throws a `TypeError` when another one is running in this process.
 */
export async function runStory(story: Story): Promise<Report> {
  const history = new History();
  const leaks = await inVirtualTime(story.seed, history, (time) => live(story, time, history));
  const findings = [...check(story, history), ...leaks];
  return { story, findings, history: history.lines, faults: history.happened };
}

/** Gives what is held at the end. */
async function live(story: Story, time: VirtualTime, history: History): Promise<Finding[]> {
  const findings: Finding[] = [];
  const world = new World(story, workloadOf(history), history);
  schedule(story, world, new Faults(world, time, history), history);
  const isOver = (): boolean =>
    world.pending === 0 && history.calls.every(({ endings }) => endings.length > 0);
  await time.runUntil(isOver, CALLS_MS);

  history.tell('all is well from here on');
  for (const { line, index } of world.clients) {
    if (line.state.get().status === 'closed') void line.open().catch(() => {});
    const isThere = await time.runUntil(() => line.state.get().status === 'open', PROBE_MS);
    if (!isThere && line.state.get().status !== 'idle') {
      findings.push({ law: 'silent', what: `line ${index} does not open again` });
    }
  }

  if (keepsSessions(story)) await time.runUntil(() => !isRunning(history), CANCEL_MS);
  for (const [n, runs] of history.runs) {
    if (keepsSessions(story) && runs.some((run) => run.isRunning)) {
      findings.push({ law: 'leaked', what: `${n} runs on, though its caller has given it up` });
    }
  }

  history.linesClosed();
  return [...findings, ...(await endWorld(world, time, story.settings.windowMs))];
}

/** Lets each step happen at its time. */
function schedule({ steps }: Story, world: World, faults: Faults, history: History): void {
  const callers = world.clients.map((client) => new SimulatedCaller(client, history));
  let callCount = 0;
  const call = (step: CallStep): void => {
    world.pending++;
    // A machine that sleeps makes no calls.
    world.clients[step.line]?.machine.run(() => {
      world.pending--;
      // Calls with a key in common have their input in common.
      const n = step.key === undefined ? ++callCount : 1_000 * (step.line + 1) + step.key;
      callers[step.line]?.call(n, step);
    });
  };
  for (const step of steps) {
    world.later(step.atMs, () => (step.type === 'call' ? call(step) : faults.befall(step)));
  }
}

function isRunning({ runs }: History): boolean {
  for (const those of runs.values()) if (those.some((run) => run.isRunning)) return true;
  return false;
}
