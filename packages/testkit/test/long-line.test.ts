import { initTRPC } from '@trpc/server';
import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, describe, expect, it } from 'vitest';
import { Machine } from '../src/machine.ts';
import { MemoryNetwork } from '../src/network/network.ts';
import { createRandom } from '../src/random.ts';
import { VirtualTime } from '../src/virtual-time.ts';

const LATENCY_MS = 50;
const SECONDS = 20;

let time: VirtualTime | undefined;

afterEach(() => {
  time?.uninstall();
  time = undefined;
});

/** How many items a line brings of one stream. */
async function itemsOver(itemLength: number, bytesPerMs: number): Promise<number> {
  const random = createRandom(1);
  time = VirtualTime.install(random);
  const t = initTRPC.create();
  const item = 'a'.repeat(itemLength);
  const router = t.router({
    flood: t.procedure.subscription(async function* () {
      for (;;) yield item;
    }),
  });
  const server = createServer({ router });
  const machine = new Machine();
  const acceptor = { accept: server.accept.bind(server), isListening: true, machine };
  const pace = { latencyMs: LATENCY_MS, jitterMs: 0, bytesPerMs };
  const network = new MemoryNetwork({ ...pace, route: () => acceptor }, random);
  const WebSocket = network.webSocketClass(0, new Machine());
  const line = openLine<typeof router>({ url: 'ws://test/rpc', WebSocket });
  let count = 0;
  const subscription = line.client().flood.subscribe(undefined, { onData: () => count++ });
  await time.advance(SECONDS * 1_000);
  subscription.unsubscribe();
  const given = count;
  let isClosed = false;
  void line.close().then(() => (isClosed = true));
  await time.runUntil(() => isClosed, 10_000);
  return given;
}

describe('a stream over a line of 100 ms', () => {
  it.each([
    { itemLength: 10_000, bytesPerMs: 1_000 },
    { itemLength: 1_000, bytesPerMs: 1_000 },
    { itemLength: 1_000, bytesPerMs: 5_000 },
    { itemLength: 100, bytesPerMs: 1_000 },
  ])(
    'of $itemLength bytes an item brings four fifths of what the line carries, $bytesPerMs bytes/ms',
    async ({ itemLength, bytesPerMs }) => {
      const frameLength = `[35,1,0,"${'a'.repeat(itemLength)}"],`.length;
      const carried = (SECONDS * 1_000 * bytesPerMs) / frameLength;
      const items = await itemsOver(itemLength, bytesPerMs);
      expect(items / carried).toBeGreaterThan(0.8);
      expect(items).toBeLessThanOrEqual(carried);
    },
  );
});
