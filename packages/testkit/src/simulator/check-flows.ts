import type { Case } from './case.ts';
import { lawOfMisplaced, placeOf } from './check-order.ts';
import { CALLER, type Streamed, type Written } from './flows.ts';
import { describe, type Ending, type Read } from './history.ts';
import type { Taken } from './stream-jobs.ts';
import type { ProcedureName } from './story.ts';
import { padOf } from './work.ts';

/** What may be given before anything was read, in items. */
const WINDOW = 16;
/** What may be given and not read, in items, and in bytes beside the last item. */
const WINDOW_MAX = 16_384;
const WINDOW_BYTES_MAX = 1_048_576;

/** Calls that take or return streams. */
export function checkFlows(about: Case): void {
  checkRepeats(about);
  checkCall(about);
  for (const read of about.record.read) {
    checkItems(about, read);
    checkReadEnd(about, read);
  }
  for (const written of about.record.written) checkWritten(about, written);
}

/** What has given or taken items is not made again. */
function checkRepeats({ record, runs, find, keepsSessions }: Case): void {
  const { procedure } = record.step;
  const last = record.endings[0];
  const isQuery = procedure === 'survey' || procedure === 'listed';
  const isLate = last?.ending.kind === 'result' && runs.some(({ atMs }) => atMs > last.atMs);
  // Of a session that is lost the first sending may come late, and the answer was another one's.
  const isAgain = isLate && keepsSessions;
  if (isAgain || (runs.length > 1 && !isQuery)) {
    find('doubled', `ran ${runs.length} times: ${runs.map(({ node }) => node).join(', ')}`);
  }
  for (const { name, openings } of record.written) {
    if (openings > 1) find('doubled', `took its ${name} ${openings} times`);
  }
}

/** The answer is that of a run, and what its procedure was to read of the input is in it. */
function checkCall(about: Case): void {
  const { record, runs, find } = about;
  const { procedure, reading, items } = record.step;
  const ending = record.endings[0]?.ending;
  if (ending === undefined) return;
  const isRead = procedure === 'upload' || procedure === 'survey';
  const stopsAt =
    isRead && reading !== undefined && reading.items <= items ? reading.next : undefined;
  if (ending.kind === 'result') {
    if (runs.every(({ ended }) => ended !== 'result')) {
      find('dishonest', 'has a result that no run gave');
    }
    const { n, count } = (ending.data ?? record) as Partial<Taken>;
    if (n !== record.n) find('dishonest', `has the result of ${n}`);
    if (!isRead) return;
    const due = stopsAt === 'leaves' ? reading?.items : items;
    if (stopsAt === 'throws' || (record.step.fails && stopsAt !== 'leaves')) {
      find('dishonest', 'has a result, and should have failed');
    } else if (count !== due) find('lost', `has taken ${count} items of ${due}`);
  } else if (ending.kind !== 'error') {
    find('dishonest', `ended as a stream does: ${ending.kind}`);
  } else if (ending.outcome === 'failed') {
    if (stopsAt !== 'throws' || runs.every(({ ended }) => ended !== 'error')) {
      find('dishonest', `failed with what no run threw: ${ending.message}`);
    }
  } else {
    if (ending.outcome === 'not-executed' && runs.length > 0) {
      find('dishonest', `was said not to be executed (${describe(ending)}), and ran`);
    }
    const { timeoutMs } = record.step;
    // A server does not keep a session of which it has got nothing.
    const isUnheard = takesStream(procedure) && (record.endings[0]?.atMs ?? 0) <= about.servedAtMs;
    const isLate = timeoutMs !== undefined && ['TIMEOUT', 'CANCELLED'].includes(ending.code ?? '');
    const mayBeLost =
      procedure !== 'listed' &&
      (mayLose(about, ending) || (isUnheard && ending.code === 'SESSION_LOST'));
    if (!isLate && !isGivenUp(about, ending) && !mayBeLost)
      find('lost', `ended ${describe(ending)}`);
  }
}

/** Items of a stream come from one run, as they were given: from the first on, each once. */
function checkItems({ record, find }: Case, { name, by, items }: Read): void {
  const { n, step, written } = record;
  const [first] = items as readonly { readonly data: Streamed }[];
  let last = 0;
  items.forEach((item, at) => {
    const data = item.data as Streamed;
    const i = placeOf(item);
    if (data.n !== n || data.of !== name || data.pad !== padOf(n, step.outLength)) {
      find('dishonest', `got for its ${name} an item of ${data.n}, or not all of it`);
    }
    if (data.by !== first?.data.by) find('doubled', `got its ${name} of several runs`);
    if (i !== last + 1) {
      const law = lawOfMisplaced(items, at, last + 1, 'lost');
      find(law, `got item ${i} of ${name} after ${placeOf(items[at - 1])}`);
    }
    last = Math.max(last, i);
  });
  if (first === undefined) return;
  const source = written.find((one) => one.name === name && one.by === first.data.by);
  const given = source?.readAt.length ?? 0;
  if (last > given) find('dishonest', `got ${last} items of ${name}, of ${given} given`);
  if (by === CALLER && step.procedure !== 'echo' && last > step.items) {
    find('dishonest', `got ${last} items of ${name}, of ${step.items}`);
  }
}

/** Who reads a stream learns of its end, and how it came about. */
function checkReadEnd(about: Case, { name, by, items, ending }: Read): void {
  const { record, find } = about;
  const { step, written } = record;
  if (ending === undefined) return find('silent', `waits for its ${name} for ever`);
  if (ending.kind === 'left') return;
  const mayFail = step.fails && name !== 'right';
  if (ending.kind === 'complete') {
    const isEnded = written.some((one) => one.name === name && one.state === 'ended');
    if (!isEnded) find('dishonest', `was told of the end of ${name}, which has none`);
    if (mayFail) find('dishonest', `was not told that ${name} has failed`);
    if (items.length !== step.items) {
      find('silent', `came to the end of ${name} at item ${items.length} of ${step.items}`);
    }
  } else if (by !== CALLER) {
    return; // Its caller is gone, as that one was told.
  } else if (ending.kind === 'error' && ending.outcome === 'failed') {
    if (!mayFail || name === 'echo') find('dishonest', `failed: ${ending.message}`);
    if (items.length !== step.items) {
      find('silent', `heard that ${name} failed at item ${items.length} of ${step.items}`);
    }
  } else if (!isGivenUp(about, ending) && !mayLose(about, ending)) {
    find('lost', `ended its ${name} with ${describe(ending)}`);
  }
}

/** A source gives no more than it is asked for, and is ended or closed in the end. */
function checkWritten({ record, find }: Case, { name, readAt, state, lateAsks }: Written): void {
  if (state === 'open') find('leaked', `still has its ${name} open`);
  if (lateAsks > 0) find('out-of-order', `asked for ${lateAsks} items behind the end of ${name}`);
  const bytesMin = padOf(record.n, record.step.outLength).length;
  for (const [at, read] of readAt.entries()) {
    const ahead = at + 1 - read;
    const isWide = ahead > (read === 0 ? WINDOW : WINDOW_MAX);
    if (isWide || (ahead - 1) * bytesMin > WINDOW_BYTES_MAX)
      return find('unbounded', `was given item ${at + 1} of ${name} when ${read} were read`);
  }
}

/** Who makes the call has ended it. */
function isGivenUp({ record, isClosed }: Case, ending: Ending): boolean {
  if (ending.kind !== 'error') return false;
  const { abortAfterMs, procedure, fails } = record.step;
  return (
    (ending.code === 'ABORTED' &&
      (abortAfterMs !== undefined || (fails && takesStream(procedure)))) ||
    (isClosed && ending.code === 'CLOSED')
  );
}

function mayLose({ keepsSessions }: Case, ending: Ending): boolean {
  return !keepsSessions && ending.kind === 'error' && ending.code === 'SESSION_LOST';
}

function takesStream(procedure: ProcedureName): boolean {
  return procedure === 'upload' || procedure === 'survey' || procedure === 'echo';
}
