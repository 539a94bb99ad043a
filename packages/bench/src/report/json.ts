import type { Failure } from '../measure/failures.ts';
import type { MemorySamples } from '../measure/memory.ts';
import type { Series } from '../measure/rounds.ts';
import type { Options } from '../options.ts';
import type { StreamResults } from '../streams/measure/rounds.ts';
import type { StreamOptions } from '../streams/options.ts';
import type { Machine } from './machine.ts';

export interface Report {
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly options: Options;
  readonly series: readonly Series[];
  readonly memory: MemorySamples;
  readonly failures: readonly Failure[];
}

export interface StreamReport {
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly options: StreamOptions;
  readonly results: StreamResults;
  readonly failures: readonly Failure[];
}

/** Every sample, not only what the tables say of them: two runs can be compared later. */
export function toJson(report: Report | StreamReport): string {
  const asObject = (_key: string, value: unknown): unknown =>
    value instanceof Map ? Object.fromEntries(value) : value;
  return JSON.stringify(report, asObject, 2) + '\n';
}
