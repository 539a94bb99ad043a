/** Runs every check of the repository, one after the other, and says how each went. */
import { parseArgs } from 'node:util';
import { missingCapabilities } from './capabilities.ts';
import { createReport } from './report.ts';
import type { Step } from './step.ts';
import { STEPS } from './steps.ts';

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
});

if (values.list) list();
else
  process.exitCode = (await runAll(chosen(values.only.flatMap((names) => names.split(',')))))
    ? 0
    : 1;

function list(): void {
  const width = Math.max(...STEPS.map(({ name }) => name.length));
  for (const { name, purpose } of STEPS) console.log(`${name.padEnd(width)}  ${purpose}`);
}

/** The steps of these names and what they need, in order; without names all of them. */
function chosen(names: readonly string[]): readonly Step[] {
  if (names.length === 0) return STEPS;
  const wanted = new Set(names);
  for (const name of names) {
    const step = STEPS.find((candidate) => candidate.name === name);
    if (step === undefined) {
      console.error(`There is no step "${name}"; --list names them.`);
      process.exit(2);
    }
    for (const needed of step.needs) wanted.add(needed);
  }
  return STEPS.filter(({ name }) => wanted.has(name));
}

/** @returns whether everything passed. */
async function runAll(steps: readonly Step[]): Promise<boolean> {
  const report = createReport({
    isCi: process.env['CI'] === 'true',
    missing: missingCapabilities(),
  });
  const failed = new Set<string>();
  for (const step of steps) {
    const missing = step.needs.filter((name) => failed.has(name));
    if (missing.length > 0) {
      report.leftOut(step, missing);
      failed.add(step.name);
      continue;
    }
    report.begin(step);
    const startedMs = performance.now();
    const result = await step.run();
    report.end(step, result, performance.now() - startedMs);
    if (result.failed > 0) failed.add(step.name);
  }
  return report.finish();
}
