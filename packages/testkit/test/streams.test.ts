import { runStory, type CallStep, type FaultStep, type Report } from '@openline/testkit';
import { describe, expect, it } from 'vitest';
import { call, storyOf } from './stories.ts';

type Steps = Parameters<typeof storyOf>[0];

/** A story in which nothing is wrong, and what was told of its first call. */
async function told(
  steps: Steps,
  settings: Parameters<typeof storyOf>[1] = {},
): Promise<{ readonly report: Report; readonly lines: readonly string[] }> {
  const report = await runStory(storyOf(steps, settings));
  expect(report.findings).toEqual([]);
  return { report, lines: report.history.map((line) => line.replace(/^\d+ /, '')) };
}

const LEAVES = { items: 2, pauseMs: 0, next: 'leaves' } as const;
const FOREVER = { items: 2, pauseMs: 600_000, next: 'goes-on' } as const;

describe('a call with streams', () => {
  it.each<[CallStep['procedure'], string[]]>([
    ['upload', ['lines']],
    ['survey', ['lines']],
    ['listed', ['list']],
    ['pair', ['left', 'right']],
    ['echo', ['lines', 'echo']],
  ])('%s brings every item, and the end', async (procedure, streams) => {
    const { lines, report } = await told([call({ procedure, items: 40 })]);
    for (const name of streams) {
      expect(lines.filter((line) => line.endsWith(` of ${name}`))).toHaveLength(40);
      expect(lines).toContain(`${name} of 1 has ended`);
      expect(lines).toContain(`1 has read ${name}: complete`);
    }
    expect(lines).toContain('1 ended: result');
    expect(report.sights.get(procedure as 'upload')).toBe(1);
  });

  it.each(['upload', 'echo', 'listed'] as const)(
    'whose reader leaves early has the source of %s closed',
    async (procedure) => {
      const { lines } = await told([call({ procedure, items: 400, reading: LEAVES })]);
      const name = { upload: 'lines', echo: 'lines', listed: 'list' }[procedure];
      expect(lines).toContain(`${name} of 1 has closed`);
    },
  );

  it.each([
    ['upload', '1 ended: unknown ABORTED (1 fails)'],
    ['listed', '1 has read list: failed by its procedure (1 fails)'],
    ['pair', '1 has read left: failed by its procedure (1 fails)'],
  ] as const)('whose source fails tells who reads it: %s', async (procedure, words) => {
    const { lines } = await told([call({ procedure, items: 5, fails: true })]);
    expect(lines).toContain(words);
  });

  it('has its writer wait while its reader pauses, for ever too, and other streams go on', async () => {
    const step = call({ procedure: 'pair', items: 120, reading: FOREVER });
    const { lines, report } = await told([step]);
    const isOver = lines.indexOf('all is well from here on');
    expect(lines.slice(0, isOver)).toContain('1 has read right: complete');
    expect(lines.slice(0, isOver)).not.toContain('left of 1 has ended');
    expect(lines.slice(isOver)).toContain('1 has read left: complete');
    expect(report.sights.get('a writer waits for its reader')).toBe(1);
  });

  it('goes on over the next connection where it was, both ways', async () => {
    const echo = call({ procedure: 'echo', items: 120, takesMs: 5 });
    const cuts = [100, 300, 2_000].map((atMs): FaultStep => ({ type: 'cut', atMs, line: 0 }));
    const { lines } = await told([echo, ...cuts]);
    expect(lines).toContain('1 has read echo: complete');
    expect(lines).toContain('line 0 is open, resumed 1 times');
  });

  it('ends with its session, and is not run again', async () => {
    const how = { backAfterMs: 100, losesJournal: false, vanishes: false };
    const kill: FaultStep = { type: 'kill-server', atMs: 200, server: 0, ...how };
    // It has given all that it has by then.
    const reading = { items: 1, pauseMs: 2_000, next: 'goes-on' } as const;
    const { lines } = await told([call({ procedure: 'survey', items: 3, reading }), kill]);
    expect(lines.filter((line) => line.endsWith(' runs 1'))).toHaveLength(1);
    expect(lines.find((line) => line.startsWith('1 ended'))).toMatch(/unknown SESSION_LOST/);
  });

  it('may be read for longer than its caller waited for the answer', async () => {
    const step = call({ procedure: 'listed', items: 10, takesMs: 500, timeoutMs: 1_000 });
    const { lines } = await told([step]);
    expect(lines).toContain('1 has read list: complete');
  });

  it('that ends in the middle of an item in pieces ends nothing else', async () => {
    const reading = { items: 2, pauseMs: 0, next: 'throws' } as const;
    const upload = call({ procedure: 'upload', items: 5, outLength: 150_000, reading });
    const { lines } = await told([upload, call({ atMs: 5_000 })], { latencyMs: 80 });
    expect(lines.find((line) => line.startsWith('1 ended'))).toBe(
      '1 ended: failed by its procedure (1 fails)',
    );
    expect(lines).not.toContain('line 0 is open, resumed 1 times');
  });
});
