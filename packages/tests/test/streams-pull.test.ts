import { createTRPCClient } from '@trpc/client';
import { initTRPC, tracked } from '@trpc/server';
import { lineError, openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { closing, listen } from './client-support.ts';
import { eventually, failureOf, leaveNoSocket } from './server-support.ts';

const ITEMS = 2_000;
/** What a stream may give before anything is granted. */
const WINDOW = 16;

beforeEach(leaveNoSocket);

async function numbers() {
  const t = initTRPC.create();
  const state = { given: 0, isOver: false };
  const router = t.router({
    count: t.procedure.subscription(async function* () {
      try {
        for (let n = 1; n <= ITEMS; n++) {
          state.given = n;
          yield n;
        }
      } finally {
        state.isOver = true;
      }
    }),
    tracked: t.procedure.subscription(async function* () {
      for (let n = 1; n <= 3; n++) yield tracked(`${n}`, n);
    }),
    fails: t.procedure.subscription(async function* () {
      yield 1;
      throw new Error('no more');
    }),
  });
  const { url } = await listen(createServer({ router }));
  const line = closing(openLine<typeof router>({ url }));
  const stock = createTRPCClient<typeof router>({ links: [line.link()] });
  return { line, state, api: line.client(), stock };
}

describe('a subscription that is iterated', () => {
  it('gives its items as they are pulled, and no more than its window ahead', async () => {
    const { api, state } = await numbers();
    const items = api.count.subscribe();
    await eventually(() => expect(state.given).toBe(WINDOW));
    let n = 0;
    for await (const item of items) {
      expect(item).toBe(++n);
      expect(state.given - n).toBeLessThanOrEqual(WINDOW + 1);
      if (n === 10) break;
    }
    await eventually(() => expect(state.isOver).toBe(true));
    expect(state.given).toBeLessThanOrEqual(10 + WINDOW + 1);
  });

  it('gives all of them, in order', async () => {
    const { api, state } = await numbers();
    const items: number[] = [];
    for await (const item of api.count.subscribe()) items.push(item);
    expect(items).toEqual(Array.from({ length: ITEMS }, (_, index) => index + 1));
    expect(state.isOver).toBe(true);
  });

  it('gives tracked items with their ids', async () => {
    const { api } = await numbers();
    const items: unknown[] = [];
    for await (const item of api.tracked.subscribe()) items.push(item);
    expect(items).toEqual([1, 2, 3].map((n) => ({ id: `${n}`, data: n })));
  });

  it('throws what ended it behind its items', async () => {
    const { api } = await numbers();
    const items: number[] = [];
    const error = await failureOf(
      (async () => {
        for await (const item of api.fails.subscribe()) items.push(item);
      })(),
    );
    expect(items).toEqual([1]);
    expect(error).toMatchObject({ message: 'no more' });
    expect(lineError(error)).toBe(undefined);
  });

  it('is simply over when its signal aborts, or its line is closed', async () => {
    const { api, line, state } = await numbers();
    const controller = new AbortController();
    let count = 0;
    for await (const _ of api.count.subscribe(undefined, { signal: controller.signal })) {
      if (++count === 5) controller.abort();
    }
    await eventually(() => expect(state.isOver).toBe(true));
    expect(count).toBeLessThanOrEqual(5 + WINDOW);
    const others = api.count.subscribe();
    await others.next();
    await line.close();
    for await (const _ of others) count++;
  });

  it('is granted as it arrives by a client of tRPC itself, which keeps what is not pulled', async () => {
    const { stock, state } = await numbers();
    const items = stock.count.subscribe();
    await eventually(() => expect(state.given).toBe(ITEMS));
    expect(await items.next()).toEqual({ done: false, value: 1 });
    await items.return?.();
  });
});
