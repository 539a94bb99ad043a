import { goalsOf, minuteOf, timeOf, type Clock, type Game } from './game.ts';

/** A game in one line: `Spain 1 – 0 England, 23’ (World Cup final, Stadium Australia, Sydney)`. */
export function headlineOf(game: Game, nowMs: number): string {
  return `${resultOf(game)}, ${timeOf(game.clock, nowMs)} (${game.title}, ${game.place})`;
}

/** What there is to say when a game is no longer as it was: nothing, where nothing has changed. */
export function newsOf(before: Game, after: Game): string[] {
  return [...goalNews(before, after), ...clockNews(before, after)];
}

function goalNews(before: Game, after: Game): string[] {
  const known = new Map(before.goals.map((goal) => [goal.id, goal]));
  const news: string[] = [];
  for (const { id, player, side, minute } of after.goals) {
    const old = known.get(id);
    known.delete(id);
    const team = after[side].name;
    if (old === undefined) news.push(`${minute}’  Goal for ${team}! ${player}. ${resultOf(after)}`);
    else if (old.player !== player)
      news.push(`${minute}’  Scored by ${player}, not ${old.player}.`);
  }
  for (const { minute, player } of known.values()) {
    news.push(`${minute}’  The goal of ${player} does not count. ${resultOf(after)}`);
  }
  return news;
}

function clockNews({ clock: before }: Game, game: Game): string[] {
  const { period, runningSince } = game.clock;
  if (period !== before.period) return [`${periodNews(game.clock)} ${resultOf(game)}`];
  if ((runningSince === null) === (before.runningSince === null)) return [];
  if (runningSince !== null)
    return [`${minuteOf(game.clock, runningSince.getTime())}’  Play goes on.`];
  return [`${minuteOf(game.clock, 0)}’  Play is stopped.`];
}

function periodNews({ period }: Clock): string {
  switch (period) {
    case 'before':
      return 'The game starts anew.';
    case 'first-half':
      return 'Kick-off!';
    case 'half-time':
      return 'Half-time.';
    case 'second-half':
      return 'The second half begins.';
    case 'finished':
      return 'Full time.';
  }
}

function resultOf(game: Game): string {
  return `${game.home.name} ${goalsOf(game, 'home')} – ${goalsOf(game, 'away')} ${game.away.name}`;
}
