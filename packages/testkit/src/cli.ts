/** Runs the simulator over many seeds: in this file the command, and what each of its workers does. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { runSeeds, type Failure, type SeedRange, type SeedResult } from './simulator/seeds.ts';

const HELP = `pnpm simulate [options]

  --seeds <n>     how many stories to run (default 10000)
  --from <n>      the first seed (default 1)
  --jobs <n>      how many at a time (default: one for each processor)
  --failures <n>  how many failing seeds to wait for (default 3)
  --help

One seed is one story: \`pnpm simulate --from 4711 --seeds 1\` tells that of seed 4711 again.
The process fails when a story breaks a promise.
`;

/** How often it is said how far it is, in milliseconds. */
const PROGRESS_MS = 10_000;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly failures: number;
}

if (isMainThread) process.exitCode = await main();
else await work();

async function work(): Promise<void> {
  for await (const result of runSeeds(workerData as SeedRange)) {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- It is no window.
    parentPort?.postMessage(result);
  }
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  const { seeds, from, jobs, failures: failuresMax } = options;
  const startedAtMs = performance.now();
  const failures: Failure[] = [];
  let ran = 0;
  const sayHowFar = (): void => {
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const rate = Math.round(ran / seconds);
    console.log(`${ran} seeds in ${seconds.toFixed(1)} s: ${rate} a second`);
  };
  const timer = setInterval(sayHowFar, PROGRESS_MS);
  await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const count = Math.ceil((seeds - job) / jobs);
      const range: SeedRange = { from: from + job, count, stride: jobs, failuresMax };
      return runWorker(range, ({ failure }) => {
        ran++;
        if (failure === undefined) return;
        failures.push(failure);
        console.log(failure.story);
      });
    }),
  );
  clearInterval(timer);
  sayHowFar();
  const seedsOf = failures.map(({ seed }) => seed).join(', ');
  console.log(failures.length === 0 ? 'nothing was found' : `found with the seeds ${seedsOf}`);
  return failures.length === 0 ? 0 : 1;
}

function runWorker(range: SeedRange, onResult: (result: SeedResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: range });
    worker.on('message', onResult);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a worker ended with code ${code}`));
    });
  });
}

/** `undefined` where help is asked for. @throws an Error whose message is for the user. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    // `pnpm simulate -- --seeds 1` hands on the first of these as well.
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      seeds: { type: 'string', default: '10000' },
      from: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      failures: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [seeds, from] = [wholeNumber('seeds', values.seeds), wholeNumber('from', values.from)];
  const [jobs, failures] = [
    wholeNumber('jobs', values.jobs),
    wholeNumber('failures', values.failures),
  ];
  return { seeds, from, jobs: Math.min(jobs, seeds), failures };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`--${name} is a whole number of at least 1`);
}
