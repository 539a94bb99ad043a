import type { Case } from './case.ts';
import { allItems, lawOfMisplaced, placeOf } from './check-order.ts';
import { describe, type SeenItem } from './history.ts';
import { padOf, type WorkOutput } from './work.ts';

/** Subscriptions: each item once and in order, or the caller is told that some are missing. */
export function checkStream(about: Case): void {
  const { record, find, keepsSessions } = about;
  const { procedure } = record.step;
  for (const { items } of record.segments) for (const item of items) checkItem(about, item);
  if (procedure === 'tracked' || procedure === 'mixed') checkTracked(about);
  if (procedure !== 'tracked') checkUntracked(about);
  if (keepsSessions && record.segments.length > 1) {
    find('lost', 'was told of a restart, though no session may be lost');
  }
  checkEnd(about);
}

function checkItem({ record, find }: Case, { id, data }: SeenItem): void {
  const { n, step } = record;
  const { n: itsOwn, i, pad } = data as WorkOutput;
  if (itsOwn !== n || pad !== padOf(n, step.outLength)) {
    find('dishonest', `got an item of ${itsOwn}, or not all of it`);
  }
  const isTracked = step.procedure === 'tracked' || (step.procedure === 'mixed' && i % 3 === 0);
  if (isTracked !== (id === `${i}`)) find('dishonest', `got item ${i} with the id ${id}`);
}

/** Tracked items come once, whatever happens. */
function checkTracked({ record, find }: Case): void {
  const every = record.step.procedure === 'mixed' ? 3 : 1;
  const items = allItems(record).filter(({ id }) => id !== undefined);
  let last = 0;
  items.forEach((item, at) => {
    const i = placeOf(item);
    if (i !== last + every) {
      const law = lawOfMisplaced(items, at, last + every, 'lost');
      find(law, `got the tracked item ${i} after ${placeOf(items[at - 1])}`);
    }
    last = Math.max(last, i);
  });
}

/** Between two restarts of which the caller was told there is no hole. */
function checkUntracked({ record, find, keepsSessions }: Case): void {
  const { procedure } = record.step;
  let lastTracked = 0;
  for (const { items } of record.segments) {
    let last: number | undefined;
    items.forEach((item, at) => {
      const i = placeOf(item);
      const before = placeOf(items[at - 1]);
      const isFirst = last === undefined && (i === 1 || i === lastTracked + 1);
      // After the last tracked item the stream goes on, on a session of its own.
      const isAgain = procedure === 'mixed' && !keepsSessions && i === lastTracked + 1;
      if (!isFirst && !isAgain && i !== (last ?? 0) + 1) {
        const law = lawOfMisplaced(items, at, (last ?? 0) + 1, 'silent');
        find(law, `got item ${i} after ${last === undefined ? 'a restart' : before}`);
        last = Math.max(last ?? 0, i);
      } else last = i;
      if (item.id !== undefined) lastTracked = i;
    });
  }
}

function checkEnd(about: Case): void {
  const { record, find, isClosed } = about;
  const { items, fails, procedure } = record.step;
  const ending = record.endings[0]?.ending;
  if (ending === undefined || ending.kind === 'left') return;
  // Who closes the line ends its streams.
  if (isClosed && ending.kind === 'complete') return;
  const isAnswered = ending.kind === 'error' && ending.outcome === 'failed';
  if (fails ? !isAnswered : ending.kind !== 'complete') {
    return isClosed && ending.kind === 'error' && ending.code === 'CLOSED'
      ? undefined
      : find(isAnswered ? 'dishonest' : 'lost', `ended ${describe(ending)}`);
  }
  const all = procedure === 'tracked' ? allItems(record) : (record.segments.at(-1)?.items ?? []);
  const seen = placeOf(all.at(-1));
  if (seen !== items) find('silent', `ended at item ${seen} of ${items}`);
}
