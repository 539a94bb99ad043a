// What runs in the browser: a client that writes down all that it sees. The test bundles it.
import { openLine, outcomeOf, type LineState, type Outcome } from '@openline/client';
import type { NodeRouter } from './real-node-program.ts';

export interface PageStory {
  readonly states: LineState[];
  /** Items of the feed, in the order they came. */
  readonly items: number[];
  /** What became of calls, in the order they ended. */
  readonly ends: { readonly id: string; readonly end: Outcome | 'answered' }[];
}

const story: PageStory = { states: [], items: [], ends: [] };

/** What the test may have the page do. */
function openPage(url: string, everyMs: number) {
  const line = openLine<NodeRouter>({ url });
  const api = line.client();
  line.state.subscribe((state) => story.states.push(state));
  api.feed.subscribe(
    { startMs: Date.now(), everyMs },
    { onData: ({ data }) => void story.items.push(data) },
  );
  const calls = {
    ask: (id: string) => api.ask.query({ id }),
    tell: (id: string) => api.tell.mutate({ id }),
    askHeld: (id: string) => api.askHeld.query({ id }),
    tellHeld: (id: string) => api.tellHeld.mutate({ id }),
  };
  const call = (path: keyof typeof calls, id: string): void => {
    calls[path](id).then(
      () => story.ends.push({ id, end: 'answered' }),
      (error: unknown) => story.ends.push({ id, end: outcomeOf(error) }),
    );
  };
  return { story, call };
}
export type OpenlinePage = ReturnType<typeof openPage>;

Object.assign(globalThis, { openPage });
