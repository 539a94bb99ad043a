import { createHook } from 'node:async_hooks';
import { createServer } from '@openline/server';
import { initTRPC } from '@trpc/server';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CALL, MUTATION, QUERY, RawClient, RESULT } from './server-raw.ts';
import { aborted, eventually, leaveNoSocket, serve } from './server-support.ts';

beforeEach(leaveNoSocket);

/** How many timers there are in the process, those included that keep nothing alive. */
function countTimers(): () => number {
  const timers = new Set<number>();
  const hook = createHook({
    init: (id, type) => void (type === 'Timeout' && timers.add(id)),
    destroy: (id) => void timers.delete(id),
  }).enable();
  onTestFinished(() => void hook.disable());
  return () => timers.size;
}

describe('a server on sockets', () => {
  it('has no timer for a connection, a session or a call', async () => {
    const timers = countTimers();
    const t = initTRPC.create();
    const server = createServer({
      router: t.router({
        echo: t.procedure.query(() => 'echo'),
        wait: t.procedure.mutation(({ signal }) => aborted(signal)),
      }),
    });
    const { url } = await serve(server);
    await RawClient.welcomed(url);
    const before = timers();
    expect(before).toBeGreaterThan(0);
    const clients = [];
    for (let i = 0; i < 60; i++) {
      const client = await RawClient.welcomed(url);
      client.say([CALL, 1, MUTATION, 'wait', { timeout: 600_000 }], [CALL, 3, QUERY, 'echo', 0]);
      expect(await client.answer(3)).toEqual([RESULT, 3, 'echo']);
      if (i % 2 === 0) client.webSocket.terminate();
      clients.push(client);
    }
    // Those that the test itself waits with come and go.
    await eventually(() => expect(timers() - before).toBeLessThan(10));
    expect(clients.length).toBe(60);
  });
});
