import type { Finding } from './case.ts';
import type { CallRecord, History, SeenItem } from './history.ts';
import type { WorkOutput } from './work.ts';

/** A call with more input than that may be overtaken: it goes in pieces, between others. */
const SMALL_LENGTH = 1_000;

/** Small mutations of one line start in the order in which they were made, while its session lives. */
export function checkOrder(history: History, findings: Finding[]): void {
  const latest = new Map<number, { readonly n: number; readonly order: number }>();
  for (const { step, n } of history.calls) {
    const order = history.runs.get(n)?.[0]?.order;
    if (step.procedure !== 'set' || step.inLength > SMALL_LENGTH || order === undefined) continue;
    if (history.expiredLines.has(step.line)) continue;
    const before = latest.get(step.line);
    if (before !== undefined && before.order > order) {
      findings.push({ law: 'out-of-order', what: `set(${n}) ran before set(${before.n})` });
    }
    latest.set(step.line, { n, order });
  }
}

/** What is wrong where item `at` is not the one that was due: it came before, or its time was another. */
export function lawOfMisplaced(
  items: readonly SeenItem[],
  at: number,
  dueI: number,
  otherwise: 'lost' | 'silent',
): 'doubled' | 'out-of-order' | 'lost' | 'silent' {
  const i = placeOf(items[at]);
  const isThere = (from: number, to: number, place: number): boolean =>
    items.slice(from, to).some((item) => placeOf(item) === place);
  if (isThere(0, at, i)) return 'doubled';
  if (i < dueI || isThere(at + 1, items.length, dueI)) return 'out-of-order';
  return otherwise;
}

/** Items of a call, over all its restarts. */
export function allItems({ segments }: CallRecord): readonly SeenItem[] {
  return segments.flatMap(({ items }) => items);
}

export function placeOf(item: SeenItem | undefined): number {
  return (item?.data as WorkOutput | undefined)?.i ?? 0;
}
