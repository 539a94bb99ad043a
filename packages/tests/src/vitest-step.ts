import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.ts';
import { config } from './paths.ts';
import type { StepResult } from './step.ts';

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/** Runs one of the projects of `vitest.config.ts`, shows it as it goes, and counts its tests. */
export async function runVitest(project: string): Promise<StepResult> {
  const folder = await mkdtemp(join(tmpdir(), 'openline-vitest-'));
  const reportFile = join(folder, 'report.json');
  try {
    const { succeeded } = await run(
      'vitest',
      [
        'run',
        `--config=${config('vitest.config.ts')}`,
        `--project=${project}`,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
      ],
      { live: true, timeoutMs: 1_200_000 },
    );
    const report = await readReport(reportFile);
    const failed = report?.numFailedTests ?? 0;
    return {
      passed: report?.numPassedTests ?? 0,
      // A run can fail with no test to blame: a file that does not load, an error that nobody caught.
      failed: succeeded ? failed : Math.max(failed, 1),
      skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
      output: '',
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readReport(file: string): Promise<Report | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } catch {
    return undefined; // The run ended before it could write one, and has failed.
  }
}
