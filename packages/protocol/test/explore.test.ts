import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BOUNDS } from './explore-bounds.ts';
import { MUTANTS } from './explore-mutants.ts';
import { explore } from './explore.ts';

/** Stories are followed for at least so many steps, instead of those below. */
const DEPTH = Number(process.env['OPENLINE_EXPLORE_DEPTH'] ?? 0);
/** More than any story that is followed to its end has. */
const DEPTH_MAX = 40;

/** `whole`: no story within the bounds is longer. */
const STORIES = [
  ['a connection is lost, on one side first, under a call (case 3)', 'loss', 12_450, 14, 'whole'],
  ['hellos and their answers overtake each other (case 3)', 'overtaking', 168_764, 18, 'whole'],
  ['a call is cancelled, written or not (case 9)', 'cancel', 26_731, 14, 'whole'],
  ['two calls are made', 'twoCalls', 16_207, 15, 'whole'],
  ['acks and pings cross a hello (cases 3 and 31)', 'ticks', 46_523, 11, 'cut'],
  ['no side has room for its words (cases 24, 25 and 31)', 'full', 18_079, 14, 'cut'],
  ['a reader pauses, and its grants are lost (case 27)', 'credit', 15_774, 11, 'cut'],
  ['all of this comes together', 'everything', 47_718, 7, 'cut'],
] as const;

describe('two sessions and their connections, in every order of what may happen,', () => {
  for (const [about, bounds, states, depth, end] of STORIES) {
    const title = `keep every law where ${about}: ${states} states, up to ${depth} steps`;
    it(title, { timeout: DEPTH > 0 ? 86_400_000 : 120_000 }, () => {
      const isComplete = end === 'whole';
      const found = explore(BOUNDS[bounds], {}, Math.max(DEPTH, isComplete ? DEPTH_MAX : depth));
      expect(found.counterexample).toBeUndefined();
      if (DEPTH === 0) expect(found).toEqual({ states, depth, isComplete });
      else console.info(`${bounds}: ${JSON.stringify(found)}`);
    });
  }
});

describe('the page of evidence', () => {
  it('tells what was explored', () => {
    const page = readFileSync(new URL('../../../docs/evidence.md', import.meta.url), 'utf8');
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    const told = STORIES.map(([about, bounds, states, depth]) => {
      const { calls, items, connections, losses, ticks } = BOUNDS[bounds];
      const figures = [calls, items, connections, losses, ticks, states, depth];
      return [about.replace(/ \(cases? .+\)$/u, ''), ...figures.map((n) => n.toLocaleString('en'))];
    });
    for (const row of told) expect(rows).toContainEqual(['', ...row, expect.anything(), '']);
    const sum = STORIES.reduce((total, [, , states]) => total + states, 0);
    expect(page).toContain(`${sum.toLocaleString('en')} states in eight scenarios`);
    expect(page).toContain(`${MUTANTS.length} planted faults of ${MUTANTS.length} found`);
  });
});

describe('the exploration finds', () => {
  for (const { name, parts, bounds, story, fault } of MUTANTS) {
    it(`${name}, after ${story.length} steps`, () => {
      const { counterexample } = explore(BOUNDS[bounds], parts, DEPTH_MAX);
      expect(counterexample).toEqual({ story, fault });
    });
  }
});
