import {
  FAULT_NAMES,
  generateStory,
  runSeeds,
  runStory,
  SIGHTS,
  tell,
  type FaultName,
  type Sight,
} from '@openline/testkit';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleSimulator, runInWorker } from './simulator-bundle.ts';
import { call, storyOf } from './stories.ts';

/** One run of `pnpm test` looks at so many. */
const SEEDS = 3_000;
const AGAIN = 400;
/** Each kind of fault takes effect in them at least so often, and all that becomes of streams. */
const EACH_FAULT = 50;
/** And while a stream is under way, so often. */
const EACH_FAULT_UNDER_A_STREAM = 30;

function leastOf(sight: Sight): number {
  return sight.endsWith('under a stream') ? EACH_FAULT_UNDER_A_STREAM : EACH_FAULT;
}

describe('the simulator', () => {
  let bundle = '';
  beforeAll(async () => {
    bundle = await bundleSimulator();
  });
  afterAll(() => rm(dirname(bundle), { recursive: true, force: true }));

  it(
    `finds nothing with ${SEEDS} seeds, and each fault in at least ${EACH_FAULT} places`,
    { timeout: 180_000 },
    async () => {
      const half = SEEDS / 2;
      const results = await Promise.all(
        [1, 2].map((from) => runInWorker(bundle, { from, count: half, stride: 2, failuresMax: 1 })),
      );
      const failures = results.flat().flatMap(({ failure }) => failure?.story ?? []);
      expect(failures.join('\n\n')).toBe('');
      expect(results.flat()).toHaveLength(SEEDS);

      const counts = new Map<FaultName, number>(FAULT_NAMES.map((name) => [name, 0]));
      for (const { faults } of results.flat()) {
        for (const [name, times] of faults) counts.set(name, (counts.get(name) ?? 0) + times);
      }
      expect([...counts].filter(([, times]) => times < EACH_FAULT)).toEqual([]);

      const sights = new Map<Sight, number>(SIGHTS.map((sight) => [sight, 0]));
      for (const result of results.flat()) {
        for (const [sight, times] of result.sights) {
          sights.set(sight, (sights.get(sight) ?? 0) + times);
        }
      }
      expect([...sights].filter(([sight, times]) => times < leastOf(sight))).toEqual([]);
    },
  );

  it('gives the same history for the same seed', { timeout: 60_000 }, async () => {
    const range = { from: 1, count: AGAIN };
    const [first, second] = await Promise.all([
      runInWorker(bundle, range),
      runInWorker(bundle, range),
    ]);
    expect(first).toHaveLength(AGAIN);
    expect(second).toEqual(first);
    expect(new Set(first?.map(({ digest }) => digest)).size).toBeGreaterThan(AGAIN * 0.9);
  });

  it('runs in the process that asks for it, one seed at a time', async () => {
    const seen: number[] = [];
    for await (const { seed, failure } of runSeeds({ from: 7, count: 3, stride: 2 })) {
      seen.push(seed);
      expect(failure).toBeUndefined();
    }
    expect(seen).toEqual([7, 9, 11]);
  });

  it('leaves no timer, clock or listener of its own behind', async () => {
    const { setTimeout: timer, Date: clock } = globalThis;
    const { random } = Math;
    const listeners = process.listenerCount('uncaughtException');
    await runStory(generateStory(1));
    expect(globalThis.setTimeout).toBe(timer);
    expect(globalThis.Date).toBe(clock);
    expect(Math.random).toBe(random);
    expect(process.listenerCount('uncaughtException')).toBe(listeners);
  });

  it('tells a story so that people can read it', async () => {
    const story = storyOf([
      call({ atMs: 10, procedure: 'set', takesMs: 50 }),
      { type: 'cut', atMs: 40, line: 0 },
    ]);
    expect(
      tell(await runStory(story))
        .split('\n')
        .slice(0, 16),
    ).toEqual([
      'seed 1: nothing is wrong',
      expect.stringContaining('the world: servers 1, isSticky true, lines 1'),
      'the story:',
      '  at 10 ms line 0 calls set that takes 50 ms',
      '  at 40 ms the connection of line 0 is cut',
      'what happened:',
      '  10 line 0 calls set(1)',
      '  10 line 0 is connecting',
      '  14 line 0 is open, resumed 0 times',
      '  15 server 0 runs 1',
      '  40 cut: the connection of line 0 is cut',
      expect.stringMatching(/line 0 is waiting/),
      expect.stringMatching(/line 0 is connecting/),
      expect.stringMatching(/line 0 is open, resumed 1 times/),
      expect.stringMatching(/1 ended: result/),
      expect.stringMatching(/all is well/),
    ]);
  });
});
