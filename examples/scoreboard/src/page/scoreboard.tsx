import { useEffect, useRef, useState, type CSSProperties } from 'react';
import { goalsOf, type Game, type Goal, type Side } from '../game.ts';
import { Crest } from './crest.tsx';
import { GameClock } from './game-clock.tsx';

const CHEER_MS = 4_000;

/** The score, large. */
export function Scoreboard({ game }: { readonly game: Game }) {
  const goal = useNewGoal(game);
  const colors = { '--home': game.home.colors[0], '--away': game.away.colors[0] } as CSSProperties;
  const score = `${goalsOf(game, 'home')} : ${goalsOf(game, 'away')}`;
  return (
    <section className="board" style={colors} aria-label="Score" data-cheering={goal?.side}>
      <title>{`${score} ${game.home.name} – ${game.away.name}`}</title>
      <p className="board-title">
        {game.title}
        <span>
          {game.place}, {game.kickOff.toLocaleDateString('en', { dateStyle: 'long' })}
        </span>
      </p>
      <div className="board-score">
        <TeamName game={game} side="home" />
        <div className="digits">
          <Digits value={goalsOf(game, 'home')} label={game.home.name} />
          <i>:</i>
          <Digits value={goalsOf(game, 'away')} label={game.away.name} />
        </div>
        <TeamName game={game} side="away" />
      </div>
      <div className="board-foot">
        {goal === undefined ? (
          <GameClock clock={game.clock} />
        ) : (
          <span className="cheer">
            Goal! {goal.player}, {goal.minute}’
          </span>
        )}
      </div>
    </section>
  );
}

function TeamName({ game, side }: { readonly game: Game; readonly side: Side }) {
  return (
    <div className="board-team">
      <Crest colors={game[side].colors} size="clamp(3rem, 11vw, 5.5rem)" />
      <h2>{game[side].name}</h2>
    </div>
  );
}

/** A new key for each value makes the digits roll in anew. */
function Digits({ value, label }: { readonly value: number; readonly label: string }) {
  return (
    <span className="digit" aria-label={`${label}: ${value}`}>
      <b key={value}>{value}</b>
    </span>
  );
}

/** A goal that was scored while we looked, for as long as people cheer. */
function useNewGoal({ goals }: Game): Goal | undefined {
  const count = useRef(goals.length);
  const [cheered, setCheered] = useState<Goal>();
  useEffect(() => {
    const isMore = goals.length > count.current;
    count.current = goals.length;
    if (isMore) setCheered(goals.at(-1));
  }, [goals]);
  useEffect(() => {
    if (cheered === undefined) return;
    const timer = setTimeout(() => setCheered(undefined), CHEER_MS);
    return () => clearTimeout(timer);
  }, [cheered]);
  return cheered !== undefined && goals.some((goal) => goal.id === cheered.id)
    ? cheered
    : undefined;
}
