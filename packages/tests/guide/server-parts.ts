// The rest of what the guide shows of a server, each in what it takes for granted.
import { type EventEmitter, on } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { once, createServer, type ContextOptions } from '@openline/server';
import { initTRPC, TRPCError } from '@trpc/server';
import * as z from 'zod';

const t = initTRPC.create();
const Game = z.object({ id: z.string() });
const Order = z.object({ id: z.string() });

interface State {
  readonly id: string;
  readonly home: number;
}
interface Things {
  readonly events: EventEmitter;
  readonly games: { get(id: string): State };
  readonly orders: { place(order: z.output<typeof Order>): { readonly number: number } };
}

export type AppRouter = ReturnType<typeof routerOf>;

export function routerOf({ events, games, orders }: Things) {
  return t.router({
    score: t.procedure.input(Game).subscription(async function* ({ input, signal }) {
      const changes = on(events, input.id, { signal }); // listen first, so that nothing falls between
      yield games.get(input.id);
      for await (const [game] of changes) yield game as State;
    }),

    buy: t.procedure
      .concat(once)
      .input(Order)
      .mutation(({ input }) => orders.place(input)),
  });
}

export function attach(router: AppRouter, app: { listen(port: number): HttpServer }) {
  const http = app.listen(3000); // Express, or any node:http server
  createServer({ router }).attach(http);
}

interface User {
  readonly id: string;
  readonly expiresAtMs: number;
}
declare const verify: (token: string) => Promise<User | undefined>;

export function whoIsCalling(router: AppRouter) {
  const Params = z.object({ token: z.string() });

  async function createContext({ params, connection }: ContextOptions<z.output<typeof Params>>) {
    const user = await verify(params.token);
    if (!user) throw new TRPCError({ code: 'UNAUTHORIZED' });
    return { user, address: connection.remoteAddress };
  }

  const server = createServer({ router, params: Params, createContext });
  return server;
}

export function identified(router: AppRouter) {
  const Params = z.object({ token: z.string() });

  async function createContext({ session, params }: ContextOptions<z.output<typeof Params>>) {
    const user = await verify(params.token);
    if (!user) throw new TRPCError({ code: 'UNAUTHORIZED' });
    session.identify(user.id, { expiresAtMs: user.expiresAtMs });
    return { user };
  }

  return createServer({ router, params: Params, createContext });
}

export function leave(server: ReturnType<typeof whoIsCalling>) {
  // oxlint-disable-next-line typescript/no-misused-promises -- Nothing comes after it.
  process.once('SIGTERM', async () => {
    await server.drain({ timeoutMs: 10_000 }); // sends clients elsewhere, lets calls end
    process.exit();
  });
}
