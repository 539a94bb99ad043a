import { markdownTable } from 'markdown-table';
import type { Summary } from './summary.ts';

export function formatTable(title: string, rows: readonly (readonly string[])[]): string {
  const align = rows[0]?.map((_, column) => (column === 0 ? 'l' : 'r')) ?? [];
  return `### ${title}\n\n${markdownTable(rows, { align })}\n`;
}

/** The median, and the range where there was more than one round. */
export function formatSummary({ median, min, max }: Summary): string {
  if (min === max) return formatNumber(median);
  return `${formatNumber(median)} [${formatNumber(min)}–${formatNumber(max)}]`;
}

function formatNumber(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
