import { createServer as createHttpServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createServer } from '@openline/server';
import sirv from 'sirv';
import { bannerOf } from './banner.ts';
import { Board } from './board.ts';
import { askedPort, fail, listen } from './port.ts';
import { appRouter } from './router.ts';

const { SCOREBOARD_FILE: file = pathTo('../.data/games.jsonl') } = process.env;
const { SCOREBOARD_PAGE: page = pathTo('../dist') } = process.env;

const board = openBoard();
const httpServer = createHttpServer(sirv(page, { single: true }));
const server = createServer({
  router: appRouter,
  createContext: ({ connection }) => ({ board, connection }),
});
server.attach(httpServer); // Takes /rpc; everything else is the page.
console.log(bannerOf(await listen(httpServer, askedPort())));

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
