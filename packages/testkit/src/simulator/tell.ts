import type { Report } from './report.ts';
import { FOREVER_MS, type CallStep, type Reading, type Step } from './story.ts';
import { tellFault } from './tell-fault.ts';

/** A report as text for people: what is wrong, what was done, and what happened. */
export function tell({ story, findings, history }: Report): string {
  const { seed, settings, steps } = story;
  const wrong = findings.map(({ law, what }) => `  ${law}: ${what}`);
  const world = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return [
    `seed ${seed}: ${findings.length === 0 ? 'nothing is wrong' : 'found'}`,
    ...wrong,
    `the world: ${world.join(', ')}`,
    'the story:',
    ...steps.map((step) => `  at ${step.atMs} ms ${tellStep(step)}`),
    'what happened:',
    ...history.map((line) => `  ${line}`),
  ].join('\n');
}

function tellStep(step: Step): string {
  return step.type === 'call' ? tellCall(step) : tellFault(step);
}

function tellCall(step: CallStep): string {
  const { line, procedure, takesMs, items, inLength, outLength, fails, reading } = step;
  const { timeoutMs, abortAfterMs, key } = step;
  const words = [`line ${line} calls ${procedure}`];
  if (items > 0) words.push(`of ${items} items`);
  if (takesMs > 0) words.push(`that takes ${takesMs} ms${items > 0 ? ' each' : ''}`);
  if (inLength > 0) words.push(`with ${inLength} characters`);
  if (outLength > 0) words.push(`for ${outLength} characters`);
  if (fails) words.push('and fails');
  if (reading !== undefined) words.push(tellReading(reading));
  if (key !== undefined) words.push(`under key ${key}`);
  if (timeoutMs !== undefined) words.push(`with ${timeoutMs} ms to answer`);
  if (abortAfterMs !== undefined) words.push(`and gives it up after ${abortAfterMs} ms`);
  return words.join(' ');
}

function tellReading({ items, pauseMs, next }: Reading): string {
  const pause = pauseMs >= FOREVER_MS ? 'pauses for ever' : `pauses for ${pauseMs} ms`;
  return `whose reader after ${items} items ${pauseMs > 0 ? `${pause} and ` : ''}${next.replace('-', ' ')}`;
}
