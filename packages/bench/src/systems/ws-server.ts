import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Address } from './system.ts';

/** A `ws` server with its defaults, on a free port of loopback. */
export async function listenWs(): Promise<{ wss: WebSocketServer; address: Address }> {
  const wss = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(wss, 'listening');
  const { port } = wss.address() as AddressInfo;
  return { wss, address: { url: `ws://127.0.0.1:${port}` } };
}
