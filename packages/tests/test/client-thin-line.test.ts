import { initTRPC } from '@trpc/server';
import { callOptions, openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { describe, expect, it, vi } from 'vitest';
import { statesOf } from './client-support.ts';
import { stopTime, thinLine } from './client-thin-line.ts';

const BYTES_PER_MS = 32;
const KEEP_ALIVE_MS = 10_000;

const t = initTRPC.create();
const router = t.router({
  give: t.procedure.input(Number).query(({ input }) => 'a'.repeat(input)),
  take: t.procedure.input(String).mutation(({ input }) => input.length),
});

describe('case 7: a payload on a line of 32 bytes a millisecond', () => {
  // The larger one takes longer than a silent peer is waited for: five intervals.
  it.each([
    { way: 'down', bytes: 1_000_000 },
    { way: 'up', bytes: 1_000_000 },
    { way: 'down', bytes: 3_000_000 },
    { way: 'up', bytes: 3_000_000 },
  ])('of $bytes bytes $way the line comes through over one connection', async ({ way, bytes }) => {
    stopTime();
    const server = createServer({ router, keepAliveMs: KEEP_ALIVE_MS });
    const thin = thinLine(server, BYTES_PER_MS);
    const { WebSocket } = thin;
    const line = openLine<typeof router>({ url: 'ws://test/rpc', WebSocket });
    const api = line.client();
    const options = callOptions({ timeoutMs: Infinity });
    const answered: number[] = [];
    const call =
      way === 'down'
        ? api.give.query(bytes, options).then(({ length }) => length)
        : api.take.mutate('a'.repeat(bytes), options);
    void call.then((length) => answered.push(length, performance.now()));
    const states = statesOf(line);
    const beganMs = performance.now();
    const leastMs = bytes / BYTES_PER_MS;
    await vi.advanceTimersByTimeAsync(leastMs);
    expect(answered).toEqual([]);
    // The headers of pieces, acknowledgements and pings take some of the line.
    await vi.advanceTimersByTimeAsync(0.02 * leastMs + 1_000);
    expect(answered).toEqual([bytes, expect.any(Number)]);
    expect(answered[1]! - beganMs).toBeGreaterThan(leastMs);
    expect(states.map(({ status }) => status)).toEqual(['connecting', 'open']);
    expect([thin.made, thin.abandoned]).toEqual([1, 0]);
    expect(thin.largestBytes).toBeLessThanOrEqual(65_536);
    await line.close();
    await server.close();
    await vi.advanceTimersByTimeAsync(KEEP_ALIVE_MS);
  });
});
