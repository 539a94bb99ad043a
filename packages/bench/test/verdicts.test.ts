import { describe, expect, it } from 'vitest';
import { parseCell } from '../src/cell.ts';
import type { Series } from '../src/measure/rounds.ts';
import type { Sample } from '../src/measure/sample.ts';
import { verdicts } from '../src/report/verdicts.ts';
import type { SystemName } from '../src/systems/index.ts';

type Figures = Partial<Record<SystemName, readonly Partial<Sample>[]>>;

const IDLE: Sample = {
  ...{ round: 1, calls: 1, cpuMicros: 1, callsPerSecond: 1, p50Micros: 1, p99Micros: 1, busy: 1 },
};

function series(cell: string, figures: Figures, kind: Series['kind'] = 'lean'): Series {
  const samples = Object.entries(figures).map(
    ([name, taken]) =>
      [
        name as SystemName,
        taken.map((figure, index) => ({ ...IDLE, round: index + 1, ...figure })),
      ] as const,
  );
  return { kind, cell: parseCell(cell), samples: new Map(samples) };
}

const cpu = (...micros: readonly number[]) => micros.map((cpuMicros) => ({ cpuMicros }));
const rate = (...perSecond: readonly number[]) =>
  perSecond.map((callsPerSecond) => ({ callsPerSecond }));
const heap = (...kib: readonly number[]) =>
  kib.map((each) => ({ heapBytes: each * 1_024, rssBytes: 0 }));

describe('the verdicts of a run', () => {
  it('say of each goal whether it was met, each round against the same round', () => {
    const tables = [
      series('1x1', { 'raw-ws': cpu(80, 100, 120), openline: cpu(100, 126, 156) }),
      series('50x16', { 'trpc-ws': cpu(100, 50, 100), openline: cpu(18, 9, 30) }),
    ];
    expect(verdicts(tables, new Map())).toEqual([
      'goal 0.20 ÷ stock tRPC at 50 × 16: met (0.18)',
      'goal 1.25 ÷ raw ws at 1 × 1: missed (1.26)',
    ]);
  });

  it.each([
    { openline: 20, verdict: 'met (0.20)' },
    { openline: 20.01, verdict: 'missed (0.20)' },
  ])('hold a goal to be $verdict at $openline of 100', ({ openline, verdict }) => {
    const tables = [series('50x16', { 'trpc-ws': cpu(100), openline: cpu(openline) })];
    expect(verdicts(tables, new Map())).toEqual([`goal 0.20 ÷ stock tRPC at 50 × 16: ${verdict}`]);
  });

  it('say what sessions cost where the version before is measured too', () => {
    const tables = [
      series('50x16', { openline: rate(96, 190, 97), 'openline-before': rate(100, 200, 100) }),
    ];
    const memory = new Map([
      ['openline', heap(9, 10, 11)],
      ['openline-before', heap(7.5, 7.5, 7.5)],
    ] as const);
    expect(verdicts(tables, memory)).toEqual([
      'sessions cost 4.0 % of throughput at 50 × 16 (at most 5 %: met), 2.50 KiB an idle connection (at most 2: missed)',
    ]);
  });

  it('are about the lean load alone, and about nothing that was not measured', () => {
    const figures = { 'trpc-ws': cpu(100), openline: cpu(10) };
    const tables = [
      series('50x16', figures, 'own'),
      series('1x64', figures),
      series('50x16', { 'trpc-ws': cpu(100), openline: [] }),
    ];
    expect(verdicts(tables, new Map([['openline', heap(9)]]))).toEqual([]);
  });
});
