// One node of a service, run as a process of its own: `node real-node-program.ts name port`.
import { createServer as createHttpServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { initTRPC, tracked } from '@trpc/server';
import { createServer } from '@openline/server';
import * as z from 'zod';

/** What a node tells the process that started it. */
export type Report =
  | { readonly kind: 'listening' }
  | { readonly kind: 'ran'; readonly id: string }
  | { readonly kind: 'connections'; readonly count: number };
/** What it tells a node: to answer what it holds back, or to drain and end. */
export type Order = 'answer' | 'leave';

/** What a call takes, in milliseconds: some are under way whenever something happens. */
const CALL_MS = 25;

const [name = '', port] = process.argv.slice(2);
const t = initTRPC.create();
const Id = z.object({ id: z.string() });
const Feed = z.object({
  startMs: z.number(),
  everyMs: z.number(),
  lastEventId: z.string().optional(),
});

let answer = (): void => {};
const answering = new Promise<void>((resolve) => (answer = resolve));

const router = t.router({
  ask: t.procedure.input(Id).query(({ input }) => run(input.id, delay(CALL_MS))),
  tell: t.procedure.input(Id).mutation(({ input }) => run(input.id, delay(CALL_MS))),
  /** These two are held back until the test has them answered. */
  askHeld: t.procedure.input(Id).query(({ input }) => run(input.id, answering)),
  tellHeld: t.procedure.input(Id).mutation(({ input }) => run(input.id, answering)),
  /** What is published everywhere at the same instants: item `n` at `startMs + n * everyMs`. */
  feed: t.procedure.input(Feed).subscription(async function* ({ input, signal }) {
    const { startMs, everyMs, lastEventId = '0' } = input;
    for (let n = Number(lastEventId) + 1; ; n++) {
      const untilMs = startMs + n * everyMs - Date.now();
      if (untilMs > 0) await delay(untilMs, undefined, { signal });
      yield tracked(`${n}`, n);
    }
  }),
});
export type NodeRouter = typeof router;

const server = createServer({ router, keepAliveMs: 500 });
let isLeaving = false;
const httpServer = createHttpServer((_request, response) => {
  response.writeHead(isLeaving ? 503 : 200).end();
});
server.attach(httpServer);
let connections = 0;
httpServer.on('connection', (socket) => {
  report({ kind: 'connections', count: ++connections });
  socket.once('close', () => report({ kind: 'connections', count: --connections }));
});
httpServer.listen(Number(port), '127.0.0.1', () => report({ kind: 'listening' }));

process.on('message', (order: Order) => {
  if (order === 'answer') answer();
  else void leave();
});
// Nobody is left to serve when the test's own process dies.
process.once('disconnect', () => {
  if (!isLeaving) process.exit(1);
});

async function run(
  id: string,
  done: Promise<void>,
): Promise<{ readonly id: string; readonly node: string }> {
  report({ kind: 'ran', id });
  await done;
  return { id, node: name };
}

async function leave(): Promise<void> {
  isLeaving = true;
  await server.drain({ timeoutMs: 10_000, spreadMs: 300 });
  httpServer.close();
  httpServer.closeAllConnections();
  process.disconnect();
}

function report(what: Report): void {
  // A socket may close behind the goodbye.
  if (process.connected) process.send?.(what);
}
