import { Alert, Button, Skeleton } from '@mantine/core';
import { useSubscription } from '@trpc/tanstack-react-query';
import type { ReactNode } from 'react';
import type { Game } from '../game.ts';
import { trpc } from './line.ts';
import { Scoreboard } from './scoreboard.tsx';

interface FollowedGameProps {
  readonly game: string;
  /** What is shown below the score. */
  readonly children: (game: Game) => ReactNode;
}

/**
 * Follows one game for as long as it is shown. A lost connection needs nothing here: the line asks
 * again by itself, and the first thing that the server then gives is the game as it is.
 */
export function FollowedGame({ game, children }: FollowedGameProps) {
  const { data, status, error, reset } = useSubscription(trpc.follow.subscriptionOptions({ game }));
  return (
    <>
      {status === 'error' && (
        <Alert color="red" title="This game cannot be followed">
          {error.message}{' '}
          <Button size="compact-xs" variant="outline" color="red" onClick={reset}>
            Try again
          </Button>
        </Alert>
      )}
      {data === undefined && status !== 'error' && <Skeleton h={300} radius="lg" />}
      {data !== undefined && (
        <>
          <Scoreboard game={data} />
          {children(data)}
        </>
      )}
    </>
  );
}
