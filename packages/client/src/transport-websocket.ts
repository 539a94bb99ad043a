import {
  HIGH_WATER_BYTES,
  type Connection,
  type ConnectionHandler,
  type Message,
} from '@openline/protocol';
import type { WebSocketClass, WebSocketLike } from './websocket.ts';

/** A WebSocket in a browser does not say when it has drained: it is asked this often. */
const DRAIN_POLL_MS = 10;
const OPEN = 1;

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
  return new WebSocketConnection(new WebSocket(url, [subprotocol]), handler);
}

class WebSocketConnection implements Connection {
  readonly #webSocket: WebSocketLike;
  readonly #handler: ClientConnectionHandler;
  #drainTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(webSocket: WebSocketLike, handler: ClientConnectionHandler) {
    this.#webSocket = webSocket;
    this.#handler = handler;
    webSocket.binaryType = 'arraybuffer';
    webSocket.onopen = () => handler.opened();
    webSocket.onmessage = ({ data }) => {
      handler.message(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
    };
    // What goes wrong ends the connection: `close` follows, with the code.
    webSocket.onerror = () => {};
    webSocket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(messages: readonly Message[]): void {
    if (this.#webSocket.readyState !== OPEN) return;
    for (const message of messages) this.#webSocket.send(message);
    if (this.bufferedBytes >= HIGH_WATER_BYTES) this.#awaitDrain();
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  abandon(): void {
    const webSocket = this.#webSocket;
    webSocket.onopen = webSocket.onmessage = webSocket.onclose = null;
    clearTimeout(this.#drainTimer);
    if (webSocket.terminate !== undefined) webSocket.terminate();
    else webSocket.close();
  }

  #closed(code: number, reason: string): void {
    clearTimeout(this.#drainTimer);
    this.#handler.closed(code, reason || `no connection (${code})`);
  }

  #awaitDrain(): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = setTimeout(() => {
      if (this.bufferedBytes >= HIGH_WATER_BYTES) this.#awaitDrain();
      else this.#handler.drained();
    }, DRAIN_POLL_MS);
  }
}
