import { WebSocket } from 'ws';
import type { WebSocketClass } from './websocket.ts';

/** The platform's own class where it has one, else that of `ws`. */
export function defaultWebSocket(): WebSocketClass {
  const { WebSocket: own } = globalThis as { readonly WebSocket?: WebSocketClass };
  return own ?? (WebSocket as unknown as WebSocketClass);
}
