import { join } from 'node:path';
import { build, defaultClientConditions } from 'vite';
import { expect, it, onTestFinished } from 'vitest';
import { chromium, launchChromium } from '../src/chromium.ts';
import { describeWith } from '../src/describe-with.ts';
import type * as Program from './transformer-page-program.ts';

declare const program: typeof Program;

describeWith(chromium, 'the transformer in a browser', () => {
  it('carries what it carries in Node, as the same text', async () => {
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.addScriptTag({ content: await bundle() });
    const { story, hasBuffer } = await page.evaluate(() => ({ ...program }));
    expect(hasBuffer).toBe(false);
    const here = await import('./transformer-page-program.ts');
    expect(story).toEqual(here.story);
    for (const [before, after] of story) expect(after).toBe(before);
  });
});

async function bundle(): Promise<string> {
  const outputs = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@openline/source', ...defaultClientConditions] },
    build: {
      write: false,
      lib: {
        entry: join(import.meta.dirname, 'transformer-page-program.ts'),
        formats: ['iife'],
        name: 'program',
      },
    },
  });
  for (const { output } of [outputs].flat() as { output: readonly { code?: string }[] }[]) {
    for (const { code } of output) if (code !== undefined) return code;
  }
  throw new Error('the page was not built');
}
