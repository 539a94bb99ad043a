import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { router } from '../router.ts';
import { openlineDialect } from './openline-dialect.ts';
import type { System } from './system.ts';

function createBenchServer() {
  return createServer({ router });
}
type BenchServer = ReturnType<typeof createBenchServer>;

/** Openline: its server as `createServer` makes it, and `line.client()` as its own client. */
export const system: System = {
  serve: () => createBenchServer().listen(),
  lean: openlineDialect,
  async connect(url) {
    const line = openLine<BenchServer>({ url });
    await line.open();
    const api = line.client();
    return {
      call: (input) => api.send.mutate(input),
      close: () => line.close(),
    };
  },
};
