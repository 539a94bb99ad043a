// The rest of what the guide shows of a client, each in what it takes for granted.
import { callOptions, lineError, openLine, outcomeOf, type Line } from '@openline/client';
import type { QueryClient } from '@tanstack/react-query';
import { createTRPCClient, loggerLink, safe, type TRPCClient } from '@trpc/client';
import type { inferRouterInputs } from '@trpc/server';
import { createTRPCOptionsProxy, useSubscription } from '@trpc/tanstack-react-query';
import { useSyncExternalStore } from 'react';
import type { AppRouter, whoIsCalling } from './server-parts.ts';

type Api = TRPCClient<AppRouter>;

export function links(line: Line<AppRouter>) {
  return createTRPCClient<AppRouter>({ links: [loggerLink(), line.link()] });
}

export async function follow(api: Api, show: (game: { readonly home: number }) => void) {
  for await (const game of api.score.subscribe({ id: 'final' })) show(game);
}

export function status(line: Line<AppRouter>, queryClient: QueryClient) {
  const trpc = createTRPCOptionsProxy<AppRouter>({ client: line.client(), queryClient });

  function Status() {
    const state = useSyncExternalStore(line.state.subscribe, line.state.get);
    const score = useSubscription(trpc.score.subscriptionOptions({ id: 'final' }));
    return (
      <p>
        {state.status}: {score.data?.home}
      </p>
    );
  }
  return Status;
}

interface Ways {
  readonly show: (code: string | undefined) => void;
  readonly again: () => void;
  readonly ask: (code: string | undefined) => void;
}

export async function buy(api: Api, { show, again, ask }: Ways) {
  const [order, error] = await safe(api.buy.mutate({ id: '1' }));
  if (error)
    switch (outcomeOf(error)) {
      case 'failed': // the procedure ran and answered with this error
        return show(error.data?.code);
      case 'not-executed': // it did not run: sending it again is safe
        return again();
      case 'unknown': // it may have run; lineError says what happened to the line
        return ask(lineError(error)?.code);
    }
  return order;
}

export async function buyNow(
  api: Api,
  input: inferRouterInputs<AppRouter>['buy'],
  signal: AbortSignal,
) {
  const options = callOptions({ timeoutMs: 5_000, whenOffline: 'fail' });
  await api.buy.mutate(input, { signal, ...options });
}

type Server = ReturnType<typeof whoIsCalling>;
declare const readToken: () => Promise<string>;

export function withToken() {
  const line = openLine<Server>({ params: async () => ({ token: await readToken() }) });

  line.state.subscribe((state) => {
    if (state.status === 'closed' && state.error?.code === 'REJECTED') location.assign('/login');
  });
}
