import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { run } from '../src/command.ts';
import { COMPILERS, ROOT, TESTS } from '../src/paths.ts';
import { isInstalled, NODES, packCommand, PUBLISHED, type Packed } from './packed.ts';

/** Packs what is published and installs it into a copy of `project`, away from the workspace. */
export async function setup(vitest: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'openline-packaging-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    vitest.provide('packed', await packAndInstall(folder));
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

async function packAndInstall(folder: string): Promise<Packed> {
  await mustRun(process.execPath, [COMPILERS['6.0'], '-b']);

  const tarballs: Record<string, string> = {};
  for (const name of PUBLISHED) {
    const destination = join(folder, name);
    const [file = '', ...args] = packCommand(name, destination);
    await mustRun(file, args);
    const [tarball] = await readdir(destination);
    if (tarball === undefined) throw new Error(`Packing ${name} made no file.`);
    tarballs[name] = join(destination, tarball);
  }

  const nodes = Object.entries(NODES).flatMap(([name, what]) =>
    isInstalled(name as keyof typeof NODES) ? [`${name}@${what}`] : [],
  );
  const project = join(folder, 'project');
  await cp(join(TESTS, 'packaging/project'), project, { recursive: true });
  await mustRun(
    'npm',
    [
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      ...Object.values(tarballs),
      ...nodes,
    ],
    project,
  );
  return { tarballs, project };
}

async function mustRun(file: string, args: readonly string[], cwd = ROOT): Promise<void> {
  const { succeeded, output } = await run(file, args, { cwd });
  if (!succeeded) throw new Error(`${[file, ...args].join(' ')}\n${output}`);
}
