// What `npx -y pnpm@12 start` runs: builds the packages and the page, and serves them.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askedPort, checkPort, fail } from './port.ts';

const EXAMPLE = fileURLToPath(new URL('..', import.meta.url));
const { resolve } = createRequire(import.meta.url);

// First of all: who has to choose another port need not wait for a build.
await checkPort(askedPort());
build(join(EXAMPLE, '../..'), 'typescript', 'bin/tsc', '-b');
build(EXAMPLE, 'vite', 'bin/vite.js', 'build', '--logLevel', 'warn');
await import('./server.ts'); // Not before there is what it imports.

/** Runs a tool of this folder; what it has to complain of is shown by itself. */
function build(cwd: string, tool: string, file: string, ...args: readonly string[]): void {
  const program = join(dirname(resolve(`${tool}/package.json`)), file);
  const { status } = spawnSync(process.execPath, [program, ...args], { cwd, stdio: 'inherit' });
  if (status !== 0) fail(`It cannot be started: ${tool} failed.`);
}
