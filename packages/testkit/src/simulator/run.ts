import type { VirtualTime } from '../virtual-time.ts';
import { SimulatedCaller } from './caller.ts';
import type { Finding } from './case.ts';
import { check } from './check.ts';
import { Faults } from './faults.ts';
import { History } from './history.ts';
import { keepsSessions } from './promises.ts';
import type { Report } from './report.ts';
import { endWorld, inVirtualTime } from './stage.ts';
import { sightsOf } from './sights.ts';
import type { CallStep, Story } from './story.ts';
import { workloadOf } from './workload.ts';
import { World } from './world.ts';

/** By then every call of a story has ended, in milliseconds. */
const CALLS_MS = 400_000;
/** A line that has a server answers within this time, in milliseconds. */
const PROBE_MS = 120_000;
/** A procedure or a stream that was given up has ended within this time, in milliseconds. */
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
  const { lines, happened: faults } = history;
  return { story, findings, history: lines, faults, sights: sightsOf(history) };
}

/** Gives what is held at the end. */
async function live(story: Story, time: VirtualTime, history: History): Promise<Finding[]> {
  const findings: Finding[] = [];
  const world = new World(story, workloadOf(history), history);
  const callers = schedule(story, world, new Faults(world, time, history), history);
  await time.runUntil(() => world.pending === 0 && history.isOver, CALLS_MS);

  history.tell('all is well from here on');
  callers.forEach((caller, line) => world.clients[line]?.machine.run(() => caller.leave()));
  for (const { line, index } of world.clients) {
    if (line.state.get().status === 'closed') void line.open().catch(() => {});
    const isThere = await time.runUntil(() => line.state.get().status === 'open', PROBE_MS);
    if (!isThere && line.state.get().status !== 'idle') {
      findings.push({ law: 'silent', what: `line ${index} does not open again` });
    }
  }

  await time.runUntil(() => history.isOver, CANCEL_MS);
  if (keepsSessions(story)) await time.runUntil(() => history.running().length === 0, CANCEL_MS);
  for (const what of keepsSessions(story) ? history.running() : []) {
    findings.push({ law: 'leaked', what: `${what} goes on, though its caller has given it up` });
  }

  history.linesClosed();
  return [...findings, ...(await endWorld(world, time, story.settings.windowMs))];
}

/** Lets each step happen at its time. */
function schedule(
  { steps }: Story,
  world: World,
  faults: Faults,
  history: History,
): SimulatedCaller[] {
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
  return callers;
}
