import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { describeMachine, formatMachine } from '../report/machine.ts';
import { summarize } from '../report/summary.ts';
import { FRAMES } from './frames.ts';
import { measure, type Taken } from './measure.ts';
import { pageBytes } from './page-size.ts';
import { SUBJECTS } from './subjects.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const rounds = Number(values.rounds);

console.log(`${formatMachine(describeMachine())}\n${rounds} rounds: µs to encode and decode once,`);
console.log(
  'median [min–max], and bytes on the wire. —: it does not give back what it was given.\n',
);
const taken = FRAMES.map(({ frame, times }) => measure(SUBJECTS, frame, { rounds, times }));
const rows = SUBJECTS.map((subject) => [
  subject.name,
  ...taken.map((bySubject) => format(bySubject.get(subject))),
]);
const sizes = await Promise.all(
  SUBJECTS.map(async ({ page }) => (page === undefined ? '0' : `${await pageBytes(page)}`)),
);
const head = ['', ...FRAMES.map(({ name }) => name), 'min+gzip, bytes'];
console.log(markdownTable([head, ...rows.map((row, i) => [...row, sizes[i] ?? ''])]));

function format(of: Taken | undefined): string {
  if (of === undefined) return '—';
  const { median, min, max } = summarize(of.micros);
  const [middle, low, high] = [median, min, max].map((micros) => Number(micros.toPrecision(3)));
  return `${middle} [${low}–${high}], ${of.bytes} B`;
}
