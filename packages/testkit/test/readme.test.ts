import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';

const printed: string[] = [];
const files: Readonly<Record<string, () => Promise<unknown>>> = {
  'line.ts': () => import('./readme/line.ts'),
  'simulation.ts': () => import('./readme/simulation.ts'),
  'stories.ts': () => import('./readme/stories.ts'),
};

afterEach(() => {
  printed.length = 0;
  vi.restoreAllMocks();
});

describe('the README of the testkit', () => {
  it.each([
    ['line.ts', [/^1 ada pays 7$/]],
    ['simulation.ts', [/^\d\d+ connections were cut, and each order was paid once$/]],
    ['stories.ts', []],
  ])('shows %s as it runs here', async (name, lines) => {
    vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => {
      printed.push(words.map(String).join(' '));
    });
    const text = await readFile(new URL(`readme/${name}`, import.meta.url), 'utf8');
    const page = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    expect(page).toContain(`\`\`\`ts\n${text}\`\`\``);
    await files[name]?.();
    expect(printed).toEqual(lines.map((line) => expect.stringMatching(line)));
  });
});
