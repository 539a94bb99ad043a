import { describe, expect, it } from 'vitest';
import type { StreamResults } from '../src/streams/measure/rounds.ts';
import { scenariosOf } from '../src/streams/measure/scenarios.ts';
import { streamVerdicts } from '../src/streams/report/verdicts.ts';

const NOTHING: StreamResults = { flows: [], ticks: [], calls: [], paused: [] };
const MIB = 1_048_576;

const flow = (...micros: readonly number[]) =>
  micros.map((cpuMicros, index) => ({
    ...{ round: index + 1, itemsPerSecond: 1, busy: 1 },
    cpuMicros,
  }));
const latency = (...micros: readonly number[]) =>
  micros.map((p99Micros, index) => ({
    ...{ round: index + 1, count: 1, p50Micros: 1, slowestMicros: 1 },
    p99Micros,
  }));
const paused = (kib: number, isShut: boolean) => ({
  ...{ round: 1, rssBytes: 0, itemsAhead: 1 },
  heapBytes: kib * 1_024,
  isShut,
});

describe('the verdicts of a run of streams', () => {
  it('hold what an item costs against stock tRPC, each round against the same round', () => {
    const what = { direction: 'down', bytes: 10_000, count: 1 } as const;
    const samples = new Map([
      ['trpc-ws', flow(100, 50, 10)],
      ['openline', flow(90, 60, 9)],
    ] as const);
    expect(streamVerdicts({ ...NOTHING, flows: [{ what, samples }] })).toEqual([
      'goal 1.00 ÷ stock tRPC, server CPU down, items of 10 kB: met (0.90)',
    ]);
  });

  it('say nothing of an upload, which has nothing beside it', () => {
    const what = { direction: 'up', bytes: 100, count: 1 } as const;
    const samples = new Map([['openline', flow(1)]] as const);
    expect(streamVerdicts({ ...NOTHING, flows: [{ what, samples }] })).toEqual([]);
  });

  it('hold small calls beside something large against the same calls alone', () => {
    const calls = { kind: 'lean', durationMs: 1 } as const;
    const items = { shape: 'text', bytes: MIB, items: 50 } as const;
    const result = { shape: 'rows', bytes: 50 * MIB, items: 0 } as const;
    const series = [
      { what: { ...calls, beside: undefined }, samples: ofOpenline(latency(10, 20, 30)) },
      { what: { ...calls, beside: items }, samples: ofOpenline(latency(30, 60, 91)) },
      { what: { ...calls, beside: result }, samples: ofOpenline(latency(31, 62, 90)) },
    ];
    expect(streamVerdicts({ ...NOTHING, calls: series })).toEqual([
      'goal 3 ÷ p99 alone, beside 50 items of 1 MiB, text: met (3.0)',
      'goal 3 ÷ p99 alone, beside a result of 50 MiB, rows: missed (3.1)',
    ]);
  });

  it('hold no goal of the server against clients that parse what is large themselves', () => {
    const { calls } = scenariosOf(true, 0);
    const own = calls.filter(({ kind }) => kind === 'own');
    const series = own.map((what) => ({ what, samples: ofOpenline(latency(1)) }));
    expect(streamVerdicts({ ...NOTHING, calls: series })).toEqual([]);
  });

  it.each([
    { kib: 2_048, isShut: false, verdict: 'met (2048)' },
    { kib: 2_049, isShut: false, verdict: 'missed (2049)' },
    { kib: 1, isShut: true, verdict: 'missed (1)' },
  ])('call $kib KiB a reader that stops $verdict', ({ kib, isShut, verdict }) => {
    const what = { connections: 50, bytes: 10_000, items: 1, stillMs: 1, growthBytesMax: MIB };
    const series = { what, samples: ofOpenline([paused(kib, isShut)]) };
    expect(streamVerdicts({ ...NOTHING, paused: [series] })).toEqual([
      `goal 2048 KiB of heap a reader that stops, 50 connections, items of 10 kB: ${verdict}`,
    ]);
  });
});

function ofOpenline<Sample>(samples: Sample[]) {
  return new Map([['openline', samples]] as const);
}
