import './client-dom.ts';
import { QueryClient, QueryClientProvider, useMutation, useQuery } from '@tanstack/react-query';
import { act, cleanup, configure, renderHook, waitFor } from '@testing-library/react';
import { initTRPC, TRPCError } from '@trpc/server';
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { outcomeOf } from '@openline/client';
import { stream } from '@openline/server';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { Queue } from './client-support.ts';
import { collect, counting, start } from './streams-support.ts';

// Its default is one second, which a machine that has other things to do may need.
configure({ asyncUtilTimeout: 15_000 });

/** A router whose items are given when the test says so. */
function createApp() {
  const items = new Queue<string>();
  const closed = new Queue<string>();
  const t = initTRPC.create({ isDev: false });
  const router = t.router({
    items: t.procedure.query(async function* ({ signal }) {
      const isOver = new Promise<undefined>((resolve) => {
        signal?.addEventListener('abort', () => resolve(undefined));
      });
      try {
        for (;;) {
          const item = await Promise.race([items.next(), isOver]);
          if (item === undefined || item === 'end') return;
          if (item === 'break') throw new TRPCError({ code: 'CONFLICT', message: 'broken' });
          yield item;
        }
      } finally {
        closed.push('items');
      }
    }),
    count: t.procedure
      .input(stream(z.number()))
      .mutation(async ({ input }) => (await collect(input)).length),
  });
  return { router, items, closed };
}
type Router = ReturnType<typeof createApp>['router'];

let queryClient: QueryClient;

function wrapper({ children }: { readonly children: ReactNode }): ReactNode {
  return <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>;
}

async function startApp() {
  const { router, ...app } = createApp();
  const { line } = await start(router);
  const trpc: TRPCOptionsProxy<Router> = createTRPCOptionsProxy<Router>({
    client: line.client(),
    queryClient,
  });
  return { ...app, trpc };
}

beforeEach(() => {
  queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  onTestFinished(() => queryClient.clear());
});
afterEach(() => cleanup());

describe('useQuery of a procedure that returns a stream', () => {
  it('has what came so far, and is fetching up to the end', async () => {
    const { trpc, items } = await startApp();
    const { result } = renderHook(() => useQuery(trpc.items.queryOptions()), { wrapper });
    expectTypeOf(result.current.data).toEqualTypeOf<string[] | undefined>();
    expect(result.current.status).toBe('pending');
    items.push('a');
    await waitFor(() => expect(result.current.data).toEqual(['a']));
    items.push('b');
    await waitFor(() => expect(result.current.data).toEqual(['a', 'b']));
    expect([result.current.status, result.current.fetchStatus]).toEqual(['success', 'fetching']);
    items.push('end');
    await waitFor(() => expect(result.current.fetchStatus).toBe('idle'));
    expect(result.current.data).toEqual(['a', 'b']);
  });

  it('has the error that its generator throws', async () => {
    const { trpc, items } = await startApp();
    const { result } = renderHook(() => useQuery(trpc.items.queryOptions()), { wrapper });
    items.push('a');
    items.push('break');
    await waitFor(() => expect(result.current.status).toBe('error'));
    expect(result.current.error?.data?.code).toBe('CONFLICT');
    expect(outcomeOf(result.current.error)).toBe('failed');
  });

  it('closes the generator as it is unmounted, where it is told to', async () => {
    const { trpc, items, closed } = await startApp();
    const options = trpc.items.queryOptions(undefined, { trpc: { abortOnUnmount: true } });
    const { result, unmount } = renderHook(() => useQuery(options), { wrapper });
    items.push('a');
    await waitFor(() => expect(result.current.data).toEqual(['a']));
    unmount();
    expect(await closed.next()).toBe('items');
  });
});

describe('useMutation of a procedure that takes a stream', () => {
  it('gives it whole', async () => {
    const { trpc } = await startApp();
    const { result } = renderHook(() => useMutation(trpc.count.mutationOptions()), { wrapper });
    act(() => result.current.mutate(counting(1_000).items()));
    await waitFor(() => expect(result.current.data).toBe(1_000));
  });
});
