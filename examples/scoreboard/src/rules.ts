import { randomUUID } from 'node:crypto';
import { TRPCError } from '@trpc/server';
import { isHalf, minuteOf, playedMsOf, type Clock, type Game, type Side } from './game.ts';

export type ClockAction = 'start' | 'pause' | 'half-time' | 'final-whistle';

export function withGoal(game: Game, side: Side, player: string, nowMs: number): Game {
  if (!isHalf(game.clock.period)) throw refused('Goals count only while a half is played.');
  checkPlayer(game, side, player);
  const goal = { id: randomUUID(), side, player, minute: minuteOf(game.clock, nowMs) };
  return { ...game, goals: [...game.goals, goal] };
}

export function withoutLastGoal(game: Game): Game {
  if (game.clock.period === 'finished') throw refused('The game is over: its result stands.');
  if (game.goals.length === 0) throw refused('There is no goal to take back.');
  return { ...game, goals: game.goals.slice(0, -1) };
}

export function withScorer(game: Game, goalId: string, player: string): Game {
  const wrong = game.goals.find((goal) => goal.id === goalId);
  if (wrong === undefined) throw refused('This goal was taken back.');
  checkPlayer(game, wrong.side, player);
  return {
    ...game,
    goals: game.goals.map((goal) => (goal === wrong ? { ...goal, player } : goal)),
  };
}

export function withClock(game: Game, action: ClockAction, nowMs: number): Game {
  return { ...game, clock: nextClock(game.clock, action, nowMs) };
}

/** Back to before the kick-off. */
export function restarted(game: Game): Game {
  return { ...game, clock: { period: 'before', playedMs: 0, runningSince: null }, goals: [] };
}

function nextClock(clock: Clock, action: ClockAction, nowMs: number): Clock {
  const { period, runningSince } = clock;
  const runs = { playedMs: 0, runningSince: new Date(nowMs) };
  const stands = { playedMs: 0, runningSince: null };
  switch (action) {
    case 'start':
      if (period === 'before') return { period: 'first-half', ...runs };
      if (period === 'half-time') return { period: 'second-half', ...runs };
      if (period === 'finished') throw refused('The game is over.');
      if (runningSince !== null) throw refused('The clock runs already.');
      return { ...clock, runningSince: new Date(nowMs) };
    case 'pause':
      if (runningSince === null) throw refused('The clock stands already.');
      return { period, playedMs: playedMsOf(clock, nowMs), runningSince: null };
    case 'half-time':
      if (period !== 'first-half') throw refused('Half-time comes after the first half.');
      return { period: 'half-time', ...stands };
    case 'final-whistle':
      if (period !== 'second-half') throw refused('The final whistle ends the second half.');
      return { period: 'finished', ...stands };
  }
}

function checkPlayer(game: Game, side: Side, player: string): void {
  if (game[side].players.includes(player)) return;
  throw new TRPCError({ code: 'BAD_REQUEST', message: 'This player is not in the team.' });
}

function refused(message: string): TRPCError {
  return new TRPCError({ code: 'PRECONDITION_FAILED', message });
}
