import type { Step, StepResult } from './step.ts';

export interface Report {
  begin(step: Step): void;
  end(step: Step, result: StepResult, durationMs: number): void;
  /** The step cannot run, because one that it needs has failed. */
  leftOut(step: Step, missing: readonly string[]): void;
  /** Prints the summary. @returns whether everything passed. */
  finish(): boolean;
}

/**
 * Says on the standard output how the steps go.
 *
 * @param skipsFail a skip is a failure: on such a machine everything has to be there.
 */
export function createReport(skipsFail: boolean): Report {
  const lines: string[] = [];
  const startedMs = performance.now();
  let passed = 0;
  let failed = 0;
  let skipped = 0;

  return {
    begin({ name, purpose }) {
      console.log(`\n▶ ${name}: ${purpose}`);
    },

    end({ name }, result, durationMs) {
      passed += result.passed;
      failed += result.failed;
      skipped += result.skipped;
      if (result.failed > 0 && result.output !== '') console.log(result.output);
      const line = `${result.failed > 0 ? '✗' : '✓'} ${name}, ${seconds(durationMs)}${counts(result)}`;
      console.log(line);
      lines.push(line);
    },

    leftOut({ name }, missing) {
      skipped += 1;
      const line = `- ${name}, not run: it needs ${missing.join(', ')}`;
      console.log(`\n${line}`);
      lines.push(line);
    },

    finish() {
      const refusesSkips = skipsFail && skipped > 0;
      console.log(`\nIn ${seconds(performance.now() - startedMs)}:`);
      for (const line of lines) console.log(`  ${line}`);
      if (refusesSkips) console.log('With CI=true nothing may be skipped.');
      console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
      return failed === 0 && !refusesSkips;
    },
  };
}

function counts({ passed, failed, skipped }: StepResult): string {
  if (passed + failed + skipped === 1) return '';
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return ` (${parts.join(', ')})`;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
