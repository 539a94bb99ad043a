import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findAny } from './declarations.ts';

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'openline-any-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

it('an any is found wherever the entry leads to, and nowhere else', async () => {
  const folder = await folderWith({
    'package.json': '{ "type": "module" }',
    'index.d.ts': "export * from './inner.js';\nexport type Fine = unknown; // no any\n",
    'inner.d.ts': 'export interface Inner {\n  readonly all: Map<string, any>;\n}\n',
    'apart.d.ts': 'export type Apart = any;\n',
  });
  expect(findAny(join(folder, 'index.d.ts'), folder)).toEqual(['inner.d.ts:2']);
});

it('of an entry that is not there nothing is said', async () => {
  const folder = await folderWith({});
  expect(() => findAny(join(folder, 'index.d.ts'), folder)).toThrow(/leads to no file/);
});
