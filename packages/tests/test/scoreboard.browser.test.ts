import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Browser, Page } from 'playwright-core';
import { build, defaultClientConditions } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chromium, launchChromium } from '../src/chromium.ts';
import { describeWith } from '../src/describe-with.ts';
import { ROOT } from '../src/paths.ts';

const EXAMPLE = join(ROOT, 'examples/scoreboard');
const SOURCE = '@openline/source';
/** A browser itself says when it cannot connect; nobody can keep it from that. */
const REFUSED = /^WebSocket connection to '.*' failed/;

/** One of the example's programs, and what it prints. */
class Program {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(
      process.execPath,
      [`--conditions=${SOURCE}`, '--import=tsx', `src/${file}`, ...args],
      { cwd: EXAMPLE, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#lines = createInterface(this.child.stdout!)[Symbol.asyncIterator]();
  }

  /** The first line from here on that matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`${pattern} was not said: ${await this.complaint()}`);
      const match = pattern.exec(value);
      if (match !== null) return match;
    }
  }

  complaint(): Promise<string> {
    return text(this.child.stderr!);
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.exitCode();
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, 'exit');
    }
    return this.child.exitCode;
  }
}

let folder: string;
const programs: Program[] = [];

function run(...args: ConstructorParameters<typeof Program>): Program {
  const program = new Program(...args);
  programs.push(program);
  return program;
}

async function serve(port = '0'): Promise<{ server: Program; port: string }> {
  const env = { PORT: port, SCOREBOARD_FILE: join(folder, 'games.jsonl') };
  const server = run('server.ts', [], env);
  const [, listening] = await server.says(/http:\/\/localhost:(\d+)/);
  return { server, port: listening! };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openline-scoreboard-'));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end('SIGKILL');
  await rm(folder, { recursive: true });
});

describe('the server of the scoreboard', () => {
  it('says in one line that its port is taken', async () => {
    const { port } = await serve();
    const second = run('server.ts', [], { PORT: port });
    const complaint = await second.complaint();
    expect(complaint).toMatch(new RegExp(`^Port ${port} is taken\\..*\\n$`));
    expect(await second.exitCode()).toBe(1);
  }, 30_000);
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

  it('is right in two windows and a terminal, though the server is killed in the game', async () => {
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
  }, 90_000);
});
