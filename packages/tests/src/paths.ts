import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export const TESTS = join(ROOT, 'packages/tests');

/** `PATH` with the binaries of this package and of the top before all others. */
export const PATH = [
  join(TESTS, 'node_modules/.bin'),
  join(ROOT, 'node_modules/.bin'),
  process.env['PATH'] ?? '',
].join(delimiter);

/** A file of `packages/tests/config`, from the top. */
export function config(file: string): string {
  return `packages/tests/config/${file}`;
}

/** The compilers that the packages are checked with. The first one builds them. */
export const COMPILERS = {
  '6.0': join(TESTS, 'node_modules/typescript/bin/tsc'),
  '5.9': join(TESTS, 'node_modules/typescript-5.9/bin/tsc'),
  '7.0': join(TESTS, 'node_modules/typescript-7.0/bin/tsc'),
} as const;

/** The folders of `packages` and `examples` that hold the file, from the top. */
export async function workspacesWith(file: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const group of ['packages', 'examples']) {
    for (const entry of await readdir(join(ROOT, group), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const files = await readdir(join(ROOT, group, entry.name));
      if (files.includes(file)) found.push(`${group}/${entry.name}`);
    }
  }
  return found.sort();
}
