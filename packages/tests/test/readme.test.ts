import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ROOT, TESTS } from '../src/paths.ts';
import { freePort, TcpProxy } from './client-support.ts';
import { FROM_SOURCES, Program } from './program.ts';

const README = join(ROOT, 'README.md');
const EXAMPLE = join(TESTS, 'readme');
const FILES = ['server.ts', 'client.ts'] as const;
const TIMEOUT_MS = 60_000;

/** A copy of the example in which the server's port is free and a second is over sooner. */
async function copy(serverPort: number, clientPort: number): Promise<(file: string) => Program> {
  const folder = await mkdtemp(join(EXAMPLE, 'run-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const name of FILES) {
    const text = await readFile(join(EXAMPLE, name), 'utf8');
    const port = name === 'server.ts' ? serverPort : clientPort;
    await writeFile(
      `${folder}/${name}`,
      text.replace('4000', String(port)).replace('1_000', '200'),
    );
  }
  const tsx = join(TESTS, 'node_modules/.bin/tsx');
  return (file) => new Program(tsx, [FROM_SOURCES, join(folder, file)], { cwd: TESTS });
}

const DOWN_FROM_10 = Array.from({ length: 10 }, (_, index) => String(10 - index));

describe('the example of the README', () => {
  it.each(FILES)('says how to run %s', async (name) => {
    const command = `npx -y pnpm@12 -C packages/tests exec tsx readme/${name}`;
    expect(await readFile(README, 'utf8')).toContain(command);
  });

  it.each(FILES)('shows %s as it is run here', async (name) => {
    const text = await readFile(join(EXAMPLE, name), 'utf8');
    expect(await readFile(README, 'utf8')).toContain(`\`\`\`ts\n// ${name}\n${text}\`\`\``);
  });

  it(
    'prints a greeting, a countdown, and what the line does',
    async () => {
      const port = await freePort();
      const run = await copy(port, port);
      const listening = (await run('server.ts').says(/^Listening/)).input;
      expect(listening).toBe(`Listening on ws://localhost:${port}/rpc`);

      const client = run('client.ts');
      expect(await client.rest()).toEqual([
        'The line is connecting',
        'The line is open',
        'Hello, Ada',
        ...DOWN_FROM_10,
        'The line is closed',
      ]);
      expect([await client.exitCode(), await client.complaint()]).toEqual([0, '']);
    },
    TIMEOUT_MS,
  );

  it(
    'counts on without a missed or doubled number when its connection is cut',
    async () => {
      const port = await freePort();
      const proxy = await TcpProxy.to(port);
      const run = await copy(port, proxy.port);
      await run('server.ts').says(/^Listening/);

      const client = run('client.ts');
      await client.says(/^9$/);
      proxy.cut();
      const rest = await client.rest();
      expect(rest.filter((line) => /^\d/.test(line))).toEqual(DOWN_FROM_10.slice(2));
      expect(rest.filter((line) => line === 'The line is open')).toEqual(['The line is open']);
      expect(rest.at(-1)).toBe('The line is closed');
      expect([await client.exitCode(), await client.complaint()]).toEqual([0, '']);
    },
    TIMEOUT_MS,
  );
});
