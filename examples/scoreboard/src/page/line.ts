import { openLine } from '@openline/client';
import { MutationCache, QueryClient } from '@tanstack/react-query';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import superjson from 'superjson';
import type { AppRouter } from '../router.ts';
import { showError } from './show-error.ts';

/** The one connection of this page: to its own server, with the types of the router. */
export const line = openLine<AppRouter>();

export const api = line.client({ transformer: superjson });

export const queryClient = new QueryClient({
  // The line itself knows when it is away, and keeps what is to be sent.
  defaultOptions: { mutations: { networkMode: 'always' } },
  mutationCache: new MutationCache({ onError: showError }),
});

export const trpc = createTRPCOptionsProxy<AppRouter>({ client: api, queryClient });
