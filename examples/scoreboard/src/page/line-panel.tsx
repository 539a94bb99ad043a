import { Button } from '@mantine/core';
import type { LineState } from '@openline/client';
import { useMutation } from '@tanstack/react-query';
import { Unplug } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { pullCable } from './cable.ts';
import { line, trpc } from './line.ts';
import { recovery } from './recovery.ts';
import { BEATS_SHOWN, useBeats, type Beat } from './use-beats.ts';
import { useNow } from './use-now.ts';

/** How long the cable is out, in milliseconds. */
const AWAY_MS = 4_000;

/** Shows the line at work, and lets everybody cut it. */
export function LinePanel() {
  const state = useSyncExternalStore(line.state.subscribe, line.state.get);
  const { resumed } = useSyncExternalStore(recovery.subscribe, recovery.get);
  const { shown, recovered, lost } = useBeats();
  const cut = useMutation(trpc.cut.mutationOptions({ onMutate: () => pullCable(AWAY_MS) }));
  return (
    <section className="line-panel" aria-label="Line">
      <div className="line-head">
        <div>
          <h2>The line</h2>
          <StateInWords state={state} />
        </div>
        <Button
          variant="light"
          color="red"
          size="sm"
          leftSection={<Unplug size={16} />}
          disabled={state.status !== 'open'}
          onClick={() => cut.mutate()}
        >
          Cut the line
        </Button>
      </div>
      <BeatStrip beats={shown} />
      <dl className="line-figures">
        <Figure name="resumed" value={resumed} words="times resumed" />
        <Figure name="recovered" value={recovered} words="beats recovered" />
        <Figure name="lost" value={lost} words="beats lost or doubled" />
      </dl>
      <p className="line-note">
        The server beats twice a second. The button has it cut this page’s connection, and none is
        made for {AWAY_MS / 1_000} seconds. Then everything that was missed comes, each item once
        and in order, and so does the answer to the button.
      </p>
    </section>
  );
}

function StateInWords({ state }: { readonly state: LineState }) {
  const nowMs = useNow(state.status === 'waiting');
  switch (state.status) {
    case 'idle':
      return <p>Not connected yet</p>;
    case 'connecting':
      return <p>No connection; making one</p>;
    case 'open':
      return <p>Open, in session {state.sessionId.slice(0, 6)}</p>;
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((state.retryAtMs - nowMs) / 1_000));
      return <p>No connection; the next attempt in {seconds} s</p>;
    }
    case 'closed':
      return <p>Closed: {state.error?.message ?? 'this page is done'}</p>;
  }
}

/** The newest beat is to the right; where there was none yet, there is the place for it. */
function BeatStrip({ beats }: { readonly beats: readonly Beat[] }) {
  const places = Array.from({ length: BEATS_SHOWN - beats.length }, (_, index) => -index);
  return (
    <ol className="beats" aria-label="Beats">
      {places.map((key) => (
        <li key={key} className="beat" data-beat="none" aria-hidden />
      ))}
      {beats.map(({ key, isRecovered }) => (
        <li key={key} className="beat" data-beat={isRecovered ? 'recovered' : 'live'} />
      ))}
    </ol>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: number;
  readonly words: string;
}

function Figure({ name, value, words }: FigureProps) {
  return (
    <div data-figure={name}>
      <dt>{words}</dt>
      <dd>{value}</dd>
    </div>
  );
}
