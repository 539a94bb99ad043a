import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CELLS, LOAD_KINDS, parseCell, type Cell, type LoadKind } from './cell.ts';
import { isSystemName, STANDARD_SYSTEMS, SYSTEM_NAMES, type SystemName } from './systems/index.ts';

export interface Options {
  readonly rounds: number;
  readonly windowMs: number;
  readonly cells: readonly Cell[];
  readonly systems: readonly SystemName[];
  readonly loads: readonly LoadKind[];
  /** Connections of the memory measurement. 0: none is made. */
  readonly idleConnections: number;
  readonly jsonFile: string | undefined;
  readonly short: boolean;
  /** A checkout of Openline as it was before, built there. */
  readonly before: string | undefined;
}

export const HELP = `pnpm bench [options]          calls
pnpm bench streams [options]  streams: see pnpm bench streams --help

  --rounds <n>        measured rounds over all systems (default 5)
  --seconds <s>       length of one measurement (default 1)
  --cells <list>      connections x calls in flight (default 1x1,1x64,50x16)
  --systems <list>    of ${SYSTEM_NAMES.join(', ')} (default: all that there are)
  --loads <list>      of ${LOAD_KINDS.join(', ')} (default both)
  --before <folder>   also measures the Openline of another checkout, which was built there
  --idle <n>          idle connections of the memory table, 0 for none (default 500)
  --json <file>       also writes every sample to a file
  --short             one brief round with every reply checked, and one of streams, for CI: whether,
                      not how fast
  --help

The process fails when a system errors or gives a wrong reply. It never fails for being slow.
`;

/**
 * Reads the command line; `'help'` when it asks for that.
 *
 * @throws an Error whose message is for the user.
 */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      cells: { type: 'string' },
      systems: { type: 'string' },
      loads: { type: 'string' },
      idle: { type: 'string' },
      json: { type: 'string' },
      before: { type: 'string' },
      short: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { short, before } = values;
  const all = before === undefined ? STANDARD_SYSTEMS : SYSTEM_NAMES;
  return {
    rounds: parseNumber('--rounds', values.rounds ?? (short ? '1' : '5'), /^[1-9]\d{0,2}$/),
    windowMs: 1_000 * parseNumber('--seconds', values.seconds ?? (short ? '0.08' : '1'), SECONDS),
    cells: values.cells === undefined ? CELLS : values.cells.split(',').map(parseCell),
    systems: values.systems === undefined ? all : parseList(values.systems, isSystemName),
    loads: values.loads === undefined ? LOAD_KINDS : parseList(values.loads, isLoadKind),
    idleConnections: parseNumber('--idle', values.idle ?? (short ? '50' : '500'), /^\d{1,4}$/),
    jsonFile: values.json === undefined ? undefined : fileOf(values.json),
    short,
    before: before === undefined ? undefined : fileOf(before),
  };
}

/** A path as whoever typed it means it: pnpm runs this in another folder, and says in which it was. */
export function fileOf(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '', path);
}

/** 0.01 to 30.00: well below the deadline for the answer of a child process. */
export const SECONDS: RegExp = /^(?=.*[1-9])([0-2]?\d(\.\d{1,2})?|30)$/;

export function parseNumber(name: string, text: string, pattern: RegExp): number {
  if (!pattern.test(text)) throw new Error(`${name} cannot be ${text}`);
  return Number(text);
}

export function parseList<T extends string>(
  text: string,
  isMember: (name: string) => name is T,
): T[] {
  return text.split(',').map((name) => {
    if (!isMember(name)) throw new Error(`there is no ${name}`);
    return name;
  });
}

function isLoadKind(name: string): name is LoadKind {
  return (LOAD_KINDS as readonly string[]).includes(name);
}
