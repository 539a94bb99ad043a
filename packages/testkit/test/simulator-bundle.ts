import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build, type Plugin } from 'esbuild';
import type { SeedRange, SeedResult } from '../src/simulator/seeds.ts';

const PACKAGES = fileURLToPath(new URL('../..', import.meta.url));

/** A change to one place of the real source: `find` occurs in the file exactly once. */
export interface Mutation {
  /** Below `packages`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * Puts the simulator and the sources of all that it runs into one file, for a worker. A mutation plants
 * a bug in it: the packages themselves know nothing of that.
 */
export async function bundleSimulator(mutations: readonly Mutation[] = []): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openline-simulator-'));
  const outfile = join(folder, 'simulator.mjs');
  await build({
    entryPoints: [join(PACKAGES, 'testkit/src/cli.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@openline/source'],
    // What of it is CommonJS asks for modules of Node.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [plant(mutations)],
    logLevel: 'silent',
  });
  return outfile;
}

function plant(mutations: readonly Mutation[]): Plugin {
  return {
    name: 'plant',
    setup({ onLoad, onEnd }) {
      const planted = new Set<Mutation>();
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const ours = mutations.filter(({ file }) => path === join(PACKAGES, file));
        if (ours.length === 0) return undefined;
        let contents = await readFile(path, 'utf8');
        for (const mutation of ours) {
          const parts = contents.split(mutation.find);
          if (parts.length !== 2) {
            const text = `${mutation.file} has ${parts.length - 1} times: ${mutation.find}`;
            return { errors: [{ text }] };
          }
          contents = parts.join(mutation.replace);
          planted.add(mutation);
        }
        return { contents, loader: 'ts' };
      });
      onEnd(() => {
        const missing = mutations.filter((mutation) => !planted.has(mutation));
        return { errors: missing.map(({ file }) => ({ text: `${file} is no part of it` })) };
      });
    },
  };
}

/** Runs seeds in a worker of their own. */
export function runInWorker(bundle: string, range: SeedRange): Promise<SeedResult[]> {
  return new Promise((resolve, reject) => {
    const results: SeedResult[] = [];
    const worker = new Worker(bundle, { workerData: range });
    worker.on('message', (result: SeedResult) => results.push(result));
    worker.once('error', reject);
    worker.once('exit', () => resolve(results));
  });
}
