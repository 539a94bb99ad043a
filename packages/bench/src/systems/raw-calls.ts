import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Payload } from '../workload.ts';
import type { OwnClient, Reply } from './system.ts';

/** What both raw variants put on the wire: a number of the call and its payload. */
export type RawCall = readonly [id: number, payload: Payload];

export function asReply([id, value]: readonly [number, unknown]): Reply {
  return { id, value };
}

/** The least that a typed client over `ws` can be: a table of what awaits its reply. */
export class RawClient implements OwnClient {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (payload: Payload) => void>();
  #lastId = 0;
  #send: (call: RawCall) => void;

  constructor(socket: WebSocket, send: (call: RawCall) => void) {
    this.#socket = socket;
    this.#send = send;
  }

  call(payload: Payload): Promise<Payload> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#pending.set(id, resolve);
      this.#send([id, payload]);
    });
  }

  settle([id, payload]: RawCall): void {
    const resolve = this.#pending.get(id);
    this.#pending.delete(id);
    resolve?.(payload);
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}

export async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}
