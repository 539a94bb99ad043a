import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLIENT, CODES, OpenlineError, Session } from '../src/index.ts';
import { AGREEMENT, codec, LIMITS } from './support.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const page = read('../../../docs/guide/what-survives.md');
const source = read('../src/session.ts');

/** What may happen to a session, by the words of the diagram. */
const INPUTS = {
  attach: (session) => session.attach(AGREEMENT),
  'attach with wrong counts': (session) => session.attach({ ...AGREEMENT, received: 1 }),
  detach: (session) => session.detach(),
  end: (session) => session.end(new OpenlineError(CODES.SESSION_ENDED, '')),
  fault: (session) => session.receive('no frames'),
} satisfies Readonly<Record<string, (session: Session<string, string>) => void>>;
type Input = keyof typeof INPUTS;

/** How a new session comes into each state. */
const WAYS = { detached: [], attached: ['attach'], ended: ['end'] } as const satisfies Readonly<
  Record<string, readonly Input[]>
>;
type State = keyof typeof WAYS;

function sessionAfter(inputs: readonly Input[]): Session<string, string> {
  const session = new Session<string, string>({
    role: CLIENT,
    codec,
    limits: LIMITS,
    sessionBytesMax: 1_048_576,
  });
  for (const input of inputs) INPUTS[input](session);
  return session;
}

/** What can be seen of it: an end is told, and only who has a connection says something. */
function stateAfter(inputs: readonly Input[]): State {
  const session = sessionAfter(inputs);
  if (session.takeEvents().some(({ kind }) => kind === 'ended')) return 'ended';
  session.tick({ ping: true });
  return session.takeMessage() === undefined ? 'detached' : 'attached';
}

describe("the diagram of a session's states", () => {
  const [diagram = ''] = page.split('stateDiagram-v2\n')[1]!.split('```');
  const drawn = diagram
    .trim()
    .split('\n')
    .map((line) => line.trim());

  it('has the states that the session has', () => {
    const [, declared = ''] = /#state: (.+?) =/u.exec(source)!;
    const states = declared.split(' | ').map((name) => name.slice(1, -1));
    expect(new Set(states)).toEqual(new Set(Object.keys(WAYS)));
    expect(new Set(drawn.join(' ').match(/\b\w+(?= -->)|(?<=--> )\w+/gu))).toEqual(new Set(states));
  });

  it('has every transition of the session, and no other', () => {
    const transitions = ['[*] --> detached', 'ended --> [*]'];
    for (const [from, way] of Object.entries(WAYS)) {
      expect(stateAfter(way)).toBe(from);
      for (const input of Object.keys(INPUTS) as Input[]) {
        const to = stateAfter([...way, input]);
        if (to !== from) transitions.push(`${from} --> ${to}: ${input}`);
      }
    }
    expect(new Set(drawn)).toEqual(new Set(transitions));
  });
});
