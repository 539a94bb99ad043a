import { timeOf, type Clock } from '../game.ts';
import { useNow } from './use-now.ts';

/** The minute of a game, counting, or what stands in its place. */
export function GameClock({ clock }: { readonly clock: Clock }) {
  const isRunning = clock.runningSince !== null;
  const nowMs = useNow(isRunning);
  return (
    <span className="clock">
      {isRunning && <span className="dot" />}
      {timeOf(clock, nowMs)}
    </span>
  );
}
