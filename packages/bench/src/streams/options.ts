import { parseArgs } from 'node:util';
import { fileOf, parseList, parseNumber, SECONDS } from '../options.ts';
import { scenariosOf, type Scenarios } from './measure/scenarios.ts';
import { isStreamSystemName, STREAM_SYSTEM_NAMES, type StreamSystemName } from './systems/index.ts';

export interface StreamOptions {
  readonly rounds: number;
  readonly systems: readonly StreamSystemName[];
  readonly scenarios: Scenarios;
  readonly jsonFile: string | undefined;
  readonly quick: boolean;
}

/** For CI: one brief round of everything. */
export const QUICK_STREAMS: StreamOptions = {
  rounds: 1,
  systems: STREAM_SYSTEM_NAMES,
  scenarios: scenariosOf(true, 0),
  jsonFile: undefined,
  quick: true,
};

type Part = keyof Scenarios;
const PARTS: readonly Part[] = ['flows', 'ticks', 'calls', 'paused'];

export const STREAM_HELP = `pnpm bench streams [options]

  --rounds <n>        measured rounds over all systems (default 5)
  --seconds <s>       least length of a measurement of small calls (default 1)
  --systems <list>    of ${STREAM_SYSTEM_NAMES.join(', ')} (default both)
  --only <list>       of ${PARTS.join(', ')} (default all)
  --json <file>       also writes every sample to a file
  --quick             one brief round, for CI: whether, not how fast
  --help

Every item and reply is checked. The process fails when one is wrong, never for being slow.
`;

/**
 * Reads the command line behind `streams`; `'help'` when it asks for that.
 *
 * @throws an Error whose message is for the user.
 */
export function parseStreamOptions(args: readonly string[]): StreamOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      systems: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { quick, systems, only } = values;
  const all = scenariosOf(quick, 1_000 * parseNumber('--seconds', values.seconds ?? '1', SECONDS));
  const parts = only === undefined ? PARTS : parseList(only, isPart);
  return {
    rounds: parseNumber('--rounds', values.rounds ?? (quick ? '1' : '5'), /^[1-9]\d{0,2}$/),
    systems: systems === undefined ? STREAM_SYSTEM_NAMES : parseList(systems, isStreamSystemName),
    scenarios: {
      flows: parts.includes('flows') ? all.flows : [],
      ticks: parts.includes('ticks') ? all.ticks : [],
      calls: parts.includes('calls') ? all.calls : [],
      paused: parts.includes('paused') ? all.paused : [],
    },
    jsonFile: values.json === undefined ? undefined : fileOf(values.json),
    quick,
  };
}

function isPart(name: string): name is Part {
  return (PARTS as readonly string[]).includes(name);
}
