import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { CALL, GRANT, RawClient, SUBSCRIPTION } from './server-raw.ts';
import { eventually } from './server-support.ts';
import type { Kind, Measure } from './streams-memory-program.ts';
import { upTo } from './streams-support.ts';

const CLIENTS = 200;
/** Fewer, since nothing bounds what they cost; what they do is told, and not tested. */
const STOCK_CLIENTS = 10;
const MIB = 1_048_576;
/** As the program has them. */
const ITEM_LENGTH = 1_000;
const BACKLOG_BYTES = 262_144;
/**
 * For each client a backlog of 256 KiB, what the socket holds besides (128 KiB of unsent messages and
 * one more of 64 KiB), and as much again for all that Node makes of it.
 */
const GROWTH_MIB_MAX = 2 * CLIENTS * (0.25 + 0.125 + 0.0625);

class Program {
  readonly #child: ChildProcess;

  constructor(kind: Kind) {
    this.#child = fork(join(import.meta.dirname, 'streams-memory-program.ts'), [kind], {
      cwd: import.meta.dirname,
      execArgv: ['--conditions=@openline/source', '--import=tsx', '--expose-gc'],
    });
    onTestFinished(async () => {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    });
  }

  /** What it says as it begins to listen, and then each time that it is asked. */
  async says(): Promise<Measure> {
    const [measure] = (await once(this.#child, 'message')) as [Measure];
    return measure;
  }

  measure(): Promise<Measure> {
    const said = this.says();
    this.#child.send('measure');
    return said;
  }

  /** Waits until its subscriptions give nothing more. */
  async settled(): Promise<Measure> {
    let last = await this.measure();
    let stable = 0;
    await eventually(async () => {
      const now = await this.measure();
      stable = now.produced === last.produced ? stable + 1 : 0;
      last = now;
      expect(stable).toBeGreaterThan(20);
    });
    return last;
  }
}

/** Subscribes, and then reads nothing at all. */
async function subscribeTo(kind: Kind, port: number): Promise<WebSocket> {
  if (kind === 'stock') {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}`);
    onTestFinished(() => webSocket.terminate());
    await once(webSocket, 'open');
    webSocket.pause();
    webSocket.send(JSON.stringify({ id: 1, method: 'subscription', params: { path: 'flood' } }));
    return webSocket;
  }
  const client = await RawClient.welcomed(`ws://127.0.0.1:${port}/rpc`);
  client.webSocket.pause();
  client.say([CALL, 1, SUBSCRIPTION, 'flood', 0]);
  // It says that it takes anything: its credit is none of what holds the generator back.
  client.say([GRANT, 1, 0, Number.MAX_SAFE_INTEGER]);
  return client.webSocket;
}

/** How much the memory of a server grows by clients that do not read, and what it gave them. */
async function growthOf(kind: Kind, clients: number) {
  const program = new Program(kind);
  const before = await program.says();
  await Promise.all(upTo(clients).map(() => subscribeTo(kind, before.port)));
  await eventually(async () => {
    expect((await program.measure()).produced).toBeGreaterThan(100 * clients);
  });
  const { produced, rssBytes } = await program.settled();
  return { items: produced / clients, mib: (rssBytes - before.rssBytes) / MIB };
}

it('200 clients that subscribe, grant and do not read cost a server a fixed amount', async ({
  annotate,
}) => {
  const { items, mib } = await growthOf('openline', CLIENTS);
  expect(mib).toBeLessThan(GROWTH_MIB_MAX);
  expect(items).toBeLessThanOrEqual(BACKLOG_BYTES / ITEM_LENGTH + 1);
  const stock = await growthOf('stock', STOCK_CLIENTS);
  await annotate(
    `Each client costs Openline ${(mib / CLIENTS).toFixed(1)} MiB and ${items} items, and stock ` +
      `tRPC ${(stock.mib / STOCK_CLIENTS).toFixed(1)} MiB and all ${stock.items}.`,
  );
}, 120_000);
