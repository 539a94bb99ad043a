import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { PLANTED_STREAM_BUGS } from './planted-stream-bugs.ts';
import { bundleSimulator, runInWorker, type Mutation } from './simulator-bundle.ts';

const ALL = [...PLANTED_BUGS, ...PLANTED_STREAM_BUGS];

/** What is not found by then is not looked for any further. */
const SEEDS_MAX = 3_000;

describe('the checker finds it when', () => {
  let bundle: string | undefined;

  async function bundleOf(mutations: readonly Mutation[]): Promise<string> {
    bundle = await bundleSimulator(mutations);
    return bundle;
  }

  afterEach(async () => {
    if (bundle !== undefined) await rm(dirname(bundle), { recursive: true, force: true });
    bundle = undefined;
  });

  it.each(ALL)(
    '$title: found after $seed seeds',
    { timeout: 120_000 },
    async ({ mutations, seed, laws }) => {
      const file = await bundleOf(mutations);
      const range = { from: 1, count: SEEDS_MAX, failuresMax: 1, shrinks: false };
      const results = await runInWorker(file, range);
      const { failure } = results.at(-1) ?? {};
      expect({ seed: failure?.seed, laws: failure?.laws }).toEqual({
        seed,
        laws: expect.arrayContaining([...laws]),
      });
    },
  );

  it('is what the page of evidence tells', async () => {
    const page = await readFile(new URL('../../../docs/evidence.md', import.meta.url), 'utf8');
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const { title, laws, seed } of ALL) {
      expect(rows).toContainEqual(['', title, laws.join(', '), seed.toLocaleString('en'), '']);
    }
    const count = ALL.length;
    const most = Math.max(...ALL.map(({ seed }) => seed)).toLocaleString('en');
    expect(page).toContain(`${count} planted bugs of ${count} found, each within ${most} seeds`);
  });

  it('does not pass for planted what is nowhere in the source', async () => {
    const mutation = { file: 'protocol/src/inbox.ts', find: 'no such line', replace: '' };
    await expect(bundleSimulator([mutation])).rejects.toThrow('has 0 times: no such line');
  });

  it(
    'makes the story of a failing seed short, and the same one each time',
    { timeout: 60_000 },
    async () => {
      const bug = PLANTED_BUGS.find(({ title }) => title.includes('record of a `once`'));
      const file = await bundleOf(bug?.mutations ?? []);
      const found = await runInWorker(file, {
        from: 1,
        count: 2_000,
        failuresMax: 1,
        shrinks: false,
      });
      const from = found.at(-1)?.seed ?? 0;
      const [first, second] = await Promise.all([
        runInWorker(file, { from, count: 1 }),
        runInWorker(file, { from, count: 1 }),
      ]);
      expect(second).toEqual(first);
      const story = first?.[0]?.failure?.story ?? '';
      const steps = story.split('the story:\n')[1]?.split('\nwhat happened:')[0]?.split('\n') ?? [];
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.length).toBeLessThanOrEqual(3);
    },
  );
});
