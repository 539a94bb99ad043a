import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chromium, launchChromium } from '../src/chromium.ts';
import { describeWith } from '../src/describe-with.ts';
import { ROOT } from '../src/paths.ts';
import { FROM_SOURCES, Program } from './program.ts';

const EXAMPLE = join(ROOT, 'examples/scoreboard');
const SOURCE = '@openline/source';
/** For one step of a story: on a machine that has other things to do it may take long. */
const STEP_TIMEOUT_MS = 60_000;
const STORY_TIMEOUT_MS = 240_000;
/** A browser itself says when it cannot connect; nobody can keep it from that. */
const REFUSED = /^WebSocket connection to '.*' failed/;

let folder: string;
/** The built page. */
let page: string;

/** One of the example's programs. */
function run(file: string, args: readonly string[], env = {}): Program {
  const command = [FROM_SOURCES, '--import=tsx', `src/${file}`, ...args];
  return new Program(process.execPath, command, { cwd: EXAMPLE, env });
}

async function serve(port = '0'): Promise<{ server: Program; port: string }> {
  const env = {
    PORT: port,
    SCOREBOARD_FILE: join(folder, 'games.jsonl'),
    SCOREBOARD_PAGE: page,
  };
  const server = run('server.ts', [], env);
  const [, listening] = await server.says(/http:\/\/localhost:(\d+)/);
  return { server, port: listening! };
}

beforeAll(async () => {
  page = await mkdtemp(join(tmpdir(), 'openline-scoreboard-page-'));
});
afterAll(() => rm(page, { recursive: true }));

beforeEach(async ({ onTestFinished }) => {
  folder = await mkdtemp(join(tmpdir(), 'openline-scoreboard-'));
  onTestFinished(() => rm(folder, { recursive: true }));
});

describe('the server of the scoreboard', () => {
  it(
    'says in one line that its port is taken',
    async () => {
      const { port } = await serve();
      const second = run('server.ts', [], { PORT: port });
      const complaint = await second.complaint();
      expect(complaint).toMatch(new RegExp(`^Port ${port} is taken\\..*\\n$`));
      expect(await second.exitCode()).toBe(1);
    },
    STEP_TIMEOUT_MS,
  );
});

describeWith(chromium, 'the scoreboard in a browser', () => {
  let browser: Browser;
  let troubles: string[];

  beforeAll(async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await build({
      root: EXAMPLE,
      logLevel: 'error',
      resolve: { conditions: [SOURCE, ...defaultClientConditions] },
      build: { outDir: page },
    });
    vi.unstubAllEnvs();
    browser = await launchChromium();
  }, 120_000);

  afterAll(() => browser?.close());

  beforeEach(() => {
    troubles = [];
  });

  async function open(url: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(STEP_TIMEOUT_MS);
    page.on('pageerror', (error) => troubles.push(String(error)));
    page.on('console', (message) => {
      const isTrouble = message.type() === 'error' || message.type() === 'warning';
      if (isTrouble && !REFUSED.test(message.text())) troubles.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  const press = (page: Page, name: string) =>
    page.getByRole('button', { name, exact: true }).click();
  const shows = (page: Page, score: string) =>
    page.locator('.digits', { hasText: new RegExp(`^${score}$`) }).waitFor();
  const isConnected = (page: Page, words: string) =>
    page.getByRole('status').filter({ hasText: words }).waitFor();

  it(
    'is right in two windows and a terminal, though the server is killed in the game',
    async () => {
      const { server, port } = await serve();
      const url = `http://localhost:${port}`;
      const spectator = await open(`${url}/spain-england`);
      const referee = await open(`${url}/referee/spain-england`);
      const terminal = run('watch.ts', ['spain-england', '--url', `ws://localhost:${port}/rpc`]);
      await terminal.says(/^Spain 0 – 0 England, Not started/);
      await Promise.all([shows(spectator, '0:0'), shows(referee, '0:0')]);

      await press(referee, 'Kick-off');
      await terminal.says(/^Kick-off!/);
      await press(referee, 'Olga Carmona');
      await Promise.all([shows(spectator, '1:0'), shows(referee, '1:0')]);
      await terminal.says(/Goal for Spain! Olga Carmona\. Spain 1 – 0 England/);
      await press(referee, 'Lauren Hemp');
      await Promise.all([shows(spectator, '1:1'), shows(referee, '1:1')]);
      await terminal.says(/Goal for England! Lauren Hemp\. Spain 1 – 1 England/);

      await server.end('SIGKILL');
      await Promise.all([
        isConnected(spectator, 'Reconnecting'),
        isConnected(referee, 'Reconnecting'),
      ]);
      await terminal.says(/No server at/);
      await press(referee, 'Aitana Bonmatí'); // Waits in the line until there is a server.

      await serve(port);
      await Promise.all([isConnected(spectator, 'Live'), isConnected(referee, 'Live')]);
      await Promise.all([shows(spectator, '2:1'), shows(referee, '2:1')]);
      await terminal.says(/Goal for Spain! Aitana Bonmatí\. Spain 2 – 1 England/);

      await press(referee, 'Take back the goal');
      await shows(spectator, '1:1');
      await terminal.says(/The goal of Aitana Bonmatí does not count\. Spain 1 – 1 England/);
      await press(referee, 'Correct the scorer: Lauren Hemp');
      await referee.getByRole('menuitem', { name: 'Alessia Russo' }).click();
      await spectator.getByRole('listitem').filter({ hasText: 'Alessia Russo' }).waitFor();
      await terminal.says(/Scored by Alessia Russo, not Lauren Hemp/);
      for (const name of ['Half-time', 'Second half', 'Salma Paralluelo', 'Final whistle']) {
        await press(referee, name);
      }
      await Promise.all([shows(spectator, '2:1'), shows(referee, '2:1')]);
      await terminal.says(/^Full time\. Spain 2 – 1 England/);
      await spectator.locator('.board').getByText('Full time').waitFor();

      expect(await terminal.end('SIGINT')).toBe(0);
      expect(troubles).toEqual([]);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'offers a game where there is none of that name',
    async () => {
      const { port } = await serve();
      for (const [path, there] of [
        ['/nope', '/spain-england'],
        ['/referee/nope', '/referee/spain-england'],
      ]) {
        const page = await open(`http://localhost:${port}${path}`);
        expect(await page.title()).toBe('Scoreboard');
        await page.getByText('There is no such game').waitFor();
        await page.getByRole('link', { name: 'Go to Spain – England' }).click();
        await shows(page, '0:0');
        expect(new URL(page.url()).pathname).toBe(there);
        expect(await page.title()).toBe('0 : 0 Spain – England');
      }
      expect(troubles).toEqual([]);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'cuts no name of a scorer on a phone',
    async () => {
      const { port } = await serve();
      const page = await open(`http://localhost:${port}/referee/argentina-france`);
      await page.setViewportSize({ width: 390, height: 844 });
      await page.getByRole('button', { name: 'Nicolás Tagliafico', exact: true }).waitFor();
      const cut = await page
        .locator('.scorer span')
        .evaluateAll((labels) =>
          labels
            .filter((label) => label.scrollWidth > label.clientWidth && label.clientWidth > 0)
            .map(({ textContent }) => textContent),
        );
      expect(cut).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    },
    STORY_TIMEOUT_MS,
  );

  it(
    'loses nothing when its line is cut, and says what it recovered',
    async () => {
      const { port } = await serve();
      const url = `http://localhost:${port}`;
      const spectator = await open(`${url}/spain-england`);
      await spectator.clock.install();
      const referee = await open(`${url}/referee/spain-england`);
      const panel = spectator.getByRole('region', { name: 'Line' });
      const figure = async (name: string) =>
        Number(await panel.locator(`[data-figure=${name}] dd`).innerText());
      const figures = async () => ({
        resumed: await figure('resumed'),
        recovered: await figure('recovered'),
        lost: await figure('lost'),
      });
      await press(referee, 'Kick-off');
      await press(referee, 'Olga Carmona');
      await shows(spectator, '1:0');
      await panel.getByText('Open, in session').waitFor();
      expect(await figures()).toEqual({ resumed: 0, recovered: 0, lost: 0 });

      await press(spectator, 'Cut the line');
      // Its clock stands, and the loss lasts for as long as there is something to see of it.
      await spectator.clock.pauseAt(await spectator.evaluate(() => Date.now() + 100));
      await panel.getByText('No connection').waitFor();
      expect(await panel.getByRole('button').isDisabled()).toBe(true);
      await press(referee, 'Lauren Hemp');
      await shows(referee, '1:1');
      // What is scored meanwhile is not seen yet.
      expect(await panel.innerText()).toContain('No connection');
      await shows(spectator, '1:0');

      await spectator.clock.resume();
      await panel.getByText('Open, in session').waitFor();
      await shows(spectator, '1:1');
      await panel.locator('[data-beat=recovered]').first().waitFor();
      // Beats leave the strip after twenty seconds: at first all that came back are in it.
      await vi.waitFor(async () => {
        const beats = await panel.locator('[data-beat=recovered]').count();
        expect(await figures()).toEqual({ resumed: 1, recovered: beats, lost: 0 });
      }, STEP_TIMEOUT_MS);
      expect(troubles).toEqual([]);
    },
    STORY_TIMEOUT_MS,
  );
});
