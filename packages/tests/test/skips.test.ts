import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { skipLine, type Capability } from '../src/capability.ts';
import { chromium, CHROMIUM_NAMES } from '../src/chromium.ts';
import { run } from '../src/command.ts';
import { config, ROOT } from '../src/paths.ts';
import { createReport, RUN_MS_MAX } from '../src/report.ts';
import type { Step, StepResult } from '../src/step.ts';

/** Runs the tests of a browser where there is none. */
function runWithoutBrowser(ci: string) {
  return run(
    'vitest',
    ['run', `--config=${config('vitest.config.ts')}`, '--project=tests', 'real-browser'],
    { env: { OPENLINE_CHROMIUM: '', CI: ci, NO_COLOR: '1' } },
  );
}

const timesSaid = (output: string): number => output.split(skipLine(chromium)).length - 1;

describe('a test that needs what the machine lacks', { timeout: 120_000 }, () => {
  it('is skipped, and one line says so', async () => {
    const { succeeded, output } = await runWithoutBrowser('');
    expect(succeeded).toBe(true);
    expect(output).toMatch(/Tests +\d+ skipped \(\d+\)/);
    expect(timesSaid(output)).toBe(1);
  });

  it('is a failure with CI=true, and one line says so', async () => {
    const { succeeded, output } = await runWithoutBrowser('true');
    expect(succeeded).toBe(false);
    expect(output).toMatch(/Tests +1 failed \(1\)/);
    expect(output).toContain('With CI=true nothing may be skipped, and there is not a Chromium.');
    expect(timesSaid(output)).toBe(1);
  });
});

describe('the report of a run', () => {
  const step: Step = { name: 'test', purpose: '', needs: [], run: () => Promise.reject() };
  const missing: Capability = { name: 'a thing', isThere: false, howToHave: 'Buy one.' };

  /** Whether it passed, and what it said. */
  function reportOf(isCi: boolean, result: Partial<StepResult>, durationMs: number) {
    const said: string[] = [];
    let nowMs = 1_000;
    const report = createReport({
      isCi,
      missing: [missing],
      say: (text) => said.push(text),
      nowMs: () => nowMs,
    });
    report.begin(step);
    report.end(step, { passed: 1, failed: 0, skipped: 0, output: '', ...result }, durationMs);
    nowMs += durationMs;
    return { passed: report.finish(), said };
  }

  it.each([
    { isCi: false, passed: true },
    { isCi: true, passed: false },
  ])('with a skip says at its end what is missing; CI: $isCi, passed: $passed', (row) => {
    const { passed, said } = reportOf(row.isCi, { skipped: 2 }, 1_000);
    expect(passed).toBe(row.passed);
    expect(said.filter((line) => line.includes('a thing'))).toEqual([skipLine(missing)]);
    expect(said.includes('With CI=true nothing may be skipped.')).toBe(row.isCi);
  });

  it('without a skip says nothing of what is missing', () => {
    const { passed, said } = reportOf(true, {}, 1_000);
    expect(passed).toBe(true);
    expect(said.join('\n')).not.toContain('a thing');
  });

  it.each([
    { durationMs: RUN_MS_MAX, isSaid: false },
    { durationMs: RUN_MS_MAX + 1, isSaid: true },
  ])('that takes $durationMs ms passes, and is said to be slow: $isSaid', (row) => {
    const { passed, said } = reportOf(true, {}, row.durationMs);
    expect(passed).toBe(true);
    expect(said.includes('It should take no longer than 600.0 s.')).toBe(row.isSaid);
  });
});

it('the run on a bare machine knows each name of a browser, and takes no skip', async () => {
  const script = await readFile(join(ROOT, '.ci/run'), 'utf8');
  expect(script).toContain(`for name in ${CHROMIUM_NAMES.join(' ')}; do`);
  expect(script).toContain('export CI=true');
});
