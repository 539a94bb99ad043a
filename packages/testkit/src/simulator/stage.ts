import { createRandom } from '../random.ts';
import { VirtualTime } from '../virtual-time.ts';
import type { Finding } from './case.ts';
import type { Log } from './log.ts';
import type { World } from './world.ts';

/** Beyond the window, what is left behind is gone within this time, in milliseconds. */
const SETTLE_MS = 120_000;
/** A server that nobody is connected to closes within this time, in milliseconds. */
const CLOSE_MS = 10_000;

/**
 * Lets something happen in virtual time. What is thrown there and caught by nobody is a fault. Gives
 * what `live` finds.
 *
 * @throws a `TypeError` when virtual time runs in this process already.
 */
export async function inVirtualTime(
  seed: number,
  log: Log,
  live: (time: VirtualTime) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const time = VirtualTime.install(createRandom(seed + 2));
  const onFault = (error: unknown): void => {
    log.fault(`nobody caught ${error instanceof Error ? error.message : 'what was thrown'}`);
  };
  process.on('unhandledRejection', onFault);
  process.on('uncaughtException', onFault);
  try {
    return await live(time);
  } catch (error) {
    onFault(error);
    return [];
  } finally {
    time.uninstall();
    process.off('unhandledRejection', onFault);
    process.off('uncaughtException', onFault);
  }
}

/** Closes the lines and, once all is quiet, the servers. Gives what is held by then. */
export async function endWorld(
  world: World,
  time: VirtualTime,
  windowMs: number,
): Promise<readonly Finding[]> {
  const { clients, network, nodes } = world;
  const findings: Finding[] = [];
  let closing = clients.length;
  for (const { line } of clients) void line.close().then(() => closing--);
  const sessions = (): number => world.sessionCount;
  const isQuiet = (): boolean => time.timers === 0 && network.size === 0 && sessions() === 0;
  if (!(await time.runUntil(isQuiet, windowMs + SETTLE_MS))) {
    const held = `${time.timers} timers, ${network.size} connections, ${sessions()} sessions`;
    findings.push({ law: 'leaked', what: `held at the end: ${held}` });
  }
  if (closing > 0) findings.push({ law: 'silent', what: 'a line did not close' });
  let open = nodes.length;
  for (const node of nodes) void node.close().then(() => open--);
  if (!(await time.runUntil(() => open === 0, CLOSE_MS))) {
    findings.push({ law: 'silent', what: 'a server did not close' });
  }
  return findings;
}
