import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { listenWs } from '../../systems/ws-server.ts';
import { INPUT, PATH } from '../../workload.ts';
import { router, type Router } from '../router.ts';
import {
  BulkCount,
  type BulkRequest,
  type Heard,
  type LeanTalk,
  type StreamSystem,
} from './system.ts';

/** What is larger came in bulk: everything else here is far smaller. */
const SMALL_BYTES_MAX = 4_096;

/** https://trpc.io/docs/server/websockets#websockets-rpc-specification */
interface Response {
  readonly id: number;
  readonly result?: { readonly type: string; readonly data?: unknown };
  readonly error?: { readonly message: string };
}

class Talk implements LeanTalk {
  readonly hello = undefined;
  #lastId = 0;
  #bulkId = 0;
  #bulk: BulkCount | undefined;
  #isResult = false;

  call(): string {
    return this.#request('mutation', PATH, INPUT);
  }

  bulk(request: BulkRequest): string {
    const { items: count, ...size } = request;
    this.#bulk = new BulkCount(request);
    this.#isResult = count === 0;
    this.#bulkId = this.#lastId + 1;
    if (this.#isResult) return this.#request('query', 'bulk', size);
    return this.#request('subscription', 'bulkItems', { ...size, count });
  }

  read(message: Buffer): Heard {
    if (message.length > SMALL_BYTES_MAX) return this.#readBulk(message.length);
    const { id, result, error } = JSON.parse(message.toString()) as Response;
    if (error !== undefined) throw new Error(`the server answered with: ${error.message}`);
    if (id !== this.#bulkId) return { reply: result?.data };
    if (result?.type !== 'stopped') return {};
    this.#bulk?.end();
    return { bulkIsOver: true };
  }

  #readBulk(bytes: number): Heard {
    this.#bulk?.add(bytes);
    if (!this.#isResult) return {};
    this.#bulk?.end();
    return { bulkIsOver: true };
  }

  #request(method: string, path: string, input: unknown): string {
    return JSON.stringify({ id: ++this.#lastId, method, params: { path, input } });
  }
}

/** Stock tRPC over `ws`: its server adapter, and `wsLink` as its own client. */
export const system: StreamSystem = {
  async serve() {
    const { wss, address } = await listenWs();
    applyWSSHandler({ wss, router });
    return address;
  },
  lean: { subprotocols: [], open: () => new Talk() },
  async connect(url, Socket) {
    const socket = createWSClient({
      url,
      WebSocket: Socket as unknown as typeof globalThis.WebSocket,
    });
    return {
      api: createTRPCClient<Router>({ links: [wsLink({ client: socket })] }),
      close: () => socket.close(),
    };
  },
};
