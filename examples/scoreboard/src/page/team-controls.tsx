import { Button, Paper, SimpleGrid, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { isHalf, type Game, type Side } from '../game.ts';
import { trpc } from './line.ts';

/** A button for each player of a team: who is pressed has scored. */
export function TeamControls({ game, side }: { readonly game: Game; readonly side: Side }) {
  const score = useMutation(trpc.score.mutationOptions());
  const team = game[side];
  return (
    <Paper
      withBorder
      p="sm"
      radius="lg"
      bg="var(--panel)"
      component="section"
      aria-label={`Goal for ${team.name}`}
    >
      <Title order={3} size="h4" mb="xs">
        Goal for {team.name}
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing={6} verticalSpacing={6}>
        {team.players.map((player) => (
          <Button
            key={player}
            variant="default"
            className="scorer"
            size="sm"
            h="auto"
            mih={36}
            px="xs"
            py={6}
            justify="flex-start"
            disabled={!isHalf(game.clock.period)}
            loading={score.isPending && score.variables.player === player}
            onClick={() => score.mutate({ game: game.id, side, player })}
          >
            {player}
          </Button>
        ))}
      </SimpleGrid>
    </Paper>
  );
}
