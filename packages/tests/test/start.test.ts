import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLine } from '@openline/client';
import superjson from 'superjson';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bannerOf } from '../../../examples/scoreboard/src/banner.ts';
import type { AppRouter } from '../../../examples/scoreboard/src/router.ts';
import { ROOT } from '../src/paths.ts';
import { closing } from './client-support.ts';
import { Program } from './program.ts';

const TIMEOUT_MS = 120_000;

/** What README says to type. */
async function start(port: number): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'openline-start-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const env = { PORT: `${port}`, SCOREBOARD_FILE: join(folder, 'games.jsonl') };
  return new Program('npx', ['-y', 'pnpm@12', 'start'], { cwd: ROOT, env });
}

/** The lines of stderr, less what npm has to say about the machine. */
async function complaintsOf(program: Program): Promise<readonly string[]> {
  const lines = (await program.complaint()).split('\n');
  return lines.filter((line) => line !== '' && !/^npm (?:warn|notice)/.test(line));
}

describe('the command that starts the scoreboard', () => {
  it(
    'says where it is and what to do there, serves page and calls, and ends at Ctrl-C',
    async () => {
      const program = await start(0);
      const [, port] = await program.says(/^ {2}The scoreboard is at {2}http:\/\/localhost:(\d+)$/);
      const said = ['', `  The scoreboard is at  http://localhost:${port}`];
      while (!said.at(-1)!.startsWith('  4')) said.push((await program.says(/(?:)/)).input);
      expect(said).toEqual(bannerOf(Number(port)).split('\n').slice(0, -1));

      const page = await fetch(`http://localhost:${port}/referee`);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('id="root"')]);
      const line = closing(openLine<AppRouter>({ url: `ws://localhost:${port}/rpc` }));
      expect(await line.client({ transformer: superjson }).ping.query()).toBe('pong');
      await line.close();

      await program.end('SIGINT');
      expect(await program.rest()).toEqual(['']);
      expect((await complaintsOf(program)).join('\n')).not.toMatch(/error|^ +at /im);
      await expect(fetch(`http://localhost:${port}/`)).rejects.toThrow();
    },
    TIMEOUT_MS,
  );

  it(
    'says of a taken port one line, before it builds, and no stack',
    async () => {
      const taken = createServer().listen(0);
      await once(taken, 'listening');
      onTestFinished(() => void taken.close());
      const { port } = taken.address() as AddressInfo;
      const program = await start(port);
      expect(await program.exitCode()).toBe(1);
      expect(await program.rest()).toEqual([]);
      // The first and the last line are of the package manager. What silences them (`loglevel`)
      // silences the progress of an installation too, and people would wait without a word.
      expect(await complaintsOf(program)).toEqual([
        expect.stringMatching(/^\$ node /),
        `Port ${port} is taken. Choose another one: PORT=${port + 1} npx -y pnpm@12 start`,
        '[ELIFECYCLE] Command failed with exit code 1.',
      ]);
    },
    TIMEOUT_MS,
  );
});

describe('what the scoreboard says when it starts', () => {
  const of = (address: string, family: 'IPv4' | 'IPv6', internal: boolean) => ({
    ...{ address, internal, netmask: '', mac: '', cidr: null },
    ...(family === 'IPv4' ? { family } : { family, scopeid: 0 }),
  });
  const loopback = [of('127.0.0.1', 'IPv4', true), of('::1', 'IPv6', true)];

  it('names the first address by which a phone may find it', () => {
    const banner = bannerOf(3000, {
      lo: loopback,
      eth0: [of('fe80::1', 'IPv6', false), of('192.0.2.7', 'IPv4', false)],
      eth1: [of('198.51.100.7', 'IPv4', false)],
    });
    expect(banner).toBe(`
  The scoreboard is at  http://localhost:3000

  1  Open it in two windows, or on your phone at http://192.0.2.7:3000: they show the same game.
  2  Be the referee in a third:  http://localhost:3000/referee
  3  Follow it in a terminal:    npx -y pnpm@12 --filter @openline/example-scoreboard watch
  4  Stop this server (Ctrl-C) and start it again: every window comes back with the score.
`);
  });

  it('names no phone where there is no such address', () => {
    const banner = bannerOf(4000, { lo: loopback });
    expect(banner).toContain('1  Open it in two windows: they show the same game.\n');
    expect(banner).toContain('example-scoreboard watch --url ws://localhost:4000/rpc\n');
    expect(banner).not.toContain('phone');
  });
});
