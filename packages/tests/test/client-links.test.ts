import { createTRPCClient, loggerLink, retryLink, safe, splitLink } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import {
  callOptions,
  isAnswered,
  lineError,
  openLine,
  outcomeOf,
  type Outcome,
} from '@openline/client';
import { createServer } from '@openline/server';
import superjson from 'superjson';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { closing, failureOf, listen, openTo, RawServer, TAG, until } from './client-support.ts';

const t = initTRPC.create({ transformer: superjson, isDev: false });
const router = t.router({
  now: t.procedure.input(z.date()).query(({ input }) => ({ at: input, days: new Set([1n]) })),
  buy: t.procedure
    .input(z.object({ id: z.string() }))
    .errors(({ error, shape }) =>
      error.code === 'CONFLICT'
        ? { ...shape, data: { kind: 'sold-out', left: 3 } as const }
        : undefined,
    )
    .mutation(({ input }) => {
      if (input.id === 'gone') throw new TRPCError({ code: 'CONFLICT' });
      return input.id;
    }),
  count: t.procedure.input(z.number()).subscription(async function* ({ input }) {
    for (let i = 1; i <= input; i++) yield new Date(i);
  }),
});
type Router = typeof router;

const plain = initTRPC.create();
const plainRouter = plain.router({
  get: plain.procedure.query(() => 'stored'),
  save: plain.procedure.mutation(() => 'saved'),
});

async function openedLine() {
  const { url } = await listen(createServer({ router }));
  return closing(openLine<Router>({ url }));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('createTRPCClient over the link of a line', () => {
  it('calls, mutates and subscribes, with what the transformer carries', async () => {
    const line = await openedLine();
    const api = createTRPCClient<Router>({ links: [line.link({ transformer: superjson })] });
    const at = new Date(5);
    expect(await api.now.query(at)).toEqual({ at, days: new Set([1n]) });
    expect(await api.buy.mutate({ id: 'book' })).toBe('book');
    const items: Date[] = [];
    for await (const item of api.count.subscribe(2)) items.push(item);
    expect(items).toEqual([new Date(1), new Date(2)]);
  });

  it('takes several clients on one line', async () => {
    const line = await openedLine();
    const link = line.link({ transformer: superjson });
    const clients = [1, 2].map(() => createTRPCClient<Router>({ links: [link] }));
    const bought = await Promise.all(clients.map((api, i) => api.buy.mutate({ id: `${i}` })));
    expect(bought).toEqual(['0', '1']);
  });

  it('works behind loggerLink, which sees each way', async () => {
    const line = await openedLine();
    const logged: unknown[] = [];
    const api = createTRPCClient<Router>({
      links: [
        loggerLink({
          logger: ({ direction, path, type, ...rest }) => {
            const result = 'result' in rest ? rest.result : undefined;
            logged.push([direction, type, path, result instanceof Error ? outcomeOf(result) : 0]);
          },
        }),
        line.link({ transformer: superjson }),
      ],
    });
    await api.buy.mutate({ id: 'book' });
    await failureOf(api.buy.mutate({ id: 'gone' }));
    expect(logged).toEqual([
      ['up', 'mutation', 'buy', 0],
      ['down', 'mutation', 'buy', 0],
      ['up', 'mutation', 'buy', 0],
      ['down', 'mutation', 'buy', 'failed'],
    ]);
  });

  it('works behind splitLink, each kind on a line of its own', async () => {
    const [streams, calls] = [await openedLine(), await openedLine()];
    const api = createTRPCClient<Router>({
      links: [
        splitLink({
          condition: (op) => op.type === 'subscription',
          true: streams.link({ transformer: superjson }),
          false: calls.link({ transformer: superjson }),
        }),
      ],
    });
    expect(await api.buy.mutate({ id: 'book' })).toBe('book');
    expect(streams.state.get().status).toBe('idle');
    for await (const item of api.count.subscribe(1)) expect(item).toEqual(new Date(1));
    expect(streams.state.get().status).toBe('open');
  });

  describe('behind a retryLink that asks outcomeOf', () => {
    /** A client of a server of the test's own, and the outcomes that the link was asked about. */
    async function retrying() {
      const outcomes: Outcome[] = [];
      const server = await RawServer.listen();
      const line = closing(openLine<typeof plainRouter>({ url: server.url }));
      const api = createTRPCClient<typeof plainRouter>({
        links: [
          retryLink({
            retry: ({ op, error }) => {
              outcomes.push(outcomeOf(error));
              return op.type === 'mutation'
                ? outcomeOf(error) === 'not-executed'
                : !isAnswered(error);
            },
          }),
          line.link(),
        ],
      });
      return { outcomes, server, line, api, peer: await openTo(server, line) };
    }

    it('sends a mutation again that was not executed', async () => {
      const { api, outcomes, peer } = await retrying();
      const call = api.save.mutate();
      await peer.messages.next();
      peer.send([TAG.error, 1, 'BUSY']);
      expect((await peer.messages.next())[0]).toEqual([
        TAG.call,
        3,
        1,
        'save',
        { timeout: 30_000 },
      ]);
      peer.send([TAG.result, 3, 'saved']);
      expect(await call).toBe('saved');
      expect(outcomes).toEqual(['not-executed']);
    });

    it('does not send a mutation again that may have run', async () => {
      const { api, outcomes, peer } = await retrying();
      const call = failureOf(api.save.mutate());
      await peer.messages.next();
      peer.webSocket.close(4_310);
      expect(lineError(await call)).toMatchObject({ code: 'SESSION_LOST', outcome: 'unknown' });
      expect(outcomes).toEqual(['unknown']);
    });

    it('is not asked about a query whose session is gone: the line itself sends it again', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { api, line, outcomes, peer, server } = await retrying();
      const call = api.get.query();
      await peer.messages.next();
      peer.webSocket.close(4_310);
      await until(line, 'connecting');
      const next = await openTo(server, line);
      expect(await next.messages.next()).toEqual([[TAG.call, 1, 0, 'get', { timeout: 30_000 }]]);
      next.send([TAG.result, 1, 'stored']);
      expect(await call).toBe('stored');
      expect(outcomes).toEqual([]);
    });

    it('is not asked about a mutation whose connection is lost: it goes on', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { api, line, outcomes, peer, server } = await retrying();
      const call = api.save.mutate();
      await peer.messages.next();
      peer.webSocket.terminate();
      await until(line, 'connecting');
      const next = await openTo(server, line, { received: 1 });
      next.send([TAG.result, 1, 'saved']);
      expect(await call).toBe('saved');
      expect(outcomes).toEqual([]);
    });

    it('does not send again what the procedure has refused', async () => {
      const { api, outcomes, peer } = await retrying();
      const call = failureOf(api.get.query());
      await peer.messages.next();
      peer.send([TAG.error, 1, 0, { code: -32_004, message: 'no', data: { code: 'NOT_FOUND' } }]);
      expect(outcomeOf(await call)).toBe('failed');
      expect(outcomes).toEqual(['failed']);
    });
  });
});

describe('safe()', () => {
  it('gives the result', async () => {
    const api = (await openedLine()).client({ transformer: superjson });
    expect(await safe(api.buy.mutate({ id: 'book' }))).toEqual(['book', undefined]);
  });

  it.each([
    { id: 'gone', options: {}, expected: '3 left' },
    { id: 'book', options: { signal: AbortSignal.abort() }, expected: 'again' },
    { id: 7 as never, options: {}, expected: 'BAD_REQUEST' },
  ])(
    'tells of each outcome what there is to tell: $expected',
    async ({ id, options, expected }) => {
      const api = (await openedLine()).client({ transformer: superjson });
      const [order, error] = await safe(api.buy.mutate({ id }, options));
      expect(order).toBe(undefined);
      /** As an application would write it. */
      const said = (): string => {
        if (error === undefined) return 'bought';
        switch (outcomeOf(error)) {
          case 'failed':
            if (!isAnswered(error)) return 'never';
            return 'kind' in error.data ? `${error.data.left} left` : error.data.code;
          case 'not-executed':
            return 'again';
          case 'unknown':
            return lineError(error)?.code ?? 'no error of a line';
        }
      };
      expect(said()).toBe(expected);
    },
  );

  it('gives the code of a call whose outcome nobody knows', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<typeof plainRouter>({ url: server.url }));
    const peer = await openTo(server, line);
    const call = safe(line.client().save.mutate(undefined, callOptions({ timeoutMs: 20 })));
    await peer.messages.next();
    const [, error] = await call;
    expect([outcomeOf(error), lineError(error)?.code]).toEqual(['unknown', 'TIMEOUT']);
  });
});
