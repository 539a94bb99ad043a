import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { onTestFinished } from 'vitest';
import type { OpenlinePage, PageStory } from './real-page-program.ts';
import { eventually, listening } from './server-support.ts';

declare const openPage: (url: string, everyMs: number) => OpenlinePage;
declare let openlinePage: OpenlinePage;

/** A page's program as one script. */
export async function bundlePage(program = 'real-page-program.ts'): Promise<string> {
  const outputs = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@openline/source', ...defaultClientConditions] },
    build: {
      write: false,
      lib: {
        entry: join(import.meta.dirname, program),
        formats: ['iife'],
        name: 'page',
      },
    },
  });
  for (const { output } of [outputs].flat() as { output: readonly { code?: string }[] }[]) {
    for (const { code } of output) if (code !== undefined) return code;
  }
  throw new Error('the page was not built');
}

/** A client in a tab of a browser, until the test is finished. */
export class RealPage {
  readonly #page: Page;
  readonly #cdp: CDPSession;

  /** Resolves when its line is open and the feed runs. */
  static async open(
    browser: Browser,
    script: string,
    url: string,
    everyMs: number,
  ): Promise<RealPage> {
    const httpServer = await listening(
      createHttpServer((_request, response) => {
        response
          .setHeader('Content-Type', 'text/html')
          .end('<!doctype html><title>Openline</title>');
      }),
    );
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(httpServer.address() as AddressInfo).port}/`);
    httpServer.closeAllConnections();
    await page.addScriptTag({ content: script });
    await page.evaluate(
      ([at, every]) => {
        openlinePage = openPage(at, every);
      },
      [url, everyMs] as const,
    );
    const opened = new RealPage(page, await context.newCDPSession(page));
    await opened.eventually(({ items }) => items.length > 0);
    return opened;
  }

  private constructor(page: Page, cdp: CDPSession) {
    this.#page = page;
    this.#cdp = cdp;
  }

  story(): Promise<PageStory> {
    return this.#page.evaluate(() => openlinePage.story);
  }

  /** Gives the story as soon as it is so. */
  async eventually(isSo: (story: PageStory) => boolean): Promise<PageStory> {
    let story = await this.story();
    await eventually(async () => {
      story = await this.story();
      if (!isSo(story)) throw new Error(`not so: ${JSON.stringify(story)}`);
    });
    return story;
  }

  call(path: Parameters<OpenlinePage['call']>[0], id: string): Promise<void> {
    return this.#page.evaluate(([to, name]) => openlinePage.call(to, name), [path, id] as const);
  }

  /** The browser's own network switch. */
  setOffline(isOffline: boolean): Promise<void> {
    return this.#page.context().setOffline(isOffline);
  }

  /** From here on a line that waits does so for an hour at least: its jitter is that unlucky. */
  waitLong(): Promise<void> {
    return this.#page.evaluate(() => {
      Math.random = () => 7_200; // Times half a second, the shortest of its waits.
    });
  }

  /** What a browser tells a page whose tab comes to the front. */
  async show(): Promise<void> {
    await this.#page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  }

  /**
   * The tab runs nothing more, and its sockets lie there unread, as when a browser has put it to
   * sleep. The browser's own order for that, `Page.setWebLifecycleState`, is without effect on tabs
   * that are shown, and here all are; a debugger stops them in the same way.
   */
  async suspend(): Promise<void> {
    const isPaused = new Promise((resolve) => this.#cdp.once('Debugger.paused', resolve));
    await this.#cdp.send('Debugger.enable');
    await this.#cdp.send('Debugger.pause');
    await isPaused;
  }

  async wake(): Promise<void> {
    await this.#cdp.send('Debugger.resume');
    await this.#cdp.send('Debugger.disable');
  }
}
