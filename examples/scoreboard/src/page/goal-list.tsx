import type { ReactNode } from 'react';
import type { Game, Goal } from '../game.ts';

interface GoalListProps {
  readonly game: Game;
  /** What may be done with a goal. */
  readonly actions?: (goal: Goal) => ReactNode;
}

/** Who scored when: the home team to the left, the guests to the right, the score between. */
export function GoalList({ game, actions }: GoalListProps) {
  const score = { home: 0, away: 0 };
  const rows = game.goals.map((goal) => {
    score[goal.side] += 1;
    return { goal, score: `${score.home} : ${score.away}` };
  });
  if (rows.length === 0) return <p className="no-goals">No goals yet.</p>;
  return (
    <ol className="goals" aria-label="Goals">
      {rows.reverse().map(({ goal, score: standing }) => (
        <li key={goal.id} className="goal" data-side={goal.side}>
          <span className="goal-score">{standing}</span>
          <span className="goal-text">
            <b>{goal.player}</b>
            <span>{goal.minute}’</span>
            {actions?.(goal)}
          </span>
        </li>
      ))}
    </ol>
  );
}
