import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { LeanConversation, LeanDialect } from '../systems/system.ts';
import { countReplies, ReplyChecker } from './replies.ts';
import type { LoadWindow } from './window.ts';

/**
 * One socket with a fixed number of calls in flight: for each reply there is a new call, all that
 * came in a tick at once and in one write.
 */
export class LeanConnection {
  readonly #webSocket: WebSocket;
  #tcpSocket: Socket | undefined;
  readonly #joinsCalls: boolean;
  readonly #conversation: LeanConversation;
  readonly #checker: ReplyChecker;
  /** When the calls in flight were sent, in a ring. Replies are taken to come in order. */
  readonly #sentAtMs: Float64Array;
  #oldest = 0;
  #inFlight = 0;
  /** Calls to be made at the end of this tick. */
  #due = 0;
  #received = 0;
  #window: LoadWindow | undefined;
  #handshake:
    { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  /** What ended the connection, where it was not `close`. */
  #failure: Error | undefined;

  private constructor(webSocket: WebSocket, dialect: LeanDialect, inFlight: number) {
    this.#webSocket = webSocket;
    this.#joinsCalls = dialect.joinsCalls;
    this.#conversation = dialect.open();
    this.#checker = new ReplyChecker(this.#conversation);
    this.#sentAtMs = new Float64Array(inFlight);
    webSocket.on('upgrade', ({ socket }) => (this.#tcpSocket = socket));
    webSocket.on('message', this.#onMessage);
    webSocket.on('error', this.#fail);
    webSocket.on('close', this.#onClose);
  }

  static async open(dialect: LeanDialect, url: string, inFlight: number): Promise<LeanConnection> {
    const webSocket = new WebSocket(url, [...dialect.subprotocols], { perMessageDeflate: false });
    const connection = new LeanConnection(webSocket, dialect, inFlight);
    await once(webSocket, 'open');
    await connection.#shakeHands();
    return connection;
  }

  #shakeHands(): Promise<void> | undefined {
    const { hello } = this.#conversation;
    if (hello === undefined) return undefined;
    return new Promise((resolve, reject) => {
      this.#handshake = { resolve, reject };
      this.#webSocket.send(hello);
    });
  }

  begin(window: LoadWindow): void {
    if (this.#failure !== undefined) return window.fail(this.#failure);
    this.#window = window;
    this.#due = this.#sentAtMs.length;
    this.#flush();
  }

  /** @throws when the connection did not last until now. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#webSocket.off('close', this.#onClose);
    const closed = once(this.#webSocket, 'close');
    this.#webSocket.close(1000);
    await closed;
  }

  readonly #onMessage = (message: Buffer): void => {
    try {
      const replies = countReplies(message);
      if (replies > 0) this.#onReplies(replies, message);
      else this.#onControl(message);
    } catch (error) {
      this.#fail(error);
    }
  };

  #onReplies(replies: number, message: Buffer): void {
    const window = this.#window;
    if (window === undefined || replies > this.#inFlight) {
      throw new Error('more replies than calls');
    }
    if (window.checked) this.#checker.check(message, replies);
    this.#recordLatencies(replies, window);
    this.#received += replies;
    this.#inFlight -= replies;
    if (!window.stopping) {
      if (this.#due === 0) process.nextTick(this.#flush);
      this.#due += replies;
    } else if (this.#inFlight === 0) {
      window.partyDone();
    }
  }

  #recordLatencies(replies: number, window: LoadWindow): void {
    const nowMs = performance.now();
    const sentAtMs = this.#sentAtMs;
    for (let n = 0; n < replies; n++) {
      window.record(nowMs - (sentAtMs[this.#oldest] ?? nowMs));
      this.#oldest = (this.#oldest + 1) % sentAtMs.length;
    }
  }

  #onControl(message: Buffer): void {
    const { ready, send } = this.#conversation.control(message);
    if (ready) this.#handshake?.resolve();
    if (send !== undefined) this.#webSocket.send(send);
  }

  readonly #flush = (): void => {
    const count = this.#due;
    this.#due = 0;
    this.#noteSendTimes(count);
    if (this.#joinsCalls) {
      this.#webSocket.send(this.#conversation.calls(count, this.#received));
      return;
    }
    // One message each, yet one write: a write each would make the load the slower side.
    this.#tcpSocket?.cork();
    for (let n = 0; n < count; n++) {
      this.#webSocket.send(this.#conversation.calls(1, this.#received));
    }
    this.#tcpSocket?.uncork();
  };

  #noteSendTimes(count: number): void {
    const nowMs = performance.now();
    const sentAtMs = this.#sentAtMs;
    for (let n = 0; n < count; n++) {
      sentAtMs[(this.#oldest + this.#inFlight) % sentAtMs.length] = nowMs;
      this.#inFlight++;
    }
  }

  readonly #onClose = (code: number, reason: Buffer): void => {
    this.#fail(new Error(`the server closed the connection: ${code} ${reason.toString()}`));
  };

  readonly #fail = (error: unknown): void => {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#handshake?.reject(error);
    this.#window?.fail(error);
  };
}
