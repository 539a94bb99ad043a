import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { SYSTEMS, type SystemName } from '../systems/index.ts';

/** Where the numbers come from: without it they mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  /** Processes that wanted to run in the last minute, before this one began. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()}`,
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

export function formatMachine({ cpu, cores, memoryGiB, os, node, loadAverage }: Machine): string {
  const busy = `load average ${loadAverage.toFixed(1)}`;
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node}, ${busy}`;
}

/** Of every package that is part of a comparison. */
export async function readVersions(
  systems: readonly SystemName[],
): Promise<Readonly<Record<string, string>>> {
  const { resolve } = createRequire(import.meta.url);
  const names = new Set<string>(systems.flatMap((system) => SYSTEMS[system].packages));
  const versions: Record<string, string> = {};
  for (const name of names) {
    const text = await readFile(resolve(`${name}/package.json`), 'utf8');
    versions[name] = (JSON.parse(text) as { readonly version: string }).version;
  }
  return versions;
}

export function formatVersions(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
