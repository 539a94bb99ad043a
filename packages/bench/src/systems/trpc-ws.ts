import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocket } from 'ws';
import { router, type Router } from '../router.ts';
import { INPUT, PATH } from '../workload.ts';
import { NOTHING_TO_DO, type LeanConversation, type Reply, type System } from './system.ts';
import { listenWs } from './ws-server.ts';

const TAIL = `,"method":"mutation","params":${JSON.stringify({ path: PATH, input: INPUT })}}`;

/** Node 20 has no global one. What `wsLink` uses of it, `ws` has too. */
const GlobalWebSocket = WebSocket as unknown as typeof globalThis.WebSocket;

/** What a stock server answers: https://trpc.io/docs/server/websockets#websockets-rpc-specification */
interface Response {
  readonly id: number;
  readonly result?: { readonly data?: unknown };
  readonly error?: { readonly message: string };
}

class Conversation implements LeanConversation {
  readonly hello = undefined;
  #lastId = 0;

  /** As `wsLink` does: several calls go as an array, one goes on its own. */
  calls(count: number): string {
    let message = `{"id":${++this.#lastId}${TAIL}`;
    if (count === 1) return message;
    for (let n = 1; n < count; n++) message += `,{"id":${++this.#lastId}${TAIL}`;
    return `[${message}]`;
  }

  control() {
    return NOTHING_TO_DO;
  }

  replies(message: Buffer): readonly Reply[] {
    const { id, result, error } = JSON.parse(message.toString()) as Response;
    if (error !== undefined) throw new Error(`the server answered with: ${error.message}`);
    return [{ id, value: result?.data }];
  }
}

/** Stock tRPC over `ws`: its server adapter, and `wsLink` as its own client. */
export const system: System = {
  async serve() {
    const { wss, address } = await listenWs();
    applyWSSHandler({ wss, router });
    return address;
  },
  lean: { subprotocols: [], joinsCalls: true, open: () => new Conversation() },
  async connect(url) {
    const socket = createWSClient({ url, WebSocket: GlobalWebSocket });
    const api = createTRPCClient<Router>({ links: [wsLink({ client: socket })] });
    return {
      call: (input) => api.send.mutate(input),
      close: () => socket.close(),
    };
  },
};
