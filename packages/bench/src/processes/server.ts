import { setTimeout } from 'node:timers/promises';
import { loadSystem } from '../systems/index.ts';
import { answerAs } from './answer.ts';
import { collectGarbage } from './garbage.ts';
import type { ServerRole } from './roles.ts';

/** Connections that the load has just closed are let go here a little later. */
const SETTLE_MS = 200;

answerAs<ServerRole>({
  async serve(system) {
    const { url } = await (await loadSystem(system)).serve();
    return { url };
  },
  cpu() {
    const { user, system } = process.cpuUsage();
    return { totalMicros: user + system };
  },
  async memory() {
    await setTimeout(SETTLE_MS);
    collectGarbage();
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heapBytes: heapUsed + external, rssBytes: rss };
  },
});
