import { initTRPC } from '@trpc/server';
import { openLine, type Line } from '@openline/client';
import { createServer, stream } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { closing, listen, statesOf } from './client-support.ts';
import { FAULTS, FaultyProxy } from './real-proxy.ts';
import { seededRandom } from './real-random.ts';
import { leaveNoSocket } from './server-support.ts';
import { collect, Tap, upTo } from './streams-support.ts';

const ITEMS = 5_000;
/** Every so many items one goes in pieces. */
const LARGE_EVERY = 250;
const LARGE_LENGTH = 100_000;
/** How often each fault happens. */
const ROUNDS = 3;
/** A black hole is found within five of these, in milliseconds. */
const KEEP_ALIVE_MS = 150;
const TEST_TIMEOUT_MS = 120_000;

/** Another one for each `n`. */
function itemOf(n: number): string {
  return n % LARGE_EVERY === 0 ? `${n};`.padEnd(LARGE_LENGTH, `${n};`) : `${n};`;
}
const ALL = upTo(ITEMS).map(itemOf);

function createApp() {
  const runs: string[] = [];
  const t = initTRPC.create();
  const items = t.procedure.input(stream(z.string()));
  const router = t.router({
    upload: items.mutation(async ({ input }) => {
      runs.push('upload');
      const all = await collect(input);
      return { count: all.length, firstWrong: all.findIndex((item, n) => item !== itemOf(n)) };
    }),
    list: t.procedure.query(() => {
      runs.push('list');
      return { items: new Tap(ITEMS, itemOf).items() };
    }),
    echo: items.query(async function* ({ input }) {
      runs.push('echo');
      yield* input;
    }),
  });
  return { router, runs };
}

/** Connects again as soon as a connection is lost, as a browser does that is told of its network. */
function reconnectAtOnce(line: Line): void {
  line.state.subscribe(({ status }) => {
    if (status === 'waiting') setImmediate(() => network.dispatchEvent(new Event('online')));
  });
}

let network: EventTarget;

beforeEach(leaveNoSocket);
beforeEach(() => {
  network = new EventTarget();
  vi.stubGlobal('addEventListener', network.addEventListener.bind(network));
});
afterEach(() => vi.unstubAllGlobals());

describe('streams over a network that cuts, stalls, throttles and half-closes at any byte', () => {
  it(
    'arrive whole, once and in order, 5,000 items up, down, and up and down again',
    async () => {
      const { router, runs } = createApp();
      const { port } = await listen(createServer({ router, keepAliveMs: KEEP_ALIVE_MS }));
      const faults = Array.from({ length: ROUNDS }, () => FAULTS).flat();
      const proxy = await FaultyProxy.to(port, seededRandom(), faults);
      const line = closing(openLine<typeof router>({ url: proxy.url, timeoutMs: TEST_TIMEOUT_MS }));
      reconnectAtOnce(line);
      const states = statesOf(line);
      const api = line.client();
      // A session in which nothing was heard is not kept: it is another one that goes on then.
      const list = await api.list.query();
      const taps = [new Tap(ITEMS, itemOf), new Tap(ITEMS, itemOf)] as const;
      const echo = await api.echo.query(taps[1].items());
      proxy.begin();

      const [uploaded, listed, echoed] = await Promise.all([
        api.upload.mutate(taps[0].items()),
        collect(list.items),
        collect(echo),
      ]);
      expect(uploaded).toEqual({ count: ITEMS, firstWrong: -1 });
      expect(listed).toEqual(ALL);
      expect(echoed).toEqual(ALL);
      expect(taps.map(({ produced, isClosed }) => [produced, isClosed])).toEqual([
        [ITEMS, true],
        [ITEMS, true],
      ]);
      expect(runs.sort()).toEqual(['echo', 'list', 'upload']);

      // As many as it takes: what is left of the faults needs bytes to happen behind.
      while (proxy.happened.length < faults.length) await collect((await api.list.query()).items);
      expect([...proxy.happened].sort()).toEqual([...faults].sort());
      const opened = states.filter((state) => state.status === 'open');
      expect(new Set(opened.map(({ sessionId }) => sessionId)).size).toBe(1);
      expect(opened.map(({ resumed }) => resumed)).toEqual([...opened.keys()]);
    },
    TEST_TIMEOUT_MS,
  );
});
