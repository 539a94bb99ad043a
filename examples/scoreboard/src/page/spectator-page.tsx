import { FollowedGame } from './followed-game.tsx';
import { GoalList } from './goal-list.tsx';

export function SpectatorPage({ game }: { readonly game: string }) {
  return <FollowedGame game={game}>{(current) => <GoalList game={current} />}</FollowedGame>;
}
