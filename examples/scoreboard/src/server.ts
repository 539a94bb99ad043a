import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createServer } from '@openline/server';
import sirv from 'sirv';
import { Board } from './board.ts';
import { appRouter } from './router.ts';

const { PORT: port = '3000', SCOREBOARD_FILE: file = pathTo('../.data/games.jsonl') } = process.env;
if (!/^\d+$/.test(port) || Number(port) > 65_535) fail(`PORT=${port} is not a port: 0 to 65535.`);

const board = openBoard();
const httpServer = createHttpServer(sirv(pathTo('../dist'), { single: true }));
const server = createServer({ router: appRouter, createContext: () => ({ board }) });
server.attach(httpServer); // Takes /rpc; everything else is the page.

httpServer.on('error', (error: NodeJS.ErrnoException) => {
  const another = `PORT=${Number(port) + 1} npx -y pnpm@12 start`;
  if (error.code === 'EADDRINUSE') fail(`Port ${port} is taken. Choose another one: ${another}`);
  fail(`Cannot listen on port ${port}: ${error.message}`);
});
httpServer.listen(Number(port), () => {
  const { port: taken } = httpServer.address() as AddressInfo;
  const url = `http://localhost:${taken}`;
  const watch = 'npx -y pnpm@12 --filter @openline/example-scoreboard watch';
  const there = taken === 3000 ? '' : ` --url ws://localhost:${taken}/rpc`;
  console.log(`
  The scoreboard is at  ${url}

  1  Open it in two windows, or on your phone: they show the same game.
  2  Be the referee in a third:  ${url}/referee
  3  Follow it in a terminal:    ${watch}${there}
  4  Stop this server (Ctrl-C) and start it again: every window comes back with the score.
`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    httpServer.close();
    void server.close();
  });
}

function openBoard(): Board {
  try {
    return new Board(file);
  } catch (error) {
    return fail((error as Error).message);
  }
}

function pathTo(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
