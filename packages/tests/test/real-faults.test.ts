import { setImmediate as turn } from 'node:timers/promises';
import { initTRPC, tracked } from '@trpc/server';
import { openLine, type Line } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { closing, listen, statesOf } from './client-support.ts';
import { FAULTS, FaultyProxy } from './real-proxy.ts';
import { seededRandom } from './real-random.ts';
import { Follower, leaveNoSocket } from './server-support.ts';

const CALLS = 10_000;
const CALLERS = 100;
const SUBSCRIPTIONS = 10;
const ITEMS = 500;
/** So many calls are made for each item. */
const CALLS_PER_ITEM = CALLS / ITEMS;
/** Every so many calls and items one goes in pieces, of a call both input and result. */
const LARGE_EVERY = 125;
const LARGE_LENGTH = 100_000;
/** How often each fault happens. */
const ROUNDS = 5;
/** A black hole is found within five of these, in milliseconds. */
const KEEP_ALIVE_MS = 150;
const TEST_TIMEOUT_MS = 120_000;

/** Another one for each `n`. */
function payloadOf(n: number): string {
  return n % LARGE_EVERY === 0 ? `${n};`.padEnd(LARGE_LENGTH, `${n};`) : `${n};`;
}

/** A router that counts what it runs. */
class Counter {
  readonly calls: string[] = [];
  readonly subscriptions: number[] = [];
  #items = 0;
  #waiting: (() => void)[] = [];

  readonly router = (() => {
    const t = initTRPC.create();
    const call = t.procedure.input(z.object({ n: z.number(), payload: z.string() }));
    return t.router({
      ask: call.query(({ input: { n, payload } }) => this.#answer('ask', n, payload)),
      tell: call.mutation(({ input: { n, payload } }) => this.#answer('tell', n, payload)),
      items: t.procedure.input(z.number()).subscription(({ input }) => this.#follow(input)),
    });
  })();

  async #answer(path: 'ask' | 'tell', n: number, payload: string) {
    this.calls.push(`${path} ${n}`);
    if (this.calls.length % CALLS_PER_ITEM === 0) {
      this.#items++;
      for (const wake of this.#waiting.splice(0)) wake();
    }
    // Some are answered at once, others only behind those that came later.
    for (let turns = n % 7; turns > 0; turns--) await turn();
    return { n, payload };
  }

  async *#follow(subscription: number) {
    this.subscriptions.push(subscription);
    for (let n = 1; n <= ITEMS; n++) {
      while (n > this.#items) await new Promise<void>((wake) => this.#waiting.push(wake));
      const item = { n, payload: payloadOf(n) };
      yield subscription % 2 === 0 ? tracked(`${n}`, item) : { id: undefined, data: item };
    }
  }
}

/** Calls are made while others are under way; gives what came back, by path and number. */
async function callAll(line: Line<Counter['router']>): Promise<Map<string, unknown>> {
  const api = line.client();
  const answers = new Map<string, unknown>();
  let made = 0;
  const call = async (): Promise<void> => {
    while (made < CALLS) {
      const n = ++made;
      const input = { n, payload: payloadOf(n) };
      if (n % 2 === 0) answers.set(`ask ${n}`, await api.ask.query(input));
      else answers.set(`tell ${n}`, await api.tell.mutate(input));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
  return answers;
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

describe('a line over a network that cuts, stalls, throttles and half-closes at any byte', () => {
  it(
    'runs each of 10,000 calls once, and gives each item of 10 subscriptions once and in order',
    async () => {
      const counter = new Counter();
      const server = createServer({ router: counter.router, keepAliveMs: KEEP_ALIVE_MS });
      const { port } = await listen(server);
      const faults = Array.from({ length: ROUNDS }, () => FAULTS).flat();
      const proxy = await FaultyProxy.to(port, seededRandom(), faults);
      const line = closing(
        openLine<Counter['router']>({ url: proxy.url, timeoutMs: TEST_TIMEOUT_MS }),
      );
      reconnectAtOnce(line);
      const states = statesOf(line);
      const followers = Array.from({ length: SUBSCRIPTIONS }, (_, subscription) => {
        const follower = new Follower<{ id?: string | undefined; data: unknown }>();
        line.client().items.subscribe(subscription, follower.callbacks);
        return follower;
      });

      // A session in which nothing was heard is not kept: it is another one that goes on then.
      await vi.waitFor(() => followers.forEach(({ log }) => expect(log).toContain('started')));
      proxy.begin();

      const answers = await callAll(line);
      await vi.waitFor(
        () => followers.forEach(({ log }) => expect(log.at(-1)).toBe('complete')),
        10_000,
      );

      const names = Array.from({ length: CALLS }, (_, i) => `${i % 2 ? 'ask' : 'tell'} ${i + 1}`);
      expect(counter.calls.sort()).toEqual(names.sort());
      expect([...answers.keys()].sort()).toEqual(names.sort());
      for (const [name, answer] of answers) {
        const n = Number(name.split(' ')[1]);
        expect(answer).toEqual({ n, payload: payloadOf(n) });
      }

      expect([...counter.subscriptions].sort((a, b) => a - b)).toEqual([...followers.keys()]);
      for (const [subscription, { log }] of followers.entries()) {
        const items = Array.from({ length: ITEMS }, (_, index) => {
          const n = index + 1;
          const data = { n, payload: payloadOf(n) };
          return subscription % 2 === 0 ? { id: `${n}`, data } : { data };
        });
        expect(log.filter((entry) => entry !== 'started')).toEqual([...items, 'complete']);
      }

      expect([...proxy.happened].sort()).toEqual([...faults].sort());
      const opened = states.filter((state) => state.status === 'open');
      expect(new Set(opened.map(({ sessionId }) => sessionId)).size).toBe(1);
      expect(opened.map(({ resumed }) => resumed)).toEqual([...opened.keys()]);
    },
    TEST_TIMEOUT_MS,
  );
});
