import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { lineError, openLine, outcomeOf } from '@openline/client';
import { createServer } from '@openline/server';
import { transformer } from '@openline/transformer';
import {
  createTRPCClient,
  httpBatchLink,
  httpBatchStreamLink,
  type TRPCClient,
} from '@trpc/client';
import { initTRPC, tracked, TRPCError } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closing, failureOf, listen } from './client-support.ts';

const RICH = {
  at: new Date(1_700_000_000_123),
  never: new Date(Number.NaN),
  cents: 12_345_678_901_234_567_890n,
  stock: new Map<string, { left: number; at: Date }>([['a', { left: -0, at: new Date(0) }]]),
  tags: new Set(['a', undefined]),
  missing: undefined,
  numbers: [Number.NaN, Infinity, -Infinity],
  pattern: /a+b/giu,
  link: new URL('https://example.com/a?b=c'),
  bytes: new Uint8Array([0, 127, 255]),
  floats: new Float64Array([0.1]),
  problem: new RangeError('too far', { cause: new Error('inner') }),
};
const PLAIN = { id: 1, tags: ['a', null], '~': { '~': ['~d', 0] } };

const t = initTRPC.create({
  transformer,
  isDev: false,
  errorFormatter: ({ shape }) => ({ ...shape, data: { ...shape.data, retryAt: new Date(5) } }),
});
const anything = t.procedure.input((input) => input);
const router = t.router({
  rich: t.procedure.query(() => RICH),
  echo: anything.query(({ input }) => input),
  save: anything.mutation(({ input }) => input),
  refuse: t.procedure.mutation(() => {
    throw new TRPCError({ code: 'CONFLICT', message: 'sold out' });
  }),
  wrong: t.procedure.query(() => ({ run: () => 1 })),
});
const streams = t.router({
  router,
  days: t.procedure.subscription(async function* () {
    yield tracked('first', new Map([[1n, new Date(0)]]));
    yield tracked('second', new Map([[2n, new Date(1)]]));
  }),
});

type Api = TRPCClient<typeof router>;

async function overOpenline(): Promise<Api> {
  const server = createServer({ router });
  const { url } = await listen(server);
  return closing(openLine<typeof server>({ url })).client({ transformer });
}

async function overHttp(link: typeof httpBatchLink | typeof httpBatchStreamLink): Promise<Api> {
  const server = createHTTPServer({ router }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return createTRPCClient<typeof router>({ links: [link({ url, transformer })] });
}

describe.each([
  ['over Openline', overOpenline],
  ['over httpBatchLink', () => overHttp(httpBatchLink)],
  ['over httpBatchStreamLink', () => overHttp(httpBatchStreamLink)],
])('a router with the transformer, %s,', (_how, connect) => {
  it('answers with what its procedures gave', async () => {
    const api = await connect();
    const { problem, ...values } = await api.rich.query();
    const { problem: expected, ...others } = RICH;
    expect(values).toStrictEqual(others);
    expect(problem).toStrictEqual(expected);
  });

  it.each([[RICH], [PLAIN], [{ '~': 1 }], [undefined], [null], [0n], [new Date(0)], [[undefined]]])(
    'takes what its clients gave: %#',
    async (value) => {
      const api = await connect();
      const both = [await api.echo.query(value), await api.save.mutate(value)];
      expect(both).toStrictEqual([value, value]);
    },
  );

  it('says errors with what the formatter put there', async () => {
    const api = await connect();
    expect(await failureOf(api.refuse.mutate())).toMatchObject({
      message: 'sold out',
      data: { code: 'CONFLICT', retryAt: new Date(5) },
    });
  });

  it('fails a call whose result cannot be carried, and goes on', async () => {
    const api = await connect();
    expect(await failureOf(api.wrong.query())).toBeInstanceOf(Error);
    expect(await api.echo.query(1n)).toBe(1n);
  });
});

describe('over Openline', () => {
  it('an input that cannot be carried ends the call before it is sent', async () => {
    const api = await overOpenline();
    const error = await failureOf(api.echo.query({ run: () => 1 }));
    expect([lineError(error)?.code, outcomeOf(error)]).toEqual(['ENCODING', 'not-executed']);
    expect((error as Error).cause).toMatchObject({
      name: 'TransformerError',
      code: 'UNSUPPORTED',
      message: '.run: a function cannot be carried',
    });
  });

  it('a result that cannot be carried ends the call as an error that the server is told', async () => {
    const api = await overOpenline();
    const error = await failureOf(api.wrong.query());
    expect(error).toMatchObject({ data: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(outcomeOf(error)).toBe('failed');
  });

  it('an input that is malformed ends the call alone', async () => {
    const server = createServer({ router });
    const { url } = await listen(server);
    const hostile = { ...transformer, serialize: () => ({ '~': ['~d', 'never'] }) };
    const line = closing(openLine<typeof server>({ url }));
    const error = await failureOf(
      line.client({ transformer: { input: hostile, output: transformer } }).echo.query(1),
    );
    expect(error).toMatchObject({ data: { code: 'PARSE_ERROR' } });
    expect(await line.client({ transformer }).echo.query(1n)).toBe(1n);
  });
});

it('a subscription over Openline gives its items as they were', async () => {
  const server = createServer({ router: streams });
  const { url } = await listen(server);
  const api = closing(openLine<typeof server>({ url })).client({ transformer });
  const items: unknown[] = [];
  for await (const item of api.days.subscribe()) items.push(item);
  expect(items).toStrictEqual([
    { id: 'first', data: new Map([[1n, new Date(0)]]) },
    { id: 'second', data: new Map([[2n, new Date(1)]]) },
  ]);
});
