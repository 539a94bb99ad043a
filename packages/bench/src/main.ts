import { writeFile } from 'node:fs/promises';
import { Failures } from './measure/failures.ts';
import { runMemory } from './measure/memory.ts';
import { runRounds } from './measure/rounds.ts';
import { HELP, parseOptions, type Options } from './options.ts';
import { killAllChildren } from './processes/child.ts';
import { describeMachine, formatMachine, formatVersions, readVersions } from './report/machine.ts';
import { BEFORE_VARIABLE } from './systems/before-variable.ts';
import { toJson } from './report/json.ts';
import { formatMemory, formatSeries } from './report/tables.ts';
import { verdicts } from './report/verdicts.ts';
import { benchStreams } from './streams/command.ts';
import { parseStreamOptions, QUICK_STREAMS, STREAM_HELP } from './streams/options.ts';

/** The exit code: 0, or 1 when a system failed. */
async function bench(options: Options): Promise<number> {
  if (options.before !== undefined) process.env[BEFORE_VARIABLE] = options.before;
  const machine = describeMachine();
  const versions = await readVersions(options.systems);
  console.log(`${formatMachine(machine)}\n${formatVersions(versions)}`);
  console.log(`${options.rounds} × ${options.windowMs / 1_000} s: median [min–max]\n`);

  const failures = new Failures();
  const series = await runRounds(options, failures, progress);
  const memory = await runMemory(options, failures, progress);

  for (const table of series) console.log(formatSeries(table));
  if (options.idleConnections > 0) console.log(formatMemory(memory, options.idleConnections));
  if (options.short) console.log('This was a short run: what follows is not how fast it is.');
  for (const verdict of verdicts(series, memory)) console.log(verdict);
  if (options.jsonFile !== undefined) {
    const report = { machine, versions, options, series, memory, failures: failures.list };
    await writeFile(options.jsonFile, toJson(report));
  }
  for (const { what, message } of failures.list) console.error(`FAILED ${what}: ${message}`);
  return failures.list.length === 0 ? 0 : 1;
}

/** To stderr, so that the report can be piped. */
function progress(what: string): void {
  console.error(`… ${what}`);
}

/** What is asked for; `undefined`, and the exit code is set, when there is nothing to run. */
function readCommandLine(args: readonly string[]): (() => Promise<number>) | undefined {
  const isStreams = args[0] === 'streams';
  const help = isStreams ? STREAM_HELP : HELP;
  try {
    if (isStreams) {
      const options = parseStreamOptions(args.slice(1));
      if (options !== 'help') return () => benchStreams(options, progress);
    } else {
      const options = parseOptions(args);
      if (options !== 'help') return () => (options.short ? benchBoth(options) : bench(options));
    }
    console.log(help);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    process.exitCode = 2;
  }
  return undefined;
}

async function benchBoth(options: Options): Promise<number> {
  return Math.max(await bench(options), await benchStreams(QUICK_STREAMS, progress));
}

process.once('exit', killAllChildren);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}
const run = readCommandLine(process.argv.slice(2));
if (run !== undefined) process.exitCode = await run();
