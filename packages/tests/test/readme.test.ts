import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const readmeFile = fileURLToPath(new URL('../../../README.md', import.meta.url));
const children: ChildProcess[] = [];

/** Runs one of the example's files, with a free port in the place of the one that people read. */
function run(file: string): { child: ChildProcess; lines: AsyncIterableIterator<string> } {
  const child = spawn(process.execPath, ['--conditions=@openline/source', '--import=tsx', file], {
    cwd: packageFolder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('the example of the README', () => {
  let folder: string | undefined;
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it.each(['server.ts', 'client.ts'])('shows %s as it is run here', async (name) => {
    const text = await readFile(`${packageFolder}readme/${name}`, 'utf8');
    expect(await readFile(readmeFile, 'utf8')).toContain(`\`\`\`ts\n// ${name}\n${text}\`\`\``);
  });

  it('prints a greeting, a countdown, and what the line does', async () => {
    const port = String(await freePort());
    folder = await mkdtemp(`${packageFolder}readme/run-`);
    for (const name of ['server.ts', 'client.ts']) {
      const text = await readFile(`${packageFolder}readme/${name}`, 'utf8');
      await writeFile(`${folder}/${name}`, text.replace('4000', port));
    }
    const server = run(`${folder}/server.ts`);
    const { value: first } = await server.lines.next();
    expect(first).toBe(`Listening on ws://localhost:${port}/rpc`);

    const client = run(`${folder}/client.ts`);
    const printed: string[] = [];
    for await (const line of client.lines) printed.push(line);
    expect(printed).toEqual([
      'The line is connecting',
      'The line is open',
      'Hello, Ada',
      '3',
      '2',
      '1',
      'The line is closed',
    ]);
    expect(client.child.exitCode ?? (await once(client.child, 'exit'))[0]).toBe(0);
  }, 30_000);
});
