import { openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { transformer } from '@openline/transformer';
import { initTRPC } from '@trpc/server';
import * as z from 'zod';

const t = initTRPC.create({ transformer });
const router = t.router({
  order: t.procedure.input(z.object({ since: z.date() })).query(({ input }) => ({
    placed: input.since,
    cents: 12_345_678_901_234_567_890n,
    stock: new Map([['apples', { left: 3, until: new Date(0) }]]),
    label: new Uint8Array([1, 2, 3]),
  })),
});

const server = createServer({ router });
const { url } = await server.listen();
const line = openLine<typeof server>({ url });

const api = line.client({ transformer });

const { stock, cents } = await api.order.query({ since: new Date() });
stock.get('apples')?.until.getFullYear(); // a Date, as the types say
console.log(cents);
