import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { run, type CommandResult } from '../src/command.ts';
import { describeWith } from '../src/describe-with.ts';
import { oldestNode } from '../src/oldest-node.ts';
import { COMPILERS, ROOT } from '../src/paths.ts';
import { findAny } from './declarations.ts';
import { packCommand, PUBLISHED, type NODES } from './packed.ts';

const { tarballs, project } = inject('packed');

/** What `project/src/main.ts` prints on any Node. */
const ANSWERS = {
  greeting: 'hello world',
  sum: 3,
  counted: [1, 2, 3],
  refused: { outcome: 'failed', lineError: null },
  binary: { sum: 6, reversed: [3, 2, 1] },
  rich: { user: 'ada', since: 0, bought: 'bigint', left: 3, days: ['first', 0] },
};

/** Where it says how they are packed. */
const PAGES = {
  protocol: 'docs/guide/getting-started.md',
  transformer: 'docs/guide/rich-values.md',
  server: 'docs/guide/getting-started.md',
  client: 'docs/guide/getting-started.md',
  msgpack: 'packages/msgpack/README.md',
  testkit: 'packages/testkit/README.md',
} as const satisfies Record<(typeof PUBLISHED)[number], string>;

/** What `project/src/testkit.ts` prints on any Node. */
const PLAYED = { greeting: 'hello ada', greeted: 1, seeds: 5, runs: 5 };

/** What `project/src/transformer.ts` prints on any Node. */
const CARRIED = {
  carried: ['Date', 'Map', 'bigint', 'Uint8Array', 'RangeError', 'URL'],
  text: '{"~":{"at":["~d",5],"stock":["~m","a",["~i","1"]]}}',
  refused: 'CYCLIC',
};

describe.each(PUBLISHED)('the packed @openline/%s', (name) => {
  const tarball = tarballs[name] ?? '';

  it('is what publint asks for', async () => {
    expect(await run('publint', ['run', tarball, '--strict'])).toMatchObject({ succeeded: true });
  });

  it('has types that are not wrong', async () => {
    const result = await run('attw', [tarball, '--profile=esm-only', '--format=ascii']);
    expect(result).toMatchObject({ succeeded: true });
  });

  it('has no any in its declarations', () => {
    const folder = realpathSync(join(project, 'node_modules/@openline', name));
    expect(findAny(join(folder, 'dist/index.d.ts'), folder)).toEqual([]);
  });
});

describe('a project that has them installed', () => {
  describe.each(Object.entries(COMPILERS))('under TypeScript %s', (_version, compiler) => {
    it('compiles, and so do the declarations that it loads', async () => {
      expect(await compile(compiler, '--noEmit')).toEqual({ succeeded: true, output: '' });
    });

    it('compiles with the module resolution of bundlers', async () => {
      const options = ['--module', 'ESNext', '--moduleResolution', 'Bundler', '--skipLibCheck'];
      expect(await compile(compiler, '--noEmit', ...options)).toEqual({
        succeeded: true,
        output: '',
      });
    });
  });

  describe('runs', () => {
    beforeAll(async () => {
      await compile(COMPILERS['6.0'], '--skipLibCheck');
    });

    it('on this Node, calls its servers, and ends by itself', async () => {
      expect(await runOn(process.execPath)).toMatchObject({ ...ANSWERS, node: process.version });
    });

    it('on this Node, under the faults of the testkit', async () => {
      const { version: node } = process;
      expect(await runOn(process.execPath, 'testkit')).toEqual({ ...PLAYED, node });
    });

    it('on this Node, with rich values', async () => {
      const { version: node } = process;
      expect(await runOn(process.execPath, 'transformer')).toEqual({ ...CARRIED, node });
    });

    describeWith(oldestNode, 'on Node 20.19.0', () => {
      it('with rich values', async () => {
        const carried = await runOn(binaryOf('node-oldest'), 'transformer');
        expect(carried).toEqual({ ...CARRIED, node: 'v20.19.0' });
      });

      it('without a global WebSocket, calls its servers, and ends by itself', async () => {
        const globalWebSocket = 'undefined';
        expect(await runOn(binaryOf('node-oldest'))).toEqual({
          ...ANSWERS,
          ...{ node: 'v20.19.0', globalWebSocket },
        });
      });

      it('under the faults of the testkit', async () => {
        const played = await runOn(binaryOf('node-oldest'), 'testkit');
        expect(played).toEqual({ ...PLAYED, node: 'v20.19.0' });
      });
    });

    it('on the newest Node, with a global WebSocket, calls its servers, and ends by itself', async () => {
      expect(await runOn(binaryOf('node-newest'))).toEqual({
        ...ANSWERS,
        ...{ node: expect.stringMatching(/^v(?:2[6-9]|[3-9]\d)\./), globalWebSocket: 'function' },
      });
    });

    it('on the newest Node, with rich values', async () => {
      const node: unknown = expect.stringMatching(/^v(?:2[6-9]|[3-9]\d)\./);
      expect(await runOn(binaryOf('node-newest'), 'transformer')).toEqual({ ...CARRIED, node });
    });

    it('on the newest Node, under the faults of the testkit', async () => {
      const node: unknown = expect.stringMatching(/^v(?:2[6-9]|[3-9]\d)\./);
      expect(await runOn(binaryOf('node-newest'), 'testkit')).toEqual({ ...PLAYED, node });
    });
  });
});

describe('the guide, and for themselves the testkit and the codec,', () => {
  it.each(PUBLISHED)('says how @openline/%s is packed here', async (name) => {
    const guide = await readFile(join(ROOT, PAGES[name]), 'utf8');
    expect(guide).toContain(`${packCommand(name, '/path/to/project').join(' ')}\n`);
  });
});

function compile(compiler: string, ...options: readonly string[]): Promise<CommandResult> {
  return run(process.execPath, [compiler, ...options], { cwd: project });
}

function binaryOf(node: keyof typeof NODES): string {
  return join(project, 'node_modules', node, 'bin/node');
}

async function runOn(node: string, program = 'main'): Promise<unknown> {
  const { output } = await run(node, [`dist/${program}.js`], { cwd: project, timeoutMs: 60_000 });
  return JSON.parse(output);
}
