import './client-dom.ts';
import { QueryClient, QueryClientProvider, useMutation, useQuery } from '@tanstack/react-query';
import { act, cleanup, configure, renderHook, waitFor } from '@testing-library/react';
import { createTRPCClient } from '@trpc/client';
import { initTRPC, TRPCError } from '@trpc/server';
import {
  createTRPCContext,
  createTRPCOptionsProxy,
  useSubscription,
  type TRPCOptionsProxy,
} from '@trpc/tanstack-react-query';
import {
  callOptions,
  isAnswered,
  lineError,
  openLine,
  outcomeOf,
  type Line,
} from '@openline/client';
import { createServer } from '@openline/server';
import { useSyncExternalStore, type ReactNode } from 'react';
import superjson from 'superjson';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod';
import { closing, freePort, listen, Queue, TcpProxy, WORDS } from './client-support.ts';

// Its default is one second, which a machine that has other things to do may need.
configure({ asyncUtilTimeout: 15_000 });

/** A router whose procedures tell when they begin and when they are aborted. */
function createApp() {
  const begun = new Queue<string>();
  const aborted = new Queue<string>();
  const goals = new Queue<string>();
  const untilAborted = (name: string, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => {
      begun.push(name);
      signal?.addEventListener('abort', () => {
        aborted.push(name);
        resolve();
      });
    });
  const t = initTRPC.create({ transformer: superjson, isDev: false });
  const router = t.router({
    at: t.procedure.input(z.number()).query(({ input }) => new Date(input)),
    fail: t.procedure.query((): string => {
      throw new TRPCError({ code: 'NOT_FOUND', message: 'there is none' });
    }),
    hang: t.procedure.query(async ({ signal }) => {
      await untilAborted('hang', signal);
      return 'over';
    }),
    buy: t.procedure
      .input(z.object({ id: z.string() }))
      .errors(({ error, shape }) =>
        error.code === 'CONFLICT'
          ? { ...shape, data: { kind: 'sold-out', left: 3 } as const }
          : undefined,
      )
      .mutation(({ input }) => {
        if (input.id === 'gone') throw new TRPCError({ code: 'CONFLICT', message: 'sold out' });
        return `bought ${input.id}`;
      }),
    scores: t.procedure.input(z.object({ game: z.string() })).subscription(async function* ({
      input,
      signal,
    }) {
      yield `${input.game} 0:0`;
      const isOver = untilAborted('scores', signal);
      for (;;) {
        const goal = await Promise.race([goals.next(), isOver]);
        if (goal === undefined) return;
        yield goal;
      }
    }),
    endless: t.procedure.subscription(async function* () {
      yield 1;
      throw new TRPCError({ code: 'FORBIDDEN', message: 'no more' });
    }),
  });
  return { router, begun, aborted, goals };
}
type Router = ReturnType<typeof createApp>['router'];

let queryClient: QueryClient;
let trpc: TRPCOptionsProxy<Router>;
let line: Line<Router>;

function wrapper({ children }: { readonly children: ReactNode }): ReactNode {
  return <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>;
}

/** Begins anew with a server, or with an address where none is. */
async function start(to?: { readonly port: number } | { readonly url: string }) {
  const app = createApp();
  const server = createServer({ router: app.router });
  const url = to !== undefined && 'url' in to ? to.url : (await listen(server, to?.port)).url;
  line = closing(openLine<Router>({ url }));
  trpc = createTRPCOptionsProxy<Router>({
    client: line.client({ transformer: superjson }),
    queryClient,
  });
  return { ...app, server, url };
}

beforeEach(() => {
  queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  onTestFinished(() => queryClient.clear());
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

describe('useQuery over a line', () => {
  it('is pending, then has the data, through the transformer', async () => {
    await start();
    const { result } = renderHook(() => useQuery(trpc.at.queryOptions(5)), { wrapper });
    expect([result.current.status, result.current.data]).toEqual(['pending', undefined]);
    await waitFor(() => expect(result.current.status).toBe('success'));
    expect(result.current.data).toEqual(new Date(5));
  });

  it('has the error that the procedure answered with', async () => {
    await start();
    const { result } = renderHook(() => useQuery(trpc.fail.queryOptions()), { wrapper });
    await waitFor(() => expect(result.current.status).toBe('error'));
    const { error } = result.current;
    expect(error?.message).toBe('there is none');
    expect(error?.data?.code).toBe('NOT_FOUND');
    expect([outcomeOf(error), lineError(error)]).toEqual(['failed', undefined]);
  });

  it('takes the options of a call', async () => {
    await start({ url: `ws://127.0.0.1:${await freePort()}/` });
    const options = trpc.at.queryOptions(5, { trpc: callOptions({ timeoutMs: 20 }) });
    const { result } = renderHook(() => useQuery(options), { wrapper });
    await waitFor(() => expect(result.current.status).toBe('error'));
    expect(lineError(result.current.error)).toEqual({
      code: 'TIMEOUT',
      outcome: 'not-executed',
      message: WORDS,
    });
  });

  it('is retried as the outcome allows, and succeeds once the server is there', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const port = await freePort();
    await start({ url: `ws://127.0.0.1:${port}/rpc` });
    const options = trpc.at.queryOptions(5, {
      trpc: callOptions({ whenOffline: 'fail' }),
      retry: (_count, error) => lineError(error)?.code === 'OFFLINE',
      retryDelay: 5,
    });
    const { result } = renderHook(() => useQuery(options), { wrapper });
    await waitFor(() => expect(result.current.failureCount).toBeGreaterThan(1));
    await listen(createServer({ router: createApp().router }), port);
    await waitFor(() => expect(result.current.data).toEqual(new Date(5)));
  });

  it('is aborted as it is unmounted, where it is told to be, and so is its procedure', async () => {
    const { begun, aborted } = await start();
    const options = trpc.hang.queryOptions(undefined, { trpc: { abortOnUnmount: true } });
    const { unmount } = renderHook(() => useQuery(options), { wrapper });
    await begun.next();
    unmount();
    expect(await aborted.next()).toBe('hang');
  });

  it('goes through a client of createTRPCClient and a provider as well', async () => {
    await start();
    const { TRPCProvider, useTRPC } = createTRPCContext<Router>();
    const trpcClient = createTRPCClient<Router>({ links: [line.link({ transformer: superjson })] });
    const { result } = renderHook(() => useQuery(useTRPC().at.queryOptions(7)), {
      wrapper: ({ children }: { readonly children: ReactNode }) =>
        wrapper({
          children: (
            <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
              {children}
            </TRPCProvider>
          ),
        }),
    });
    await waitFor(() => expect(result.current.data).toEqual(new Date(7)));
  });
});

describe('useMutation over a line', () => {
  it('gives what the procedure gives', async () => {
    await start();
    const { result } = renderHook(() => useMutation(trpc.buy.mutationOptions()), { wrapper });
    act(() => result.current.mutate({ id: 'book' }));
    await waitFor(() => expect(result.current.data).toBe('bought book'));
  });

  it('has the typed error of its procedure, which has failed', async () => {
    await start();
    const { result } = renderHook(() => useMutation(trpc.buy.mutationOptions()), { wrapper });
    act(() => result.current.mutate({ id: 'gone' }));
    await waitFor(() => expect(result.current.status).toBe('error'));
    const { error } = result.current;
    expect(error && isAnswered(error) && 'kind' in error.data && error.data).toEqual({
      kind: 'sold-out',
      left: 3,
    });
    expect(outcomeOf(error)).toBe('failed');
  });

  it('has an error that says whether it may be sent again', async () => {
    await start({ url: `ws://127.0.0.1:${await freePort()}/` });
    const asked: string[] = [];
    const options = trpc.buy.mutationOptions({
      trpc: callOptions({ whenOffline: 'fail' }),
      retry: (count, error) => {
        asked.push(outcomeOf(error));
        return count < 2 && outcomeOf(error) === 'not-executed';
      },
      retryDelay: 1,
    });
    const { result } = renderHook(() => useMutation(options), { wrapper });
    act(() => result.current.mutate({ id: 'book' }));
    await waitFor(() => expect(result.current.status).toBe('error'));
    expect(asked).toEqual(['not-executed', 'not-executed', 'not-executed']);
    expect(lineError(result.current.error)).toMatchObject({ code: 'OFFLINE' });
  });
});

describe('useSubscription over a line', () => {
  /** What the hook shows, each time that it shows something else. */
  function watch(options: ReturnType<typeof trpc.scores.subscriptionOptions>) {
    const shown: unknown[] = [];
    const rendered = renderHook(
      () => {
        const { status, data, error } = useSubscription(options);
        const code = lineError(error)?.code;
        const last = shown.at(-1) as { status: string; data: unknown; code: unknown } | undefined;
        if (last?.status !== status || last.data !== data || last.code !== code) {
          shown.push({ status, data, code });
        }
      },
      { wrapper },
    );
    return { shown, ...rendered };
  }

  const isOffline = (state: unknown): boolean => (state as { code: unknown }).code === 'OFFLINE';

  it('connects, begins, and follows', async () => {
    await start();
    const { shown } = watch(trpc.scores.subscriptionOptions({ game: 'final' }));
    await waitFor(() => expect(shown.at(-1)).toMatchObject({ data: 'final 0:0' }));
    expect(shown.filter((state) => (state as { data: unknown }).data !== undefined)).toEqual([
      { status: 'pending', data: 'final 0:0', code: undefined },
    ]);
    expect(shown[0]).toEqual({ status: 'connecting', data: undefined, code: undefined });
  });

  it('tells of each state of the connection, and of its start after each', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const { server, url } = await start();
    const told: string[] = [];
    const options = trpc.scores.subscriptionOptions(
      { game: 'final' },
      {
        onConnectionStateChange: ({ state }) => told.at(-1) !== state && told.push(state),
        onStarted: () => told.push('started'),
        onData: (data) => told.push(data),
      },
    );
    const { shown } = watch(options);
    await waitFor(() => expect(told).toEqual(['connecting', 'pending', 'started', 'final 0:0']));

    await server.close();
    await waitFor(() => {
      expect(shown.at(-1)).toEqual({ status: 'connecting', data: 'final 0:0', code: 'OFFLINE' });
    });
    const { port } = new URL(url);
    await listen(createServer({ router: createApp().router }), Number(port));
    await waitFor(() => {
      expect(shown.at(-1)).toEqual({ status: 'pending', data: 'final 0:0', code: undefined });
    });
    expect(told.slice(4)).toEqual(['connecting', 'pending', 'started', 'final 0:0']);
  });

  it('shows that the connection is lost, and that it runs again, with what was missed', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const { begun, aborted, goals, url } = await start();
    const proxy = await TcpProxy.to(Number(new URL(url).port));
    await start({ url: proxy.url });
    const { shown } = watch(trpc.scores.subscriptionOptions({ game: 'final' }));
    await waitFor(() => expect(shown.at(-1)).toMatchObject({ data: 'final 0:0' }));
    proxy.refuse();
    proxy.cut();
    const offline = { status: 'connecting', data: 'final 0:0', code: 'OFFLINE' };
    await waitFor(() => expect(shown.at(-1)).toEqual(offline));
    goals.push('final 1:0');
    await proxy.accept();
    await waitFor(() => {
      expect(shown.at(-1)).toEqual({ status: 'pending', data: 'final 1:0', code: undefined });
    });
    goals.push('final 2:0');
    await waitFor(() => expect(shown.at(-1)).toMatchObject({ data: 'final 2:0' }));
    const since = shown.slice(shown.findIndex(isOffline)) as { readonly status: string }[];
    const statuses = since.map(({ status }) => status);
    expect(statuses.filter((status, i) => status !== statuses[i - 1])).toEqual([
      'connecting',
      'pending',
    ]);
    expect([begun.length, aborted.length]).toEqual([1, 0]);
  });

  it('has the error of its procedure', async () => {
    await start();
    const { result } = renderHook(() => useSubscription(trpc.endless.subscriptionOptions()), {
      wrapper,
    });
    await waitFor(() => expect(result.current.status).toBe('error'));
    expect(result.current.error?.data?.code).toBe('FORBIDDEN');
    expect(outcomeOf(result.current.error)).toBe('failed');
    expect(result.current.data).toBe(1);
  });

  it('is cancelled as it is unmounted, and so is its procedure', async () => {
    const { begun, aborted } = await start();
    const { unmount } = watch(trpc.scores.subscriptionOptions({ game: 'final' }));
    await begun.next();
    unmount();
    expect(await aborted.next()).toBe('scores');
  });

  it('begins anew with another input, and the first one is cancelled', async () => {
    const { begun, aborted } = await start();
    const { result, rerender } = renderHook(
      ({ game }: { game: string }) =>
        useSubscription(trpc.scores.subscriptionOptions({ game })).data,
      { wrapper, initialProps: { game: 'final' } },
    );
    await waitFor(() => expect(result.current).toBe('final 0:0'));
    await begun.next();
    rerender({ game: 'other' });
    expect(await aborted.next()).toBe('scores');
    await waitFor(() => expect(result.current).toBe('other 0:0'));
  });
});

describe('the state of a line', () => {
  it('fits useSyncExternalStore', async () => {
    await start();
    const { result } = renderHook(
      () => useSyncExternalStore(line.state.subscribe, line.state.get).status,
    );
    expect(result.current).toBe('idle');
    await act(() => line.open());
    expect(result.current).toBe('open');
    await act(() => line.close());
    expect(result.current).toBe('closed');
  });
});
