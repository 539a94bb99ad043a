import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { initTRPC, TRPCError } from '@trpc/server';
import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  begin,
  closing,
  failureOf,
  freePort,
  listen,
  openTo,
  RawServer,
  until,
} from './client-support.ts';

const t = initTRPC.context<object>().create();
const router = t.router({
  double: t.procedure.input(Number).query(({ input }) => input * 2),
  follow: t.procedure.subscription(async function* ({ signal }) {
    yield 1;
    await new Promise((resolve) => signal?.addEventListener('abort', resolve));
  }),
});
type Router = typeof router;

/** Runs a program that has a line to `url`, and gives what it says once it has exited by itself. */
async function run(url: string, program: string): Promise<{ code: number; said: string }> {
  const imports = "import { callOptions, lineError, openLine } from '@openline/client';";
  const setUp = `const line = openLine({ url: '${url}' }); const api = line.client();`;
  const child = spawn(
    process.execPath,
    [
      '--conditions=@openline/source',
      '--import=tsx',
      '--input-type=module',
      '--eval',
      `${imports}\n${setUp}\n${program}`,
    ],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => void child.kill());
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, said };
}

describe('a Node process that used a line', () => {
  it.each([
    {
      name: 'a call and a close',
      program: 'console.log(await api.double.query(4)); await line.close();',
      said: '8\n',
    },
    {
      name: 'a close that is not awaited',
      program: 'console.log(await api.double.query(4)); void line.close();',
      said: '8\n',
    },
    {
      name: 'a subscription and a close',
      program:
        'for await (const n of api.follow.subscribe()) { console.log(n); void line.close(); }',
      said: '1\n',
    },
    {
      name: 'a call that is still under way as it closes',
      program: `
        const call = api.follow.query(undefined, callOptions({ timeoutMs: 1e9 })).catch(lineError);
        await line.close(); console.log((await call).code);`,
      said: 'CLOSED\n',
    },
    { name: 'no call at all', program: "console.log('nothing');", said: 'nothing\n' },
  ])(
    'exits by itself: $name',
    async ({ program, said }) => {
      const { url } = await listen(createServer({ router, createContext: () => ({}) }));
      expect(await run(url, program)).toEqual({ code: 0, said });
    },
    30_000,
  );

  it('exits by itself once the server has refused it', async () => {
    const server = createServer({
      router,
      createContext: () => {
        throw new TRPCError({ code: 'UNAUTHORIZED' });
      },
    });
    const program = 'console.log((await api.double.query(4).catch(lineError)).code);';
    const { url } = await listen(server);
    expect(await run(url, program)).toEqual({ code: 0, said: 'REJECTED\n' });
  }, 30_000);

  it('exits by itself as it closes while there is no server', async () => {
    const program = `
      line.state.subscribe(({ status }) => status === 'waiting' && line.close());
      console.log((await api.double.query(4).catch(lineError)).code);`;
    const url = `ws://127.0.0.1:${await freePort()}/`;
    expect(await run(url, program)).toEqual({ code: 0, said: 'CLOSED\n' });
  }, 30_000);
});

describe('a line that is closed', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(['connecting', 'open', 'waiting'] as const)(
    'while it is %s, holds no timer and no listener of the page',
    async (status) => {
      const server = await RawServer.listen();
      const url = status === 'waiting' ? `ws://127.0.0.1:${await freePort()}/` : server.url;
      const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
      const listening = vi.spyOn(page, 'addEventListener');
      vi.stubGlobal('document', page);
      vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
      onTestFinished(() => void vi.unstubAllGlobals());
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });

      // Classes of other platforms may have timers of their own.
      const line = closing(openLine<Router>({ url, WebSocket }));
      const call = failureOf(line.client().double.query(1));
      if (status === 'open') await openTo(server, line);
      else begin(line);
      await until(line, status);
      const signals = listening.mock.calls.map(
        ([, , options]) => (options as AddEventListenerOptions).signal,
      );
      expect(signals.map((signal) => signal?.aborted)).toEqual([false, false, false]);
      expect(vi.getTimerCount()).toBeGreaterThan(0);
      await line.close();
      await call;
      expect(signals.map((signal) => signal?.aborted)).toEqual([true, true, true]);
      expect(vi.getTimerCount()).toBe(0);
    },
  );
});
