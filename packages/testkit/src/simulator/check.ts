import type { Case, Finding } from './case.ts';
import { checkAnswer } from './check-answer.ts';
import { checkFlows } from './check-flows.ts';
import { checkOrder } from './check-order.ts';
import { checkStream } from './check-stream.ts';
import { describe, type CallRecord, type History } from './history.ts';
import { keepsCredentials, keepsRecords, keepsSessions } from './promises.ts';
import { hasStreams, type Story } from './story.ts';

/** A timer of the platform and a message on its way may come so much later, in milliseconds. */
const SLACK_MS = 50;

/** Reads a history and says what is wrong with it: nothing, where the promises hold. */
export function check(story: Story, history: History): Finding[] {
  const findings: Finding[] = [];
  const counts = new Map<number, number>();
  for (const { n } of history.calls) counts.set(n, (counts.get(n) ?? 0) + 1);
  for (const record of history.calls) {
    const { n, step } = record;
    const isKept = keepsSessions(story) && !history.expiredLines.has(step.line);
    const about: Case = {
      record,
      runs: history.runs.get(n) ?? [],
      keepsSessions: isKept,
      keepsRecords: keepsRecords(story),
      keepsKeys: keepsRecords(story) && (story.settings.isIdentified || isKept),
      servedAtMs: servedAtMs(history, step.line),
      isClosed: story.steps.some(
        ({ type, ...fault }) => type === 'reopen' && 'line' in fault && fault.line === step.line,
      ),
      isShared: (counts.get(n) ?? 0) > 1,
      find: (law, what) => findings.push({ law, what: `${step.procedure}(${n}) ${what}` }),
    };
    checkEnding(about, history);
    if (hasStreams(step)) checkFlows(about);
    else if (isStream(record)) checkStream(about);
    else checkAnswer(about);
    checkRuns(about);
  }
  if (keepsSessions(story)) checkOrder(history, findings);
  if (keepsCredentials(story) && history.expiredLines.size > 0) {
    findings.push({ law: 'lost', what: 'credentials expired that could have been given again' });
  }
  for (const what of history.faults) findings.push({ law: 'fault', what });
  return findings;
}

function servedAtMs({ calls, runs }: History, line: number): number {
  const those = calls.filter(({ step }) => step.line === line);
  return Math.min(...those.flatMap(({ n }) => runs.get(n) ?? []).map(({ atMs }) => atMs));
}

function isStream({ step: { procedure } }: CallRecord): boolean {
  return procedure !== 'ask' && procedure !== 'set' && procedure !== 'setOnce';
}

/** Each call ends exactly once, and in its time. */
function checkEnding({ record, find }: Case, { sleepOf }: History): void {
  const { endings, step, madeAtMs, late } = record;
  const [first] = endings;
  if (first === undefined) return find('silent', 'never ended');
  if (endings.length > 1) {
    find('doubled', `ended ${endings.map(({ ending }) => describe(ending)).join(', then ')}`);
  }
  if (late > 0) find('out-of-order', `gave ${late} items behind its end`);
  const mostMs = Math.min(step.timeoutMs ?? Infinity, step.abortAfterMs ?? Infinity);
  let untilMs = madeAtMs + mostMs;
  // Who is asleep by then learns of it on waking.
  for (const sleep of sleepOf.get(step.line) ?? []) {
    if (sleep.fromMs <= untilMs) untilMs = Math.max(untilMs, sleep.untilMs);
  }
  if (first.atMs > untilMs + SLACK_MS) {
    find('silent', `had ${mostMs} ms and ended after ${first.atMs - madeAtMs}`);
  }
}

/** Nothing runs on that nobody waits for. */
function checkRuns({ runs, find }: Case): void {
  for (const { isRunning, node, atMs } of runs) {
    if (isRunning) find('leaked', `still runs in ${node} since ${atMs} ms`);
  }
}
