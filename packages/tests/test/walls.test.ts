import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../src/command.ts';
import { config, ROOT } from '../src/paths.ts';

/** A house as it should be. */
const RIGHT = {
  'package.json': '{ "name": "house", "dependencies": { "ws": "*" } }',
  'node_modules/ws/index.js': '',
  'node_modules/ws/package.json': '{ "name": "ws", "type": "module" }',
  'packages/protocol/src/index.ts': "export { frame } from './frame.ts';",
  'packages/protocol/src/frame.ts': 'export const frame = 1;',
  'packages/server/src/index.ts':
    "import '../../protocol/src/index.ts'; export { listen } from './transport-ws.ts';",
  'packages/server/src/transport-ws.ts':
    "import 'node:http'; import 'ws'; export const listen = 1;",
  'packages/client/src/index.ts':
    "import '../../protocol/src/index.ts'; export { dial } from './websocket-node.ts';",
  'packages/client/src/websocket-node.ts': "import 'node:net'; import 'ws'; export const dial = 1;",
  'packages/transformer/src/index.ts': 'export const transformer = 1;',
  'packages/tests/src/index.ts':
    "import '../../server/src/index.ts'; import '../../client/src/index.ts'; export const test = 1;",
  'examples/chat/src/index.ts': "import '../../../packages/server/src/index.ts';",
};

/** What must not stand in it, and the wall that stops it. */
const WRONG: readonly (readonly [file: string, text: string, wall: string])[] = [
  ['packages/protocol/src/clock.ts', "import 'node:timers';", 'protocol-imports-nothing'],
  ['packages/protocol/src/socket.ts', "import 'ws';", 'protocol-imports-nothing'],
  [
    'packages/protocol/src/type.ts',
    "import type { listen } from '../../server/src/index.ts'; export type Listen = typeof listen;",
    'protocol-imports-nothing',
  ],
  ['packages/transformer/src/bytes.ts', "import 'node:buffer';", 'transformer-imports-nothing'],
  [
    'packages/server/src/line.ts',
    "import '../../client/src/index.ts';",
    'server-imports-protocol-alone',
  ],
  ['packages/server/src/socket.ts', "import 'ws';", 'ws-in-one-file-of-the-server'],
  ['packages/server/src/loop.ts', "import './loop.ts';", 'no-cycles'],
  ['packages/server/src/lost.ts', "import './nowhere.ts';", 'resolves'],
  [
    'packages/client/src/hub.ts',
    "import '../../server/src/index.ts';",
    'client-imports-protocol-alone',
  ],
  [
    'packages/client/src/help.ts',
    "import '../../tests/src/index.ts';",
    'client-imports-protocol-alone',
  ],
  ['packages/client/src/socket.ts', "import 'ws';", 'ws-in-one-file-of-the-client'],
  ['packages/client/src/file.ts', "import 'node:fs';", 'client-runs-in-browsers'],
  ['packages/tests/src/deep.ts', "import '../../server/src/transport-ws.ts';", 'public-entries'],
  [
    'examples/chat/src/deep.ts',
    "import '../../../packages/protocol/src/frame.ts';",
    'public-entries',
  ],
];

interface Violation {
  readonly from: string;
  readonly rule: { readonly name: string };
}

describe('the walls', () => {
  let house: string;

  beforeAll(async () => {
    house = await mkdtemp(join(tmpdir(), 'openline-walls-'));
    for (const [file, text] of [...Object.entries(RIGHT), ...WRONG]) {
      const path = join(house, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  });

  afterAll(() => rm(house, { recursive: true, force: true }));

  it('stop what must not be imported, and nothing else', { timeout: 60_000 }, async () => {
    const { output } = await run(
      'depcruise',
      [
        `--config=${join(ROOT, config('dependency-cruiser.mjs'))}`,
        '--output-type=json',
        'packages',
        'examples',
      ],
      { cwd: house },
    );
    const { summary } = JSON.parse(output) as { summary: { violations: readonly Violation[] } };
    const stopped = summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
    expect(stopped.sort()).toEqual(WRONG.map(([file, , wall]) => `${file}: ${wall}`).sort());
  });
});
