import { useSubscription } from '@trpc/tanstack-react-query';
import { useReducer } from 'react';
import { trpc } from './line.ts';
import { recovery } from './recovery.ts';

/** So many are shown: those of some twenty seconds. */
export const BEATS_SHOWN = 40;

export interface Beat {
  readonly number: number;
  /** Counts on where the numbers begin anew. */
  readonly key: number;
  readonly isRecovered: boolean;
}

export interface Beats {
  /** The last ones, the newest at the end. */
  readonly shown: readonly Beat[];
  /** Those that the server had for this page while it was away. */
  readonly recovered: number;
  /** Numbers that were left out, or came again. */
  readonly lost: number;
}

/** The pulse of the line, and what of it is missing. */
export function useBeats(): Beats {
  const [beats, add] = useReducer(withBeat, { shown: [], recovered: 0, lost: 0 });
  useSubscription(
    trpc.pulse.subscriptionOptions(undefined, {
      onData: (number) => add({ number, isRecovered: recovery.get().isCatchingUp }),
    }),
  );
  return beats;
}

function withBeat({ shown, recovered, lost }: Beats, beat: Omit<Beat, 'key'>): Beats {
  const { number: last, key } = shown.at(-1) ?? { number: 0, key: 0 };
  // A server that began anew counts from 1 again.
  const missing = beat.number === 1 ? 0 : beat.number - last - 1;
  return {
    shown: [...shown, { ...beat, key: key + 1 }].slice(-BEATS_SHOWN),
    recovered: recovered + (beat.isRecovered ? 1 : 0),
    lost: lost + Math.abs(missing),
  };
}
