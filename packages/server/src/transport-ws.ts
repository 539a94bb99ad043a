import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  cutReason,
  HIGH_WATER_BYTES,
  MESSAGE_BYTES_MAX,
  type Connection,
  type ConnectionHandler,
  type Message,
} from '@openline/protocol';
import { WebSocketServer, type RawData, type ServerOptions, type WebSocket } from 'ws';
import type { Codecs } from './codecs.ts';

/** What a client is told that sends a larger message than it may (RFC 6455 section 7.4.1). */
const CLOSE_CODE_TOO_LARGE = 1009;
/** Time for a client to answer a close frame, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** A connection was made by an upgrade. Gives what is to handle it. */
export type AcceptConnection = (
  connection: Connection,
  request: IncomingMessage,
  /** The subprotocol that was agreed; empty when the client offered none. */
  subprotocol: string,
) => ConnectionHandler;

/** Makes connections out of admitted upgrades. The only file that knows `ws`. */
export function createWsTransport(
  codecs: Pick<Codecs, 'get'>,
  accept: AcceptConnection,
): {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
} {
  // The published types do not have `closeTimeout` yet.
  const options: ServerOptions & { readonly closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => chooseSubprotocol(codecs, offered),
  };
  const server = new WebSocketServer(options);
  return {
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const connection = new WsConnection(webSocket, socket);
        connection.handle(accept(connection, request, webSocket.protocol));
      });
    },
  };
}

/**
 * The first that is spoken. An unknown one is accepted too: the client is then told in words what is spoken here, where a
 * failed upgrade would tell a browser nothing.
 */
function chooseSubprotocol(codecs: Pick<Codecs, 'get'>, offered: Set<string>): string | false {
  for (const name of offered) if (codecs.get(name) !== undefined) return name;
  for (const first of offered) return first;
  return false;
}

class WsConnection implements Connection {
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  #isClogged = false;

  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount;
  }

  handle(handler: ConnectionHandler): void {
    this.#webSocket.on('message', (data: RawData, isBinary: boolean) => {
      // `ws` gives one Buffer for each message, unless its binaryType is changed.
      handler.message(isBinary ? (data as Buffer) : (data as Buffer).toString());
    });
    let isTooLarge = false;
    // What goes wrong with a socket ends it: `close` follows, and has the code of the other side.
    this.#webSocket.on('error', ({ code }: NodeJS.ErrnoException) => {
      isTooLarge ||= code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    });
    this.#webSocket.on('close', (code, reason) => {
      handler.closed(isTooLarge ? CLOSE_CODE_TOO_LARGE : code, reason.toString());
    });
    this.#socket.on('drain', () => {
      if (!this.#isClogged || this.bufferedBytes >= HIGH_WATER_BYTES) return;
      this.#isClogged = false;
      handler.drained();
    });
  }

  send(messages: readonly Message[]): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    // Corked, the messages of a flush are one system call.
    this.#socket.cork();
    for (const message of messages) this.#webSocket.send(message);
    this.#socket.uncork();
    this.#isClogged ||= this.bufferedBytes >= HIGH_WATER_BYTES;
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, cutReason(reason));
  }

  abandon(): void {
    this.#webSocket.terminate();
  }
}
