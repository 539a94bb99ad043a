import { parseArgs } from 'node:util';
import { openLine } from '@openline/client';
import superjson from 'superjson';
import type { Game } from './game.ts';
import { headlineOf, newsOf } from './news.ts';
import type { AppRouter } from './router.ts';

const HELP = `Follows a game in the terminal, until Ctrl-C.

  watch [game] [--url ws://localhost:3000/rpc]

Without the name of a game it lists them and follows the first.`;

const { url, name } = readArguments();
const line = openLine<AppRouter>({ url });
const api = line.client({ transformer: superjson });

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void line.close());

let isAway = false;
line.state.subscribe(({ status }) => {
  if (status === 'waiting' && !isAway) console.log(`(No server at ${url}; waiting for it.)`);
  if (status === 'open' && isAway) console.log('(The server is there again.)');
  if (status === 'waiting' || status === 'open') isAway = status === 'waiting';
});

try {
  await follow(name ?? (await firstOfAll()));
} catch (error) {
  fail((error as Error).message);
}
await line.close();

/** Closing the line ends the subscription, and so the loop. */
async function follow(id: string): Promise<void> {
  let shown: Game | undefined;
  for await (const game of api.follow.subscribe({ game: id })) {
    const news = shown === undefined ? [headlineOf(game, Date.now())] : newsOf(shown, game);
    for (const text of news) console.log(text);
    shown = game;
  }
}

async function firstOfAll(): Promise<string> {
  for await (const games of api.games.subscribe()) {
    console.log(`Games: ${games.map((game) => game.id).join(', ')}\n`);
    if (games[0] !== undefined) return games[0].id;
  }
  return process.exit(); // Interrupted before there was a server.
}

function readArguments(): { readonly url: string; readonly name: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        url: { type: 'string', default: 'ws://localhost:3000/rpc' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      console.log(HELP);
      process.exit();
    }
    return { url: values.url, name: positionals[0] };
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${HELP}`);
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
