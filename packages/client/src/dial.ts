import {
  JSON_CODEC,
  parseAnswer,
  type Connection,
  type ConnectionHandler,
  type Message,
  type OpenlineError,
  type Reject,
  type Welcome,
} from '@openline/protocol';
import { codec } from './session.ts';
import { connectWebSocket, type ClientConnectionHandler } from './transport-websocket.ts';
import type { WebSocketClass } from './websocket.ts';

/** Time for the connection to be made and the server to answer, in milliseconds. */
const DIAL_TIMEOUT_MS = 15_000;

/** Who waits for the connection. Exactly one of these is called. */
export interface DialHost {
  /** Gives what is to handle the connection from here on. */
  welcomed(connection: Connection, welcome: Welcome): ConnectionHandler;
  rejected(reject: Reject): void;
  /** The connection was not made, or ended before there was an answer. */
  failed(reason: string): void;
}

/** One attempt to connect, up to the server's answer. */
export class Dial implements ClientConnectionHandler {
  readonly #host: DialHost;
  readonly #hello: Message;
  readonly #connection: Connection;
  readonly #timer: ReturnType<typeof setTimeout>;
  #handler: ConnectionHandler | undefined;
  #isOver = false;

  /** @throws what the WebSocket class throws. */
  constructor(host: DialHost, WebSocket: WebSocketClass, url: string, hello: Message) {
    this.#host = host;
    this.#hello = hello;
    this.#connection = connectWebSocket(WebSocket, url, JSON_CODEC, this);
    this.#timer = setTimeout(() => this.#fail('the server did not answer'), DIAL_TIMEOUT_MS);
  }

  opened(): void {
    this.#connection.send([this.#hello]);
  }

  message(message: Message): void {
    if (this.#handler !== undefined) return this.#handler.message(message);
    if (this.#isOver) return;
    let answer: Welcome | Reject;
    try {
      answer = parseAnswer(codec, message);
    } catch (error) {
      return this.#fail((error as OpenlineError).message);
    }
    this.#end();
    if (answer.type === 'welcome') {
      this.#handler = this.#host.welcomed(this.#connection, answer);
    } else {
      this.#connection.close(1000, '');
      this.#host.rejected(answer);
    }
  }

  drained(): void {
    this.#handler?.drained();
  }

  closed(code: number, reason: string): void {
    if (this.#handler !== undefined) return this.#handler.closed(code, reason);
    this.#fail(reason);
  }

  /** Gives it up; nothing is called any more. */
  abandon(): void {
    this.#end();
    this.#connection.abandon();
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.abandon();
    this.#host.failed(reason);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
