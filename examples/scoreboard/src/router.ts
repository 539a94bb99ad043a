import { setInterval } from 'node:timers/promises';
import type { ConnectionInfo } from '@openline/server';
import { initTRPC } from '@trpc/server';
import superjson from 'superjson';
import * as z from 'zod';
import type { Board } from './board.ts';
import { summaryOf } from './game.ts';
import { restarted, withClock, withGoal, withoutLastGoal, withScorer } from './rules.ts';

interface Context {
  readonly board: Board;
  readonly connection: ConnectionInfo;
}

const t = initTRPC.context<Context>().create({ transformer: superjson });

/** How often the pulse beats, in milliseconds. */
const BEAT_MS = 500;

/** A procedure about one game, which must be there. */
const ofGame = t.procedure.input(z.object({ game: z.string() })).use(({ ctx, input, next }) => {
  ctx.board.game(input.game);
  return next();
});

export const appRouter = t.router({
  /** All games in short: as they are now, then again after each change. */
  games: t.procedure.subscription(async function* ({ ctx: { board }, signal }) {
    const changes = board.changes(signal);
    yield board.games().map(summaryOf);
    for await (const _ of changes) yield board.games().map(summaryOf);
  }),

  /**
   * One game: as it is now, then as it is after each change. It listens before it looks, so that
   * no goal falls between the two.
   */
  follow: ofGame.subscription(async function* ({ ctx: { board }, input, signal }) {
    const changes = board.changes(signal);
    yield board.game(input.game);
    for await (const [game] of changes) if (game.id === input.game) yield game;
  }),

  score: ofGame
    .input(z.object({ side: z.enum(['home', 'away']), player: z.string() }))
    .mutation(({ ctx: { board }, input: { game, side, player } }) => {
      board.change(game, (before) => withGoal(before, side, player, Date.now()));
    }),

  /** Takes the last goal back. */
  undo: ofGame.mutation(({ ctx: { board }, input: { game } }) => {
    board.change(game, withoutLastGoal);
  }),

  /** It was somebody else who scored. */
  correct: ofGame
    .input(z.object({ goal: z.string(), player: z.string() }))
    .mutation(({ ctx: { board }, input: { game, goal, player } }) => {
      board.change(game, (before) => withScorer(before, goal, player));
    }),

  clock: ofGame
    .input(z.object({ action: z.enum(['start', 'pause', 'half-time', 'final-whistle']) }))
    .mutation(({ ctx: { board }, input: { game, action } }) => {
      board.change(game, (before) => withClock(before, action, Date.now()));
    }),

  /** Back to before the kick-off. */
  reset: ofGame.mutation(({ ctx: { board }, input: { game } }) => {
    board.change(game, restarted);
  }),

  /** For those who want to see the line work: beats twice a second, whether or not they arrive. */
  pulse: t.procedure.subscription(async function* ({ signal }) {
    let beat = 0;
    for await (const _ of setInterval(BEAT_MS, undefined, { signal })) yield ++beat;
  }),

  ping: t.procedure.query(() => 'pong'),

  /** Cuts the connection that it came on. Its own answer has to take the next one. */
  cut: t.procedure.mutation(({ ctx: { connection } }) => {
    connection.request?.socket.destroy();
  }),
});

export type AppRouter = typeof appRouter;
