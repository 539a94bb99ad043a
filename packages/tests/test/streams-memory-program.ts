// A server whose subscriptions give as fast as they are let: `node streams-memory-program.ts kind`.
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { initTRPC } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { createServer } from '@openline/server';
import { WebSocketServer } from 'ws';

export type Kind = 'openline' | 'stock';
/** What the program tells whoever started it, each time that it is asked. */
export interface Measure {
  readonly port: number;
  /** Items that all subscriptions together have given. */
  readonly produced: number;
  readonly rssBytes: number;
}

/** The length of an item, and how many a subscription gives at most: stock tRPC gives them all. */
const ITEM_LENGTH = 1_000;
const ITEMS = 5_000;
/** Of Openline: what it keeps for each client that does not read. */
const BACKLOG_BYTES = 262_144;

let produced = 0;
const t = initTRPC.create();
const router = t.router({
  flood: t.procedure.subscription(async function* () {
    for (let n = 0; n < ITEMS; n++) {
      produced++;
      yield `${n}`.padEnd(ITEM_LENGTH, 'a');
      if (n % 50 === 0) await turn();
    }
  }),
});

const httpServer = createHttpServer();
if (process.argv[2] === 'stock') {
  applyWSSHandler({ wss: new WebSocketServer({ server: httpServer }), router });
} else {
  createServer({ router, limits: { backlogBytesMax: BACKLOG_BYTES } }).attach(httpServer);
}
httpServer.listen(0, '127.0.0.1', measure);
process.on('message', measure);
// Nobody is left to serve when the test's own process dies.
process.once('disconnect', () => process.exit());

function measure(): void {
  globalThis.gc?.();
  const { port } = httpServer.address() as AddressInfo;
  const told: Measure = { port, produced, rssBytes: process.memoryUsage.rss() };
  process.send?.(told);
}
