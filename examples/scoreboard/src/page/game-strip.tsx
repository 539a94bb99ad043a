import { Skeleton } from '@mantine/core';
import { Link } from 'wouter';
import type { Summary } from '../game.ts';
import { Crest } from './crest.tsx';
import { GameClock } from './game-clock.tsx';

interface GameStripProps {
  readonly games: readonly Summary[] | undefined;
  readonly chosen: string | undefined;
  readonly base: string;
}

/** All games in short, to choose one from. */
export function GameStrip({ games, chosen, base }: GameStripProps) {
  return (
    <nav className="strip" aria-label="Games">
      {games === undefined && [0, 1, 2, 3].map((key) => <Skeleton key={key} h={92} radius="lg" />)}
      {games?.map((game) => (
        <Link
          key={game.id}
          href={`${base}/${game.id}`}
          className="strip-game"
          aria-current={game.id === chosen ? 'page' : undefined}
        >
          <GameClock clock={game.clock} />
          {(['home', 'away'] as const).map((side) => (
            <span key={side} className="strip-team">
              <Crest colors={game[side].colors} size={18} />
              {game[side].name}
              <b>{game.clock.period === 'before' ? '–' : game[side].goals}</b>
            </span>
          ))}
        </Link>
      ))}
    </nav>
  );
}
