import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { chromium, launchChromium } from '../src/chromium.ts';
import { describeWith } from '../src/describe-with.ts';
import { listen } from './client-support.ts';
import { richRouter, richServer } from './msgpack-app.ts';
import type { Seen } from './msgpack-page-program.ts';
import { bundlePage } from './real-page.ts';
import { listening } from './server-support.ts';

declare const lookAt: (url: string) => Promise<Seen>;

describeWith(chromium, 'a page that speaks MessagePack', () => {
  it('has what Node has, bytes as a Uint8Array both ways', async () => {
    const [browser, script] = await Promise.all([
      launchChromium(),
      bundlePage('msgpack-page-program.ts'),
    ]);
    try {
      const { url } = await listen(richServer(richRouter().router));
      const http = await listening(
        createHttpServer((_request, response) => response.end('<!doctype html>')),
      );
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
      await page.addScriptTag({ content: script });
      expect(await page.evaluate((at) => lookAt(at), url)).toEqual({
        kinds: ['Date', 'BigInt', 'Uint8Array', 'Float64Array', 'Map', 'Number'].map(
          (kind) => `[object ${kind}]`,
        ),
        bytes: [0, 39, 255],
        sum: 6,
        reversed: 199_999,
      });
      http.closeAllConnections();
    } finally {
      await browser.close();
    }
  }, 60_000);
});
