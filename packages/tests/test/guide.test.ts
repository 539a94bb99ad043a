import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CALL_ERRORS, type CallErrorCode, type LineErrorCode } from '../../protocol/src/index.ts';
import { ROOT, TESTS } from '../src/paths.ts';

const PAGES = join(ROOT, 'docs/guide');
const GUIDE = join(PAGES, 'getting-started.md');

/** Where the guide's code lies as files, which are type-checked with the tests. */
const FOLDER = join(TESTS, 'guide');

/** What its words for a code come to; the codes that go over the wire have theirs in a table. */
const OUTCOMES: Readonly<Record<LineErrorCode, string>> = {
  ...(CALL_ERRORS satisfies Record<CallErrorCode, string>),
  ABORTED: 'by whether it was sent', // By the server's word it had begun.
  TIMEOUT: 'by whether it was sent',
  OFFLINE: 'not-executed',
  QUEUE_FULL: 'not-executed',
  REJECTED: 'by whether it was sent',
  CLOSED: 'by whether it was sent',
  LIMIT: 'unknown',
  PAYLOAD_TOO_LARGE: 'not-executed',
  ENCODING: 'not-executed',
  DECODING: 'unknown',
};

/** Without indentation: in a file a piece may stand deeper than in the guide. */
function flat(text: string): string {
  return text.replaceAll(/^ +/gm, '').trim();
}

describe('the guide', () => {
  it('names each code of a lost call, and its outcome', async () => {
    const rows = (await readFile(GUIDE, 'utf8')).matchAll(/^\| `([A-Z_]+)` +\| (.+?) +\|/gm);
    expect(Object.fromEntries(Array.from(rows, ([, code, outcome]) => [code, outcome]))).toEqual(
      OUTCOMES,
    );
  });

  it.each([
    { page: 'getting-started.md', atLeast: 11 },
    { page: 'rich-values.md', atLeast: 2 },
    { page: 'streams.md', atLeast: 6 },
    { page: 'streams-both-ways.md', atLeast: 5 },
  ])(
    'shows code on $page that stands in files, and is type-checked there',
    async ({ page, atLeast }) => {
      const names = await readdir(FOLDER);
      const texts = await Promise.all(names.map((name) => readFile(join(FOLDER, name), 'utf8')));
      const files = texts.map(flat);
      const guide = await readFile(join(PAGES, page), 'utf8');
      const pieces = Array.from(
        guide.matchAll(/^```tsx?\n(.+?)^```$/gms),
        ([, piece = '']) => piece,
      );
      expect(pieces.length).toBeGreaterThanOrEqual(atLeast);
      const strangers = pieces.filter((piece) => !files.some((file) => file.includes(flat(piece))));
      expect(strangers).toEqual([]);
    },
  );
});
