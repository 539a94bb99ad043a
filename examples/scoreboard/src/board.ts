import { EventEmitter, on } from 'node:events';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { TRPCError } from '@trpc/server';
import { parse, stringify } from 'superjson';
import * as z from 'zod';
import { FIXTURES } from './fixtures.ts';
import { PERIODS, type Game } from './game.ts';

/** What is kept of a game: the rest is in the fixtures. */
const Progress = z.object({
  id: z.string(),
  clock: z.object({
    period: z.enum(PERIODS),
    playedMs: z.number().nonnegative(),
    runningSince: z.date().nullable(),
  }),
  goals: z.array(
    z.object({
      id: z.string(),
      side: z.enum(['home', 'away']),
      player: z.string(),
      minute: z.string(),
    }),
  ),
});

/** All games: in memory, and in a file, so that a server that dies loses no goal. */
export class Board {
  readonly #file: string;
  readonly #games = new Map(FIXTURES.map((game) => [game.id, game]));
  readonly #emitter = new EventEmitter<{ change: [Game] }>();

  /** @throws an error that names the file, when it is there and does not hold games. */
  constructor(file: string) {
    this.#file = file;
    this.#emitter.setMaxListeners(0); // One for each spectator.
    for (const progress of readProgress(file)) {
      const game = this.#games.get(progress.id);
      if (game !== undefined) this.#games.set(game.id, { ...game, ...progress });
    }
  }

  games(): readonly Game[] {
    return [...this.#games.values()];
  }

  /** @throws NOT_FOUND */
  game(id: string): Game {
    const game = this.#games.get(id);
    if (game === undefined) throw new TRPCError({ code: 'NOT_FOUND', message: 'No such game.' });
    return game;
  }

  /** Every changed game from the moment of the call on, until `signal` aborts. */
  changes(signal: AbortSignal | undefined): AsyncIterable<[Game]> {
    return on(this.#emitter, 'change', { signal }) as AsyncIterable<[Game]>;
  }

  /** Writes the changed game to the file, and only then tells everybody. */
  change(id: string, edit: (game: Game) => Game): void {
    const game = edit(this.game(id));
    const games = this.games().map((other) => (other.id === id ? game : other));
    writeProgress(this.#file, games);
    this.#games.set(id, game);
    this.#emitter.emit('change', game);
  }
}

function readProgress(file: string): z.output<typeof Progress>[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => Progress.parse(parse(line)));
  } catch (cause) {
    throw new Error(`${file} does not hold games: move it away, or name another one.`, { cause });
  }
}

/**
 * Writes a new file beside the old one and puts it in its place, so that there is always a whole
 * one. Synchronous on purpose: two changes cannot overtake each other.
 */
function writeProgress(file: string, games: readonly Game[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const lines = games.map(({ id, clock, goals }) => stringify({ id, clock, goals }));
  writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { flush: true });
  renameSync(`${file}.new`, file);
}
