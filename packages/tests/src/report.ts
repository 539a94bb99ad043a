import { skipLine, type Capability } from './capability.ts';
import type { Step, StepResult } from './step.ts';

/** How long everything should take on 2 cores: what people still wait for. Past it that is said. */
export const RUN_MS_MAX = 600_000;

export interface Report {
  begin(step: Step): void;
  end(step: Step, result: StepResult, durationMs: number): void;
  /** The step cannot run, because one that it needs has failed. */
  leftOut(step: Step, missing: readonly string[]): void;
  /** Prints the summary. @returns whether everything passed. */
  finish(): boolean;
}

export interface ReportOptions {
  /** Then everything has to be there: a skip is a failure. */
  readonly isCi: boolean;
  /** What this machine lacks. */
  readonly missing: readonly Capability[];
  /** Default: to the standard output. */
  readonly say?: (text: string) => void;
  readonly nowMs?: () => number;
}

/** Says how the steps go. */
export function createReport({
  isCi,
  missing,
  say = (text) => console.log(text),
  nowMs = () => performance.now(),
}: ReportOptions): Report {
  const lines: string[] = [];
  const startedMs = nowMs();
  let passed = 0;
  let failed = 0;
  let skipped = 0;

  return {
    begin({ name, purpose }) {
      say(`\n▶ ${name}: ${purpose}`);
    },

    end({ name }, result, durationMs) {
      passed += result.passed;
      failed += result.failed;
      skipped += result.skipped;
      if (result.failed > 0 && result.output !== '') say(result.output);
      const line = `${result.failed > 0 ? '✗' : '✓'} ${name}, ${seconds(durationMs)}${counts(result)}`;
      say(line);
      lines.push(line);
    },

    leftOut({ name }, needed) {
      skipped += 1;
      const line = `- ${name}, not run: it needs ${needed.join(', ')}`;
      say(`\n${line}`);
      lines.push(line);
    },

    finish() {
      const durationMs = nowMs() - startedMs;
      const refusesSkips = isCi && skipped > 0;
      say(`\nIn ${seconds(durationMs)}:`);
      for (const line of lines) say(`  ${line}`);
      if (skipped > 0) for (const capability of missing) say(skipLine(capability));
      if (refusesSkips) say('With CI=true nothing may be skipped.');
      // Not a failure: another machine, or a busy one, is no fault of the code.
      if (durationMs > RUN_MS_MAX) say(`It should take no longer than ${seconds(RUN_MS_MAX)}.`);
      say(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
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
