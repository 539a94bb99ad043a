import { writeFile } from 'node:fs/promises';
import { Failures } from '../measure/failures.ts';
import { toJson } from '../report/json.ts';
import { describeMachine, formatMachine, formatVersions, readVersions } from '../report/machine.ts';
import { runStreamRounds } from './measure/rounds.ts';
import type { StreamOptions } from './options.ts';
import { formatStreams } from './report/tables.ts';
import { streamVerdicts } from './report/verdicts.ts';

/** The exit code: 0, or 1 when a system failed. */
export async function benchStreams(
  options: StreamOptions,
  progress: (what: string) => void,
): Promise<number> {
  const { rounds, systems, scenarios, quick } = options;
  const machine = describeMachine();
  const versions = await readVersions(systems);
  console.log(`${formatMachine(machine)}\n${formatVersions(versions)}`);
  console.log(`streams, ${rounds} rounds: median [min–max]\n`);

  const failures = new Failures();
  const run = { scenarios, systems, rounds, warmsUp: !quick, failures, progress };
  const results = await runStreamRounds(run);

  for (const table of formatStreams(results)) console.log(table);
  if (quick) console.log('This was a short run: what follows is not how fast it is.');
  for (const verdict of streamVerdicts(results)) console.log(verdict);
  if (options.jsonFile !== undefined) {
    const report = { machine, versions, options, results, failures: failures.list };
    await writeFile(options.jsonFile, toJson(report));
  }
  for (const { what, message } of failures.list) console.error(`FAILED ${what}: ${message}`);
  return failures.list.length === 0 ? 0 : 1;
}
