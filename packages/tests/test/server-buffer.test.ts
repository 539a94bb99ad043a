import { randomBytes } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isGap, openLine, type Line } from '@openline/client';
import { buffer, createServer, type ErrorReport, type Overflow } from '@openline/server';
import { initTRPC, tracked } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { streamsRouter } from '../guide/streams.ts';
import {
  connect,
  eventually,
  Follower,
  leaveNoSocket,
  lineTo,
  RUNNER_PATHS,
  runBy,
  serve,
} from './server-support.ts';

beforeEach(leaveNoSocket);

const ITEM_BYTES = 20_000;
/** What a stream may write before its reader grants more. */
const SENT_MAX = 16;
const ITEMS = 200;
const HELD = 7;

interface Item {
  readonly n: number;
  readonly pad: string;
}

function itemOf(n: number): Item {
  return { n, pad: randomBytes(ITEM_BYTES / 2).toString('hex') };
}

/** An observable source and an emitter, which give the same. */
class Feed {
  readonly events = new EventEmitter();

  get listeners(): number {
    return this.events.listenerCount('item');
  }

  readonly observable = observable<Item>((observer) => {
    const listener = (item: Item): void => observer.next(item);
    this.events.on('item', listener);
    return () => void this.events.off('item', listener);
  });

  /** Gives items one after the other, with a turn for everybody else between them. */
  async give(from: number, to: number): Promise<void> {
    for (let n = from; n <= to; n++) {
      this.events.emit('item', itemOf(n));
      await turn();
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A line that can stop reading what its server sends. */
async function pausable<S extends ReturnType<typeof createServer>>(
  server: S,
): Promise<{ readonly line: Line<S>; readonly pause: () => void; readonly resume: () => void }> {
  const { url } = await serve(server);
  const sockets: WebSocket[] = [];
  class PausableWebSocket extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const options = { url, WebSocket: PausableWebSocket };
  const line = openLine<S>(...([options] as unknown as Parameters<typeof openLine<S>>));
  onTestFinished(() => line.close());
  return { line, pause: () => sockets.at(-1)?.pause(), resume: () => sockets.at(-1)?.resume() };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe.each(RUNNER_PATHS)('over a line, where procedures run by %s,', (path) => {
  describe.each(['an emitter', 'an observable'] as const)('%s behind a buffer', (source) => {
    /** A subscription of one client that does not read while all items are given. */
    async function lagging(overflow: Exclude<Overflow<Item>, 'wait'>) {
      const feed = new Feed();
      const t = runBy(path, initTRPC.create());
      const router = t.router({
        it: t.procedure.subscription(async function* ({ signal }) {
          const options = { items: HELD, overflow: overflow as 'gap', signal };
          if (source === 'an observable') return yield* buffer(feed.observable, options);
          for await (const item of buffer(items(signal), options)) yield item;
        }),
      });
      async function* items(signal: AbortSignal | undefined): AsyncGenerator<Item> {
        for await (const [item] of on(feed.events, 'item', { signal })) yield item as Item;
      }
      const reports: ErrorReport[] = [];
      const server = createServer({ router, onError: (report) => void reports.push(report) });
      const { line, pause, resume } = await pausable(server);
      const got: unknown[] = [];
      const ends: unknown[] = [];
      const { unsubscribe } = line.client().it.subscribe(undefined, {
        onData: (item) => got.push(isGap(item) ? item : item.n),
        onError: (error) => ends.push(error.data?.code),
      });
      await eventually(() => expect(feed.listeners).toBe(1));
      await feed.give(1, 1);
      await eventually(() => expect(got).toEqual([1]));
      pause();
      await feed.give(2, ITEMS);
      return { feed, got, ends, reports, resume, unsubscribe };
    }

    /** How many items were on their way when there was no more room for them. */
    function sentOf(got: readonly unknown[]): number {
      const sent = got.findIndex((n, i) => n !== i + 1);
      expect(sent).toBeGreaterThanOrEqual(SENT_MAX - 1);
      expect(sent).toBeLessThan(ITEMS / 2);
      return sent;
    }

    it('gives the newest to a client that did not read, where that is its overflow', async () => {
      const { feed, got, resume } = await lagging('latest');
      resume();
      await eventually(() => expect(got.at(-1)).toBe(ITEMS));
      expect(got.slice(sentOf(got))).toEqual(range(ITEMS - HELD + 1, ITEMS));
      await feed.give(ITEMS + 1, ITEMS + 1);
      await eventually(() => expect(got.at(-1)).toBe(ITEMS + 1));
    });

    it('gives the newest of each key, where that is its overflow', async () => {
      const { got, resume } = await lagging({ latestBy: ({ n }) => n % 3 });
      resume();
      await eventually(() => expect(got.at(-1)).toBeGreaterThan(ITEMS - 3));
      const sent = sentOf(got);
      const newest = (n: number): number => n + 3 * Math.floor((ITEMS - n) / 3);
      await eventually(() =>
        expect(got.slice(sent)).toEqual(range(sent + 1, sent + 3).map(newest)),
      );
    });

    it('gives a gap where items are missing, where that is its overflow', async () => {
      const { feed, got, resume } = await lagging('gap');
      resume();
      await eventually(() => expect(isGap(got.at(-1))).toBe(true));
      const last = got.length - 1;
      await feed.give(ITEMS + 1, ITEMS + 1);
      await eventually(() => expect(got.at(-1)).toBe(ITEMS + 1));
      expect(got).toEqual([
        ...range(1, last),
        { gap: 'slow', after: `${last}`, resumedAt: `${ITEMS + 1}`, missed: ITEMS - last },
        ITEMS + 1,
      ]);
      expect(sentOf(got)).toBe(last);
    });

    it('gives what it holds and then an error, where that is its overflow', async () => {
      const { feed, got, ends, reports, resume } = await lagging('end');
      expect(feed.listeners).toBe(0);
      resume();
      await eventually(() => expect(ends).toEqual(['TOO_MANY_REQUESTS']));
      expect(got).toEqual(range(1, got.length));
      expect(got.length).toBeGreaterThanOrEqual(SENT_MAX + HELD - 1);
      expect(reports.map(({ error }) => error.code)).toEqual(['TOO_MANY_REQUESTS']);
    });

    it('is left when its client leaves', async () => {
      const { feed, resume, unsubscribe } = await lagging('latest');
      unsubscribe();
      resume();
      await eventually(() => expect(feed.listeners).toBe(0));
    });
  });

  it('a generator behind a buffer waits for a client that does not read', async () => {
    let given = 0;
    const t = runBy(path, initTRPC.create());
    const router = t.router({
      it: t.procedure.subscription(() => buffer(count(), { items: HELD, overflow: 'wait' })),
    });
    async function* count(): AsyncGenerator<Item> {
      while (given < ITEMS) yield itemOf(++given);
    }
    const { line, pause, resume } = await pausable(createServer({ router }));
    await line.open();
    pause();
    const got: number[] = [];
    line.client().it.subscribe(undefined, { onData: ({ n }) => got.push(n) });
    await eventually(() => expect(given).toBeGreaterThanOrEqual(SENT_MAX - 1 + HELD));
    for (let i = 0; i < 50; i++) await turn();
    expect(given).toBeLessThanOrEqual(SENT_MAX + 1 + HELD);
    resume();
    await eventually(() => expect(got).toEqual(range(1, ITEMS)));
  });
});

describe('an observable that a subscription returns without a buffer', () => {
  const t = initTRPC.create();

  function burstOf(count: number) {
    const router = t.router({
      it: t.procedure.subscription(() =>
        observable<number>((observer) => {
          for (let n = 1; n <= count; n++) observer.next(n);
        }),
      ),
    });
    return connect(createServer({ router }));
  }

  it('may give 1,000 items at once', async () => {
    const { line } = await burstOf(1_000);
    const follower = new Follower<number>();
    line.client().it.subscribe(undefined, follower.callbacks);
    await eventually(() => expect(follower.log).toEqual(['started', ...range(1, 1_000)]));
  });

  it('ends as too slow at one more than are held, and gives what is held first', async () => {
    const { line } = await burstOf(1_001);
    const follower = new Follower<number>();
    line.client().it.subscribe(undefined, follower.callbacks);
    await eventually(() =>
      expect(follower.log).toEqual([
        'started',
        ...range(1, 1_000),
        {
          error: expect.objectContaining({
            data: expect.objectContaining({
              code: 'TOO_MANY_REQUESTS',
            }),
          }),
        },
      ]),
    );
  });

  it('is held for a client that does not read up to those, and then ended', async () => {
    const feed = new Feed();
    const router = t.router({ it: t.procedure.subscription(() => feed.observable) });
    const { line, pause, resume } = await pausable(createServer({ router }));
    const got: number[] = [];
    const ends: unknown[] = [];
    line.client().it.subscribe(undefined, {
      onData: ({ n }) => got.push(n),
      onError: (error) => ends.push(error.data?.code),
    });
    await eventually(() => expect(feed.listeners).toBe(1));
    pause();
    let given = 0;
    while (feed.listeners > 0) await feed.give(++given, given);
    expect(given).toBeGreaterThan(1_000 + SENT_MAX - 1);
    expect(given).toBeLessThan(1_000 + 2 * SENT_MAX);
    resume();
    await eventually(() => expect(ends).toEqual(['TOO_MANY_REQUESTS']));
    expect(got).toEqual(range(1, given - 1));
  });
});

describe('a buffer in a subscription', () => {
  it('costs what it holds, however much a client leaves unread', async () => {
    const feed = new Feed();
    const t = initTRPC.create();
    const router = t.router({
      it: t.procedure.subscription(() =>
        buffer(feed.observable, { items: HELD, overflow: 'latest' }),
      ),
    });
    const { line, pause, resume } = await pausable(createServer({ router }));
    const got: number[] = [];
    line.client().it.subscribe(undefined, { onData: ({ n }) => got.push(n) });
    await eventually(() => expect(feed.listeners).toBe(1));
    pause();
    await feed.give(1, ITEMS);
    const before = heapBytes();
    await feed.give(ITEMS + 1, 20 * ITEMS);
    const given = 19 * ITEMS * ITEM_BYTES;
    expect(heapBytes() - before).toBeLessThan(given / 10);
    resume();
    await eventually(() => expect(got.at(-1)).toBe(20 * ITEMS));
  });

  it('gives tracked items with their ids, which a client of a lost session goes on from', async () => {
    const t = initTRPC.create();
    const from: unknown[] = [];
    const router = t.router({
      it: t.procedure
        .input((input) => input as { readonly lastEventId?: string } | undefined)
        .subscription(({ input }) => {
          from.push(input?.lastEventId);
          const source = observable<ReturnType<typeof tracked<string>>>((observer) => {
            const first = Number(input?.lastEventId ?? 0) + 1;
            observer.next(tracked(`${first}`, 'a'));
            observer.next(tracked(`${first + 1}`, 'b'));
          });
          return buffer(source, { items: 2, overflow: 'gap' });
        }),
    });
    const server = createServer({ router, resume: { windowMs: 0 } });
    const { url } = await serve(server);
    const { line, cut } = lineTo<typeof server>(url);
    const follower = new Follower<unknown>();
    line.client().it.subscribe(undefined, follower.callbacks);
    await eventually(() => expect(follower.log.length).toBe(3));
    cut();
    await eventually(() => expect(follower.log.length).toBe(6));
    expect(from).toEqual([undefined, '2']);
    expect(follower.log.filter((it) => it !== 'started')).toEqual(
      ['1', '2', '3', '4'].map((id, i) => ({ id, data: 'ab'[i % 2] })),
    );
  });
});

describe('the router of the guide', () => {
  it('gives each of its subscriptions', async () => {
    const events = new EventEmitter();
    const listeners = new Set<(reading: number) => void>();
    const router = streamsRouter({
      events,
      games: { current: () => ({ id: 'first' }) },
      sensor: {
        listen: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      rows: {
        async *after(id) {
          for (let n = id + 1; n <= id + 100; n++) yield { id: n };
        },
      },
    });
    const { line } = await connect(createServer({ router }));
    const api = line.client();
    const logs = {
      export: [] as unknown[],
      game: [] as unknown[],
      prices: [] as unknown[],
      orders: [] as unknown[],
      readings: [] as unknown[],
      ahead: [] as unknown[],
    };
    const into = (log: unknown[]) => ({ onData: (item: unknown) => void log.push(item) });
    const subscriptions = [
      api.export.subscribe(undefined, into(logs.export)),
      api.game.subscribe(undefined, into(logs.game)),
      api.prices.subscribe(undefined, into(logs.prices)),
      api.orders.subscribe(undefined, into(logs.orders)),
      api.readings.subscribe(undefined, into(logs.readings)),
      api.ahead.subscribe(undefined, into(logs.ahead)),
    ];
    await eventually(() =>
      expect([
        listeners.size,
        ...['game', 'price', 'order'].map((it) => events.listenerCount(it)),
      ]).toEqual([1, 1, 1, 1]),
    );
    await eventually(() => expect(logs.game).toEqual([{ id: 'first' }]));
    events.emit('game', { id: 'second' });
    events.emit('price', { symbol: 'a' });
    events.emit('order', { id: 1 });
    for (const listener of listeners) listener(1);
    const rows = range(1, 100).map((id) => ({ id }));
    await eventually(() =>
      expect(logs).toEqual({
        export: rows,
        game: [{ id: 'first' }, { id: 'second' }],
        prices: [{ symbol: 'a' }],
        orders: [{ id: 1 }],
        readings: [1],
        ahead: rows,
      }),
    );
    for (const { unsubscribe } of subscriptions) unsubscribe();
    await eventually(() => expect([listeners.size, events.eventNames()]).toEqual([0, []]));
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is alive, in bytes. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
