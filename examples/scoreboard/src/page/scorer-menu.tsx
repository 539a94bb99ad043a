import { ActionIcon, Menu, ScrollArea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import type { Game, Goal } from '../game.ts';
import { trpc } from './line.ts';

/** It was somebody else who scored. */
export function ScorerMenu({ game, goal }: { readonly game: Game; readonly goal: Goal }) {
  const correct = useMutation(trpc.correct.mutationOptions());
  const others = game[goal.side].players.filter((player) => player !== goal.player);
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          size="sm"
          color="gray"
          loading={correct.isPending}
          aria-label={`Correct the scorer: ${goal.player}`}
        >
          <Pencil size={14} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Scored by</Menu.Label>
        <ScrollArea.Autosize mah={260}>
          {others.map((player) => (
            <Menu.Item
              key={player}
              onClick={() => correct.mutate({ game: game.id, goal: goal.id, player })}
            >
              {player}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  );
}
