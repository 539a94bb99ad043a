import type { WebSocketClass } from './websocket.ts';

/** The platform's own class; `undefined` where there is none. */
export function defaultWebSocket(): WebSocketClass | undefined {
  return (globalThis as { readonly WebSocket?: WebSocketClass }).WebSocket;
}
