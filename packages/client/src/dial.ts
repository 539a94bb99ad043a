import {
  JSON_CODEC,
  OpenlineError,
  parseAnswer,
  type Connection,
  type ConnectionHandler,
  type Message,
  type Reject,
  type Welcome,
} from '@openline/protocol';
import { codec } from './session.ts';
import { connectWebSocket, type ClientConnectionHandler } from './transport-websocket.ts';
import type { WebSocketClass } from './websocket.ts';

export interface DialOptions {
  readonly WebSocket: WebSocketClass;
  readonly url: string;
  readonly hello: Message;
  /** Time for the connection to be made and the server to answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Gives what is to handle the connection from here on. */
  readonly onWelcome: (connection: Connection, welcome: Welcome) => ConnectionHandler;
  readonly onReject: (reject: Reject) => void;
  /** The connection was not made, or ended before there was an answer. */
  readonly onFailure: (reason: string) => void;
}

/** One attempt to connect, up to the server's answer. Exactly one of its callbacks is called. */
export class Dial implements ClientConnectionHandler {
  readonly #options: DialOptions;
  readonly #connection: Connection;
  readonly #timer: ReturnType<typeof setTimeout>;
  #handler: ConnectionHandler | undefined;
  #isOver = false;

  /** @throws what the WebSocket class throws. */
  constructor(options: DialOptions) {
    this.#options = options;
    this.#connection = connectWebSocket(options.WebSocket, options.url, JSON_CODEC, this);
    this.#timer = setTimeout(() => this.#fail('the server did not answer'), options.timeoutMs);
  }

  opened(): void {
    this.#connection.send([this.#options.hello]);
  }

  message(message: Message): void {
    if (this.#handler !== undefined) return this.#handler.message(message);
    if (this.#isOver) return;
    try {
      const answer = parseAnswer(codec, message);
      this.#end();
      if (answer.type === 'welcome') {
        this.#handler = this.#options.onWelcome(this.#connection, answer);
      } else {
        this.#connection.close(1000, 'refused');
        this.#options.onReject(answer);
      }
    } catch (error) {
      if (!(error instanceof OpenlineError)) throw error;
      this.#fail(error.message);
    }
  }

  drained(): void {
    this.#handler?.drained();
  }

  closed(code: number, reason: string): void {
    if (this.#handler !== undefined) return this.#handler.closed(code, reason);
    this.#fail(reason === '' ? `no connection (${code})` : reason);
  }

  /** Gives it up; nothing is called any more. */
  abandon(): void {
    this.#end();
    this.#connection.abandon();
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.abandon();
    this.#options.onFailure(reason);
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
