// What a game is, for the server, the pages and the terminal alike.

export type Side = 'home' | 'away';

export const PERIODS = ['before', 'first-half', 'half-time', 'second-half', 'finished'] as const;
export type Period = (typeof PERIODS)[number];

export interface Clock {
  readonly period: Period;
  /** Time played in this period before the clock was last started. */
  readonly playedMs: number;
  /** When the clock was last started; `null` while it stands. */
  readonly runningSince: Date | null;
}

export interface Goal {
  readonly id: string;
  readonly side: Side;
  readonly player: string;
  /** As it is announced: `7`, or `45+2`. */
  readonly minute: string;
}

export interface Team {
  readonly name: string;
  readonly code: string;
  readonly colors: readonly [string, string];
  readonly players: readonly string[];
}

export interface Game {
  readonly id: string;
  readonly title: string;
  readonly place: string;
  readonly kickOff: Date;
  readonly home: Team;
  readonly away: Team;
  readonly clock: Clock;
  readonly goals: readonly Goal[];
}

export type Summary = ReturnType<typeof summaryOf>;

/** A minute of a game takes two seconds, so that a game takes three minutes. */
const MINUTE_MS = 2_000;
const HALF_MINUTES = 45;

export function goalsOf(game: Game, side: Side): number {
  return game.goals.filter((goal) => goal.side === side).length;
}

export function isHalf(period: Period): boolean {
  return period === 'first-half' || period === 'second-half';
}

export function playedMsOf({ playedMs, runningSince }: Clock, nowMs: number): number {
  // The clocks of two machines differ a little: time never runs backwards here.
  return playedMs + (runningSince === null ? 0 : Math.max(0, nowMs - runningSince.getTime()));
}

/** The minute that is being played, as it is announced: `1` at once, `45+1` in added time. */
export function minuteOf(clock: Clock, nowMs: number): string {
  const minute = Math.floor(playedMsOf(clock, nowMs) / MINUTE_MS) + 1;
  const before = clock.period === 'second-half' ? HALF_MINUTES : 0;
  if (minute <= HALF_MINUTES) return String(before + minute);
  return `${before + HALF_MINUTES}+${minute - HALF_MINUTES}`;
}

/** The clock in words: `63’`, `Half-time`. */
export function timeOf(clock: Clock, nowMs: number): string {
  switch (clock.period) {
    case 'before':
      return 'Not started';
    case 'half-time':
      return 'Half-time';
    case 'finished':
      return 'Full time';
    case 'first-half':
    case 'second-half':
      return `${minuteOf(clock, nowMs)}’`;
  }
}

/** What a list of games shows of each. */
export function summaryOf(game: Game) {
  const { id, title, kickOff, home, away, clock } = game;
  return {
    id,
    title,
    kickOff,
    clock,
    home: { name: home.name, code: home.code, colors: home.colors, goals: goalsOf(game, 'home') },
    away: { name: away.name, code: away.code, colors: away.colors, goals: goalsOf(game, 'away') },
  };
}
