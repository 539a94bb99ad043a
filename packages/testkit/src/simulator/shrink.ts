import type { Finding } from './case.ts';
import type { Report } from './report.ts';
import { runStory } from './run.ts';
import type { Step, Story } from './story.ts';

/** Stories that are tried at most. */
const TRIES_MAX = 400;

/**
 * Finds a short story that breaks the same law: leaves out steps, many at once where that can be, and
 * makes simple what is left. The same report gives the same story. `run` lets a story happen.
 */
export async function shrink(
  report: Report,
  run: (story: Story) => Promise<Report> = runStory,
): Promise<Report> {
  const law = report.findings[0]?.law;
  let best = report;
  let tries = 0;
  const isBetter = async (story: Story): Promise<boolean> => {
    if (tries++ >= TRIES_MAX) return false;
    const tried = await run(story);
    if (!breaks(tried.findings, law)) return false;
    best = tried;
    return true;
  };
  for (let before; before !== best;) {
    before = best;
    await shrinkSteps(() => best.story, isBetter);
    for (let index = 0; index < best.story.steps.length; index++) {
      for (const simpler of simplified(best.story.steps[index])) {
        const steps = best.story.steps.map((step, at) => (at === index ? simpler : step));
        if (await isBetter({ ...best.story, steps })) break;
      }
    }
  }
  return best;
}

function breaks(findings: readonly Finding[], law: Finding['law'] | undefined): boolean {
  return findings.some((finding) => finding.law === law);
}

/** Leaves out half of the steps, a quarter, and so on down to a single one. */
async function shrinkSteps(
  story: () => Story,
  isBetter: (story: Story) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(story().steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < story().steps.length;) {
      const { steps } = story();
      const kept = [...steps.slice(0, at), ...steps.slice(at + size)];
      if (!(await isBetter({ ...story(), steps: kept }))) at += size;
    }
  }
}

/** The same step with less to it, the simplest first. */
function simplified(step: Step | undefined): Step[] {
  if (step?.type !== 'call') return [];
  const none = { timeoutMs: undefined, key: undefined, reading: undefined };
  const plain = { inLength: 0, outLength: 0, fails: false, ...none };
  const variants: Partial<typeof step>[] = [
    { ...plain, abortAfterMs: undefined, items: Math.min(step.items, 1), takesMs: 0 },
    { ...plain, abortAfterMs: undefined },
    { abortAfterMs: undefined },
    { timeoutMs: undefined },
    { inLength: 0 },
    { outLength: 0 },
    { takesMs: 0 },
    { reading: undefined },
    { items: Math.min(step.items, 20) },
  ];
  return variants
    .map((less) => ({ ...step, ...less }))
    .filter((simpler) => JSON.stringify(simpler) !== JSON.stringify(step));
}
