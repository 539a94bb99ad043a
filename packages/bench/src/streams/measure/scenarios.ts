import type { LoadKind } from '../../cell.ts';
import type { FlowRequest } from '../load/flow.ts';
import type { BulkRequest } from '../systems/system.ts';
import { BULK_SHAPES } from '../workload.ts';

/** Items as fast as they go: down is a subscription, up a stream of an input. */
export interface Flow extends FlowRequest {
  readonly direction: 'down' | 'up';
}

/** A slow source. */
export interface Ticks {
  readonly everyMs: number;
  readonly count: number;
}

/** Small calls, alone or beside something large. */
export interface Calls {
  readonly kind: LoadKind;
  readonly beside: BulkRequest | undefined;
  readonly durationMs: number;
}

/** Readers that stop to read. */
export interface Paused {
  readonly connections: number;
  /** Of an item. */
  readonly bytes: number;
  /** What each has read before it stops, and reads afterwards. */
  readonly items: number;
  /** The source waits where so long nothing was taken of it. */
  readonly stillMs: number;
  /** Where the server has grown by so much, its sources end. */
  readonly growthBytesMax: number;
}

/** What is measured in each round. */
export interface Scenarios {
  readonly flows: readonly Flow[];
  readonly ticks: readonly Ticks[];
  readonly calls: readonly Calls[];
  readonly paused: readonly Paused[];
}

const MIB = 1_048_576;

export function scenariosOf(isQuick: boolean, windowMs: number): Scenarios {
  const [small, large] = isQuick ? [640, 128] : [50_000, 10_000];
  const itemBytes = isQuick ? MIB / 4 : MIB;
  const items = isQuick ? 4 : 50;
  const durationMs = isQuick ? 40 : windowMs;
  const beside: readonly (BulkRequest | undefined)[] = [
    undefined,
    ...BULK_SHAPES.map((shape) => ({ shape, bytes: itemBytes, items })),
    ...BULK_SHAPES.map((shape) => ({ shape, bytes: itemBytes * items, items: 0 })),
  ];
  const paused = {
    bytes: 10_000,
    items: 100,
    stillMs: isQuick ? 100 : 2_000,
    growthBytesMax: (isQuick ? 32 : 512) * MIB,
  };
  return {
    flows: (['down', 'up'] as const).flatMap((direction) => [
      { direction, bytes: 100, count: small },
      { direction, bytes: 10_000, count: large },
    ]),
    ticks: [{ everyMs: 10, count: isQuick ? 5 : 200 }],
    calls: (['lean', 'own'] as const).flatMap((kind) =>
      beside.map((request) => ({ kind, beside: request, durationMs })),
    ),
    paused: [1, isQuick ? 5 : 50].map((connections) => ({ ...paused, connections })),
  };
}
