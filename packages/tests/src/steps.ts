import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { COMPILERS, config, ROOT, workspacesWith } from './paths.ts';
import type { Step, StepResult } from './step.ts';
import { runVitest } from './vitest-step.ts';

/** In the order in which they run: what is quick and finds much comes first. */
export const STEPS: readonly Step[] = [
  tool('format', 'prettier', 'prettier', ['--check', '--log-level=warn', '.']),
  tool('manifests', 'the package.json files agree (sherif)', 'sherif', [
    '--fail-on-warnings',
    // The package manager is named in `engines`; this field would make corepack fetch one.
    '--ignore-rule=root-package-manager-field',
  ]),
  tool('build', 'the packages compile (tsc -b)', process.execPath, [COMPILERS['6.0'], '-b']),
  {
    name: 'types',
    purpose: 'tests, bench and examples type-check',
    needs: ['build'],
    run: async () =>
      result(await run(process.execPath, [COMPILERS['6.0'], '-b', ...(await rest())])),
  },
  tool('lint', 'oxlint, with types', 'oxlint', [
    `--config=${config('oxlint.jsonc')}`,
    '--deny-warnings',
    '--report-unused-disable-directives-severity=error',
  ]),
  tool('walls', 'imports run one way (dependency-cruiser)', 'depcruise', [
    `--config=${config('dependency-cruiser.mjs')}`,
    'packages',
    'examples',
  ]),
  tool('unused', 'no file, export or dependency without a use (knip)', 'knip', [
    `--config=${config('knip.json')}`,
    '--no-progress',
    '--treat-config-hints-as-errors',
  ]),
  {
    ...tool('examples', 'the examples build', 'npx', [
      ...['-y', 'pnpm@12', '--filter=./examples/*', 'run', 'build'],
    ]),
    needs: ['build'],
  },
  {
    name: 'test',
    purpose: 'unit, property, end-to-end, type and browser tests (vitest)',
    needs: ['build', 'examples'],
    run: () => runVitest('tests'),
  },
  {
    name: 'packages',
    purpose: 'the packed packages work in a project of their own',
    needs: ['build'],
    run: () => runVitest('packaging'),
  },
  {
    ...tool('bench', 'every system of the bench answers rightly', 'npx', [
      ...['-y', 'pnpm@12', '--filter=@openline/bench', 'run', 'bench', '--short'],
    ]),
    needs: ['build'],
  },
  {
    name: 'size',
    purpose: 'the client stays small (size-limit)',
    needs: ['build'],
    run: async () => {
      const cwd = join(ROOT, 'packages/client');
      return result(await run(join(cwd, 'node_modules/.bin/size-limit'), [], { cwd }));
    },
  },
];

function tool(name: string, purpose: string, file: string, args: readonly string[]): Step {
  return { name, purpose, needs: [], run: async () => result(await run(file, args)) };
}

function result({ succeeded, output }: { succeeded: boolean; output: string }): StepResult {
  return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0, output };
}

/** The projects that the build leaves out. A new folder is checked without being listed anywhere. */
async function rest(): Promise<readonly string[]> {
  const top = JSON.parse(await readFile(join(ROOT, 'tsconfig.json'), 'utf8')) as {
    readonly references: readonly { readonly path: string }[];
  };
  const built = new Set(top.references.map(({ path }) => path));
  return (await workspacesWith('tsconfig.json')).filter((path) => !built.has(path));
}
