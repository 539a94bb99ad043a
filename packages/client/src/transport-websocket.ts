import { HIGH_WATER_BYTES, type Connection, type ConnectionHandler } from '@openline/protocol';
import { DRAIN_POLL_MS, WEBSOCKET_OPEN } from './constants.ts';
import type { WebSocketClass } from './websocket.ts';

/** `opened` comes before anything else, unless the connection fails. */
export interface ClientConnectionHandler extends ConnectionHandler {
  opened(): void;
}

/** @throws what the class throws, at a malformed address for example. */
export function connectWebSocket(
  WebSocket: WebSocketClass,
  url: string,
  subprotocol: string,
  handler: ClientConnectionHandler,
): Connection {
  const webSocket = new WebSocket(url, [subprotocol]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isFull = (): boolean => webSocket.bufferedAmount >= HIGH_WATER_BYTES;
  const awaitDrain = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => (isFull() ? awaitDrain() : handler.drained()), DRAIN_POLL_MS);
  };
  webSocket.binaryType = 'arraybuffer';
  webSocket.onopen = () => handler.opened();
  webSocket.onmessage = ({ data }) => {
    handler.message(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
  };
  // What goes wrong ends the connection: `close` follows, with the code.
  webSocket.onerror = () => {};
  webSocket.onclose = ({ code, reason }) => {
    clearTimeout(timer);
    handler.closed(code, reason || `no connection (${code})`);
  };
  return {
    get bufferedBytes() {
      return webSocket.bufferedAmount;
    },
    send(messages) {
      if (webSocket.readyState !== WEBSOCKET_OPEN) return;
      for (const message of messages) webSocket.send(message);
      if (isFull()) awaitDrain();
    },
    close(code, reason) {
      webSocket.close(code, reason);
    },
    abandon() {
      webSocket.onopen = webSocket.onmessage = webSocket.onclose = null;
      clearTimeout(timer);
      if (webSocket.terminate !== undefined) webSocket.terminate();
      else webSocket.close();
    },
  };
}
