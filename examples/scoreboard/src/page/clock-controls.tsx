import { Button, Group } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Flag, Pause, Play, RotateCcw, Undo2 } from 'lucide-react';
import type { Game } from '../game.ts';
import { trpc } from './line.ts';

const START = { before: 'Kick-off', 'half-time': 'Second half' } as const;

/** The whistle: starts, stops and ends. Only what is possible now is offered. */
export function ClockControls({ game }: { readonly game: Game }) {
  const clock = useMutation(trpc.clock.mutationOptions());
  const undo = useMutation(trpc.undo.mutationOptions());
  const reset = useMutation(trpc.reset.mutationOptions());
  const { period, runningSince } = game.clock;
  const turn = (action: Parameters<typeof clock.mutate>[0]['action']) => () =>
    clock.mutate({ game: game.id, action });
  const pending = clock.isPending ? clock.variables.action : undefined;

  return (
    <Group justify="center" gap="sm" role="group" aria-label="Clock">
      {period !== 'finished' && runningSince === null && (
        <Button
          leftSection={<Play size={17} />}
          loading={pending === 'start'}
          onClick={turn('start')}
        >
          {period === 'before' || period === 'half-time' ? START[period] : 'Play on'}
        </Button>
      )}
      {runningSince !== null && (
        <Button
          variant="default"
          leftSection={<Pause size={17} />}
          loading={pending === 'pause'}
          onClick={turn('pause')}
        >
          Stop play
        </Button>
      )}
      {period === 'first-half' && (
        <Button
          variant="default"
          leftSection={<Flag size={17} />}
          loading={pending === 'half-time'}
          onClick={turn('half-time')}
        >
          Half-time
        </Button>
      )}
      {period === 'second-half' && (
        <Button
          variant="default"
          leftSection={<Flag size={17} />}
          loading={pending === 'final-whistle'}
          onClick={turn('final-whistle')}
        >
          Final whistle
        </Button>
      )}
      {game.goals.length > 0 && period !== 'finished' && (
        <Button
          variant="default"
          leftSection={<Undo2 size={17} />}
          loading={undo.isPending}
          onClick={() => undo.mutate({ game: game.id })}
        >
          Take back the goal
        </Button>
      )}
      {period === 'finished' && (
        <Button
          leftSection={<RotateCcw size={17} />}
          loading={reset.isPending}
          onClick={() => reset.mutate({ game: game.id })}
        >
          Play it again
        </Button>
      )}
    </Group>
  );
}
