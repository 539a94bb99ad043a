import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIRST_COUNTED_TAG } from '../src/constants.ts';
import {
  CALL_ERRORS,
  CODES,
  CLOSE_REASON_BYTES_MAX,
  encodeHello,
  encodeReject,
  encodeWelcome,
  HELLO_BYTES_MAX,
  JSON_CODEC,
  KEY_LENGTH_MAX,
  MESSAGE_BYTES_MAX,
  PARKED_BYTES_MAX,
  PROTOCOL_VERSION,
  retryOf,
  TAGS,
  type Message,
} from '../src/index.ts';
import {
  FLOW_FRAMES_MAX,
  PARCELS_MAX,
  PATH_LENGTH_MAX,
  STREAM_DEPTH_MAX,
  STREAM_WINDOW,
  STREAM_WINDOW_BYTES_MAX,
  STREAM_WINDOW_MAX,
  STREAMS_MAX,
  UNACKNOWLEDGED_FRAMES_MAX,
} from '../src/constants.ts';
import { codec, LIMITS } from './support.ts';

const spec = readFileSync(new URL('../../../docs/protocol/SPEC.md', import.meta.url), 'utf8');

/** The rows of the one table of the text whose first columns are these; those columns only. */
function rowsOf(...columns: readonly string[]): string[][] {
  const lines = spec.split('\n');
  const heads = lines.flatMap((line, index) =>
    columns.every((column, i) => cells(line)[i] === column) ? [index] : [],
  );
  expect(heads.length).toBe(1);
  const rows: string[][] = [];
  for (let i = heads[0]! + 2; lines[i]?.startsWith('|') === true; i++) {
    rows.push(cells(lines[i]!).slice(0, columns.length));
  }
  return rows;
}

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}

/** The names in the object of a frame of the handshake. */
function membersOf(message: Message): string[] {
  return Object.keys(codec.split(message)[0]![2] as object);
}

describe('the SPEC', () => {
  it('is of the version and the codec that this package speaks', () => {
    expect(spec.split('\n')[0]).toBe(`# The Openline protocol, version ${PROTOCOL_VERSION}`);
    expect(spec).toContain(`\`${JSON_CODEC}\``);
  });

  it('lists every close code with its retry class', () => {
    expect(rowsOf('name', 'close code', 'retry')).toEqual(
      Object.entries(CODES)
        .sort(([, a], [, b]) => a - b)
        .map(([name, code]) => [name, String(code), retryOf(code)]),
    );
  });

  it('gives the retry class of every close code by its range', () => {
    const rows = rowsOf('close codes', 'retry').map(([range = '', retry]) => {
      const [from, to = from] = range.split(' to ').map(Number);
      return { from, to, retry };
    });
    const others = rows.pop();
    for (let code = 1000; code < 5000; code++) {
      const row = rows.find(({ from, to }) => from! <= code && code <= to!) ?? others;
      expect([code, row?.retry]).toEqual([code, retryOf(code)]);
    }
  });

  it('lists every frame with its tag, and whether it is counted', () => {
    const named = rowsOf('tag', 'frame', 'members', 'said by', 'counted');
    expect(named.map(([tag, frame, , , counted]) => [tag, frame, counted])).toEqual(
      Object.entries(TAGS)
        .sort(([, a], [, b]) => a - b)
        .map(([frame, tag]) => [String(tag), frame, tag >= FIRST_COUNTED_TAG ? 'yes' : 'no']),
    );
  });

  it.each([
    {
      frame: 'hello',
      message: encodeHello(codec, {
        sessionId: 's'.repeat(22),
        secret: 's'.repeat(22),
        attempt: 1,
        node: 'n',
        received: 0,
        next: 0,
        client: 'c',
        params: 0,
        limits: LIMITS,
      }),
    },
    {
      frame: 'welcome',
      message: encodeWelcome(codec, {
        type: 'welcome',
        node: 'n',
        received: 0,
        next: 1,
        journal: 'j',
        keepAliveMs: 1_000,
        windowMs: 0,
        limits: LIMITS,
      }),
    },
    {
      frame: 'reject',
      message: encodeReject(codec, {
        code: CODES.REJECTED,
        message: '',
        delayMs: 0,
        received: 0,
        shape: 0,
      }),
    },
  ])('lists every member of a $frame', ({ frame, message }) => {
    const section = spec.split(`### \`${frame}\`\n`)[1]!.split('\n### ')[0]!;
    const rows = [...section.matchAll(/^\| `(\w+)`/gmu)].map(([, name]) => name);
    expect(new Set(rows)).toEqual(new Set(membersOf(message)));
  });

  it('lists every code of an error without an answer, with its outcome', () => {
    expect(rowsOf('code', 'outcome')).toEqual(Object.entries(CALL_ERRORS));
  });

  it('states the limits that hold', () => {
    expect(rowsOf('limit', 'value').map(([, value]) => value)).toEqual(
      [
        MESSAGE_BYTES_MAX,
        HELLO_BYTES_MAX,
        PARKED_BYTES_MAX,
        PARCELS_MAX,
        UNACKNOWLEDGED_FRAMES_MAX,
        PATH_LENGTH_MAX,
        KEY_LENGTH_MAX,
        CLOSE_REASON_BYTES_MAX,
        STREAM_WINDOW,
        STREAM_WINDOW_MAX,
        STREAM_WINDOW_BYTES_MAX,
        STREAMS_MAX,
        STREAM_DEPTH_MAX,
        FLOW_FRAMES_MAX,
      ].map((value) => value.toLocaleString('en')),
    );
  });
});
