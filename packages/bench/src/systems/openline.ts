import * as client from '@openline/client';
import * as server from '@openline/server';
import { router } from '../router.ts';
import { openlineDialect } from './openline-dialect.ts';
import type { System } from './system.ts';

/** Openline: its server as `createServer` makes it, and `line.client()` as its own client. */
export function createOpenline(
  { createServer }: typeof server,
  { openLine }: typeof client,
): System {
  return {
    serve: () => createServer({ router }).listen(),
    lean: openlineDialect,
    async connect(url) {
      const line = openLine<typeof router>({ url });
      await line.open();
      const api = line.client();
      return {
        call: (input) => api.send.mutate(input),
        close: () => line.close(),
      };
    },
  };
}

export const system = createOpenline(server, client);
