import type { Case } from './case.ts';
import { describe } from './history.ts';
import { padOf, type WorkOutput } from './work.ts';

/** Queries and mutations: the answer is that of a run, and the outcome is so. */
export function checkAnswer(about: Case): void {
  const { record, runs, find, isShared, keepsKeys } = about;
  const { procedure, fails } = record.step;
  const mayRepeat = procedure === 'ask' || (procedure === 'setOnce' && isShared && !keepsKeys);
  if (runs.length > 1 && !mayRepeat) {
    find('doubled', `ran ${runs.length} times: ${runs.map(({ node }) => node).join(', ')}`);
  }
  const ending = record.endings[0]?.ending;
  if (ending === undefined) return;
  if (ending.kind === 'result') {
    if (runs.every(({ ended }) => ended !== 'result')) {
      find('dishonest', 'has a result that no run gave');
    }
    checkResult(about, ending.data);
  } else if (ending.kind !== 'error') {
    find('dishonest', `ended as a stream does: ${ending.kind}`);
  } else if (ending.outcome === 'failed') {
    // What one caller of a key gave up has failed for the others.
    const isRecorded = isShared && runs.some(({ ended }) => ended === 'aborted');
    if (isRecorded) return;
    if (!fails) find('dishonest', `failed: ${ending.message}`);
    if (runs.every(({ ended }) => ended !== 'error')) {
      find('dishonest', 'failed with what no run threw');
    }
  } else {
    if (ending.outcome === 'not-executed' && runs.length > 0 && !isShared) {
      find('dishonest', `was said not to be executed (${describe(ending)}), and ran`);
    }
    checkLoss(about, describe(ending), ending.code);
  }
}

function checkResult({ record, find }: Case, data: unknown): void {
  const { n, i, pad } = data as WorkOutput;
  if (n !== record.n || i !== 0 || pad !== padOf(n, record.step.outLength)) {
    find('dishonest', `has the result of ${n}, or not all of it`);
  }
}

/** A call without an answer: its caller gave it up, or something was lost that may be. */
function checkLoss(about: Case, ending: string, code: string | undefined): void {
  const { record, find, keepsSessions, keepsRecords, isClosed, isShared } = about;
  const { procedure, timeoutMs, abortAfterMs } = record.step;
  const isGivenUp =
    (timeoutMs !== undefined && ['TIMEOUT', 'ABORTED', 'CANCELLED'].includes(code ?? '')) ||
    (abortAfterMs !== undefined && code === 'ABORTED') ||
    (isClosed && code === 'CLOSED') ||
    // What one caller of a key gave up, the others get as it is recorded.
    (isShared && code === 'SESSION_LOST');
  if (isGivenUp) return;
  const mayBeLost =
    code === 'SESSION_LOST' &&
    ((procedure === 'set' && !keepsSessions) || (procedure === 'setOnce' && !keepsRecords));
  if (!mayBeLost) find('lost', `ended ${ending}`);
}
