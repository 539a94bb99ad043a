import { answerAs } from '../../processes/answer.ts';
import { collectGarbage } from '../../processes/garbage.ts';
import { tap } from '../router.ts';
import { loadStreamSystem } from '../systems/index.ts';
import type { StreamServerRole } from './roles.ts';

answerAs<StreamServerRole>({
  async serve(system) {
    const { url } = await (await loadStreamSystem(system)).serve();
    return { url };
  },
  cpu() {
    const { user, system } = process.cpuUsage();
    return { totalMicros: user + system };
  },
  resetTap: (growthBytesMax) => tap.reset(growthBytesMax),
  tap: () => ({ taken: tap.taken, isShut: tap.isShut }),
  memory() {
    collectGarbage();
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heapBytes: heapUsed + external, rssBytes: rss };
  },
});
