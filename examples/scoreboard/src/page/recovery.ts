import { api, line } from './line.ts';

/** What was lost and came back since the page was opened. */
export interface Recovery {
  /** How often the session went on over another connection. */
  readonly resumed: number;
  /**
   * The answer to a first question on the new connection has not come yet. What comes ahead of it, the
   * server had for this page while it was away.
   */
  readonly isCatchingUp: boolean;
}

let now: Recovery = { resumed: 0, isCatchingUp: false };
const listeners = new Set<() => void>();

/** For `useSyncExternalStore`. */
export const recovery = {
  get: (): Recovery => now,
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

line.state.subscribe((state) => {
  if (state.status !== 'open' || state.resumed === 0) return;
  const resumed = now.resumed + 1;
  const answered = (): void => {
    if (resumed === now.resumed) change({ resumed, isCatchingUp: false });
  };
  change({ resumed, isCatchingUp: true });
  api.ping.query().then(answered, answered);
});

function change(to: Recovery): void {
  now = to;
  for (const listener of listeners) listener();
}
