import { SimpleGrid } from '@mantine/core';
import { ClockControls } from './clock-controls.tsx';
import { FollowedGame } from './followed-game.tsx';
import { GoalList } from './goal-list.tsx';
import { ScorerMenu } from './scorer-menu.tsx';
import { TeamControls } from './team-controls.tsx';

export function RefereePage({ game }: { readonly game: string }) {
  return (
    <FollowedGame game={game}>
      {(current) => (
        <>
          <ClockControls game={current} />
          <SimpleGrid cols={2} spacing="sm">
            <TeamControls game={current} side="home" />
            <TeamControls game={current} side="away" />
          </SimpleGrid>
          <GoalList game={current} actions={(goal) => <ScorerMenu game={current} goal={goal} />} />
        </>
      )}
    </FollowedGame>
  );
}
