import { Badge } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import type { LineState } from '@openline/client';
import { line } from './line.ts';

/** The state of the connection in plain words. */
export function ConnectionBadge() {
  const state = useSyncExternalStore(line.state.subscribe, line.state.get);
  const { color, words } = describe(state);
  return (
    <Badge
      variant="light"
      size="lg"
      color={color}
      tt="none"
      flex="none"
      role="status"
      data-connection={state.status}
      leftSection={<span className={state.status === 'open' ? 'dot' : 'dot dot-waiting'} />}
    >
      {words}
    </Badge>
  );
}

function describe(state: LineState): { readonly color: string; readonly words: string } {
  switch (state.status) {
    case 'idle':
      return { color: 'gray', words: 'Not connected' };
    case 'connecting':
      return { color: 'yellow', words: 'Connecting' };
    case 'open':
      return { color: 'teal', words: 'Live' };
    case 'waiting':
      return { color: 'orange', words: 'Reconnecting' };
    case 'closed':
      return { color: 'red', words: 'Disconnected' };
  }
}
