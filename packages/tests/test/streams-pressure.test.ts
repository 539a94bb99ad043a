import { initTRPC } from '@trpc/server';
import { stream, streams } from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { failureOf } from './client-support.ts';
import {
  CALL,
  CANCEL,
  ERROR,
  GRANT,
  ITEM,
  QUERY,
  RawClient,
  SUBSCRIBED,
  SUBSCRIPTION,
} from './server-raw.ts';
import { aborted, eventually, Gate, leaveNoSocket } from './server-support.ts';
import { collect, counting, start, take, Tap, upTo } from './streams-support.ts';

/** What is granted before anything is read, in items of up to 64 KiB. */
const WINDOW = 16;
/** The most that is ever granted ahead of what was read. */
const WINDOW_MAX = 16_384;
/** What a server keeps for a client that does not acknowledge it, in bytes. */
const BACKLOG_BYTES = 1_048_576;
const ITEM_LENGTH = 1_000;
const MIB = 1_048_576;

const t = initTRPC.create({ isDev: false });

function createApp() {
  const taps = {
    a: counting(),
    b: counting(),
    text: new Tap(Infinity, () => 'a'.repeat(ITEM_LENGTH)),
  };
  const gate = new Gate();
  const router = t.router({
    two: t.procedure.query(() => ({ a: taps.a.items(), b: taps.b.items() })),
    follow: t.procedure.subscription(() => taps.a.items()),
    flood: t.procedure.subscription(() => taps.text.items()),
    echo: t.procedure.input(z.number()).query(({ input }) => input),
    pair: t.procedure
      .input(streams({ a: z.number(), b: z.number() }))
      .mutation(async ({ input }) => {
        const first = await take(input.a[Symbol.asyncIterator](), 500);
        await gate.promise;
        return first.length;
      }),
    never: t.procedure
      .input(stream(z.union([z.number(), z.string()])))
      .mutation(({ signal }) => aborted(signal)),
    late: t.procedure.input(stream(z.number())).mutation(async ({ input }) => {
      await gate.promise;
      return (await collect(input)).length;
    }),
  });
  return { router, taps, gate };
}

async function startApp() {
  const { router, ...app } = createApp();
  const { line, url } = await start(router);
  const api = line.client();
  return {
    ...app,
    api,
    url,
    /** As long as it takes to call and be answered often: whoever could go on has gone on. */
    async roundTrips(): Promise<void> {
      for (const n of upTo(100)) await api.echo.query(n);
    },
  };
}

beforeEach(leaveNoSocket);

describe('a generator of the server', () => {
  it('gives 16 items to who reads none', async () => {
    const { api, taps, roundTrips } = await startApp();
    await api.two.query();
    await roundTrips();
    expect([taps.a.produced, taps.b.produced]).toEqual([WINDOW, WINDOW]);
  });

  it('waits for who has stopped to read, and goes on with them', async () => {
    const { api, taps, roundTrips } = await startApp();
    const { a } = await api.two.query();
    const iterator = a[Symbol.asyncIterator]();
    expect(await take(iterator, 5_000)).toEqual(upTo(5_000));
    await roundTrips();
    const { produced } = taps.a;
    expect(produced).toBeLessThanOrEqual(5_000 + WINDOW_MAX);
    await roundTrips();
    expect([taps.a.produced, taps.b.produced]).toEqual([produced, WINDOW]);
    expect(await take(iterator, 20_000)).toEqual(upTo(25_000).slice(5_000));
  });

  it('gives 16 items to a subscriber that never grants, though its socket is read', async () => {
    const { url, taps, roundTrips } = await startApp();
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, SUBSCRIPTION, 'follow', 0]);
    await eventually(() => expect(client.ofCall(1)).toHaveLength(1 + WINDOW));
    client.acknowledge();
    await roundTrips();
    expect([taps.a.produced, client.ofCall(1).length]).toEqual([WINDOW, 1 + WINDOW]);
    client.say([GRANT, 1, 0, 20]);
    await eventually(() => expect(client.ofCall(1)).toHaveLength(1 + 20));
    await roundTrips();
    expect([taps.a.produced, client.ofCall(1).at(-1)]).toEqual([20, [ITEM, 1, 0, 19]]);
  });

  it('that waits for a grant is closed when its subscription is cancelled', async () => {
    const { url, taps } = await startApp();
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, SUBSCRIPTION, 'follow', 0]);
    await eventually(() => expect(client.ofCall(1)).toHaveLength(1 + WINDOW));
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    expect([taps.a.produced, taps.a.isClosed]).toEqual([WINDOW, true]);
  });

  it('gives a backlog full to a subscriber that grants, and then reads its socket no more', async () => {
    const { url, taps, roundTrips } = await startApp();
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, SUBSCRIPTION, 'flood', 0], [GRANT, 1, 0, Number.MAX_SAFE_INTEGER]);
    await client.hears(SUBSCRIBED, 1);
    client.webSocket.pause();
    await eventually(() => {
      expect(taps.text.produced).toBeGreaterThan((0.9 * BACKLOG_BYTES) / (ITEM_LENGTH + 20));
    });
    await roundTrips();
    expect(taps.text.produced).toBeLessThanOrEqual(BACKLOG_BYTES / ITEM_LENGTH + 1);
    client.webSocket.resume();
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    expect(taps.text.isClosed).toBe(true);
  });

  it('that waits is closed when its subscriber leaves without a word', async () => {
    const { url, taps } = await startApp();
    const client = await RawClient.welcomed(url);
    client.say([CALL, 1, SUBSCRIPTION, 'flood', 0], [CALL, 3, QUERY, 'two', 0]);
    await eventually(() => expect(taps.b.produced).toBe(WINDOW));
    client.webSocket.close(1000);
    await eventually(() => {
      expect(Object.values(taps).map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
    });
  });
});

describe('a source of the client', () => {
  it('gives 16 items to a procedure that reads none', async () => {
    const { api, roundTrips } = await startApp();
    const source = counting();
    const controller = new AbortController();
    const failed = failureOf(api.never.mutate(source.items(), { signal: controller.signal }));
    await eventually(() => expect(source.produced).toBe(WINDOW));
    await roundTrips();
    expect([source.produced, source.isClosed]).toEqual([WINDOW, false]);
    controller.abort();
    await failed;
    await eventually(() => expect(source.isClosed).toBe(true));
  });

  it('gives one item to a procedure that reads none where that is of 1 MiB', async () => {
    const { api, roundTrips } = await startApp();
    const source = new Tap(Infinity, () => 'a'.repeat(MIB));
    const controller = new AbortController();
    const failed = failureOf(api.never.mutate(source.items(), { signal: controller.signal }));
    await eventually(() => expect(source.produced).toBe(1));
    await roundTrips();
    expect(source.produced).toBe(1);
    controller.abort();
    await failed;
  });

  it('waits for a procedure that has stopped to read, and goes on with it', async () => {
    const { api, gate, roundTrips } = await startApp();
    const source = counting(1_000);
    const call = api.late.mutate(source.items());
    await eventually(() => expect(source.produced).toBe(WINDOW));
    await roundTrips();
    expect(source.produced).toBe(WINDOW);
    gate.open();
    expect(await call).toBe(1_000);
  });

  it('waits by itself: another one beside it goes on', async () => {
    const { api, gate, roundTrips } = await startApp();
    const [read, unread] = [counting(), counting()];
    const call = api.pair.mutate({ a: read.items(), b: unread.items() });
    await eventually(() => expect(read.produced).toBeGreaterThanOrEqual(500));
    await roundTrips();
    expect(read.produced).toBeLessThanOrEqual(500 + WINDOW_MAX);
    expect(unread.produced).toBe(WINDOW);
    gate.open();
    expect(await call).toBe(500);
    await eventually(() => expect([read.isClosed, unread.isClosed]).toEqual([true, true]));
  });

  it('gives nothing before its call is written', async () => {
    const { api, roundTrips } = await startApp();
    await roundTrips();
    const source = counting();
    const controller = new AbortController();
    const failed = failureOf(api.never.mutate(source.items(), { signal: controller.signal }));
    expect(source.produced).toBe(0); // Nothing of the call is written yet.
    controller.abort();
    await failed;
    expect(source.produced).toBe(0);
  });
});
