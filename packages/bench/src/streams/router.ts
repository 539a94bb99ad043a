import { setImmediate, setTimeout } from 'node:timers/promises';
import { initTRPC } from '@trpc/server';
import { z } from 'zod';
import { answer, Input } from '../workload.ts';
import { nowMicros } from './clock.ts';
import { Tap } from './endless.ts';
import {
  createBulk,
  itemText,
  ITEMS_A_TURN,
  type Bulk,
  type BulkSize,
  type Item,
} from './workload.ts';

export const t = initTRPC.create();

const Items = z.object({ bytes: z.number(), count: z.number() });
const Size = z.object({ shape: z.enum(['text', 'rows']), bytes: z.number() });

export const tap: Tap = new Tap();

const bulks = new Map<string, Bulk>();

/** Made once: what is measured is to send it. */
function bulkOf(size: BulkSize): Bulk {
  const key = `${size.shape} ${size.bytes}`;
  const bulk = bulks.get(key) ?? createBulk(size);
  bulks.set(key, bulk);
  return bulk;
}

export async function* numberedItems(bytes: number, count: number): AsyncGenerator<Item> {
  const text = itemText(bytes);
  for (let n = 0; n < count; n++) {
    yield { n, text };
    if (n % ITEMS_A_TURN === 0) await setImmediate();
  }
}

export const procedures = {
  send: t.procedure.input(Input).mutation(({ input }) => answer(input)),
  items: t.procedure
    .input(Items)
    .subscription(({ input: { bytes, count } }) => numberedItems(bytes, count)),
  endless: t.procedure
    .input(z.object({ bytes: z.number() }))
    .subscription(({ input: { bytes } }) => tap.open(bytes)),
  ticks: t.procedure
    .input(z.object({ everyMs: z.number(), count: z.number() }))
    .subscription(async function* ({ input: { everyMs, count } }) {
      for (let n = 0; n < count; n++) {
        await setTimeout(everyMs);
        yield { n, atMicros: nowMicros() };
      }
    }),
  bulk: t.procedure.input(Size).query(({ input }) => bulkOf(input)),
  bulkItems: t.procedure.input(Size.extend({ count: z.number() })).subscription(async function* ({
    input: { count, ...size },
  }) {
    for (let n = 0; n < count; n++) {
      yield bulkOf(size);
      await setImmediate();
    }
  }),
};

/** What every system serves. */
export const router = t.router(procedures);
export type Router = typeof router;
