import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { run, type CommandResult } from '../src/command.ts';
import { COMPILERS } from '../src/paths.ts';
import { findAny } from './declarations.ts';
import { NEWEST_NODE_PACKAGE, PUBLISHED } from './packed.ts';

const { tarballs, project } = inject('packed');

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

  describe('run', () => {
    beforeAll(async () => {
      await compile(COMPILERS['6.0'], '--skipLibCheck');
    });

    it.each([
      ['this Node', process.execPath],
      ['the newest Node', join(project, 'node_modules', NEWEST_NODE_PACKAGE, 'bin/node')],
    ])('on %s calls its server and ends by itself', async (_title, node) => {
      const { output } = await run(node, ['dist/main.js'], { cwd: project, timeoutMs: 30_000 });
      expect(JSON.parse(output)).toEqual({
        greeting: 'hello world',
        sum: 3,
        counted: [1, 2, 3],
        refused: { outcome: 'failed', lineError: null },
      });
    });
  });
});

function compile(compiler: string, ...options: readonly string[]): Promise<CommandResult> {
  return run(process.execPath, [compiler, ...options], { cwd: project });
}
