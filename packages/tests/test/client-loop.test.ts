import { initTRPC } from '@trpc/server';
import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { closing, listen, TcpProxy } from './client-support.ts';

/** As little as a server may keep for a client, in bytes: one item fills it. */
const BACKLOG_BYTES = 65_536;
/** After so many the loop has seen enough; there are always more. */
const ITEMS = 40;

const t = initTRPC.create();

/** A server that gives items as fast as they are taken, and a line to it. */
async function flooding(itemLength: number, callsMax?: number) {
  const saved: number[] = [];
  const router = t.router({
    items: t.procedure.subscription(async function* () {
      for (let n = 0; ; n++) yield { n, pad: 'i'.repeat(itemLength) };
    }),
    save: t.procedure
      .input((value) => value as { readonly n: number; readonly pad: string })
      .mutation(({ input }) => {
        saved.push(input.n);
        return { n: input.n, pad: 'r'.repeat(input.pad.length) };
      }),
  });
  const server = createServer({
    router,
    limits: { backlogBytesMax: BACKLOG_BYTES, ...(callsMax === undefined ? {} : { callsMax }) },
  });
  const proxy = await TcpProxy.to((await listen(server)).port);
  const line = closing(openLine<typeof router>({ url: proxy.url }));
  return { saved, line, api: line.client(), proxy };
}

const NUMBERS = Array.from({ length: ITEMS }, (_, n) => n);

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0.01);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a loop over a subscription that awaits a mutation for each item', () => {
  it.each([
    { what: 'items that fill it', itemLength: 70_000, padLength: 10 },
    { what: 'items and results that fill it', itemLength: 70_000, padLength: 70_000 },
    { what: 'items and results in many pieces', itemLength: 300_000, padLength: 300_000 },
  ])(
    'case 24: comes to its end although the backlog is full: $what',
    async ({ itemLength, padLength }) => {
      const { api, saved } = await flooding(itemLength);
      const answered: number[] = [];
      const pad = 'p'.repeat(padLength);
      for await (const { n } of api.items.subscribe()) {
        const result = await api.save.mutate({ n, pad });
        expect(result.pad.length).toBe(padLength);
        if (answered.push(result.n) === ITEMS) break;
      }
      expect([answered, saved]).toEqual([NUMBERS, NUMBERS]);
    },
  );

  it('case 24: comes to its end over one connection after another', async () => {
    const { api, saved, proxy, line } = await flooding(70_000);
    const answered: number[] = [];
    for await (const { n } of api.items.subscribe()) {
      const call = api.save.mutate({ n, pad: 'p'.repeat(70_000) });
      if (n % 10 === 3) proxy.cut();
      if (answered.push((await call).n) === ITEMS) break;
    }
    expect([answered, saved]).toEqual([NUMBERS, NUMBERS]);
    expect(line.state.get()).toMatchObject({ status: 'open', resumed: 4 });
  });

  it('case 25: comes to its end while both sides have more to say than they may hold', async () => {
    const { api, saved } = await flooding(200_000, 2);
    const pad = 'p'.repeat(200_000);
    // Far more than the client may hold, and than the server runs at a time.
    const others = NUMBERS.map((n) => api.save.mutate({ n: -1 - n, pad }));
    const answered: number[] = [];
    for await (const { n } of api.items.subscribe()) {
      if (answered.push((await api.save.mutate({ n, pad })).n) === ITEMS) break;
    }
    expect(answered).toEqual(NUMBERS);
    expect((await Promise.all(others)).map(({ n }) => n)).toEqual(NUMBERS.map((n) => -1 - n));
    expect(saved.length).toBe(2 * ITEMS);
  });
});
