import { once } from 'node:events';
import { WebSocket } from 'ws';
import { isAnswer } from '../../workload.ts';
import type { BulkRequest, Heard, LeanStreams, LeanTalk } from '../systems/system.ts';
import type { Caller } from './caller.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** By a bare socket that parses nothing of what is large, so that the server is what is measured. */
export class LeanCaller implements Caller {
  readonly #socket: WebSocket;
  readonly #talk: LeanTalk;
  readonly #waiters = new Map<'hello' | 'call' | 'bulk', Waiter>();
  #failure: Error | undefined;

  private constructor(socket: WebSocket, talk: LeanTalk) {
    this.#socket = socket;
    this.#talk = talk;
    socket.on('message', this.#onMessage);
    socket.on('error', this.#fail);
    socket.on('close', this.#onClose);
  }

  static async open(lean: LeanStreams, url: string): Promise<LeanCaller> {
    const socket = new WebSocket(url, [...lean.subprotocols], { perMessageDeflate: false });
    const talk = lean.open();
    const caller = new LeanCaller(socket, talk);
    await once(socket, 'open');
    if (talk.hello !== undefined) await caller.#ask('hello', talk.hello);
    return caller;
  }

  call(): Promise<void> {
    return this.#ask('call', this.#talk.call());
  }

  bulk(request: BulkRequest): Promise<void> {
    return this.#ask('bulk', this.#talk.bulk(request));
  }

  /** @throws when the connection did not last until now. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.off('close', this.#onClose);
    const closed = once(this.#socket, 'close');
    this.#socket.close(1000);
    await closed;
  }

  #ask(what: 'hello' | 'call' | 'bulk', message: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiters.set(what, { resolve, reject });
      this.#socket.send(message);
    });
  }

  readonly #onMessage = (message: Buffer, isBinary: boolean): void => {
    try {
      this.#take(this.#talk.read(message, isBinary));
    } catch (error) {
      this.#fail(error as Error);
    }
  };

  #take({ ready, reply, bulkIsOver, send }: Heard): void {
    if (send !== undefined) this.#socket.send(send);
    if (ready === true) this.#settle('hello');
    if (reply !== undefined) {
      if (!isAnswer(reply)) throw new Error('a reply is not the answer to its call');
      this.#settle('call');
    }
    if (bulkIsOver === true) this.#settle('bulk');
  }

  #settle(what: 'hello' | 'call' | 'bulk'): void {
    const waiter = this.#waiters.get(what);
    this.#waiters.delete(what);
    if (waiter === undefined) throw new Error(`nobody waits for a ${what}`);
    waiter.resolve();
  }

  readonly #onClose = (code: number, reason: Buffer): void => {
    this.#fail(new Error(`the server closed the connection: ${code} ${reason.toString()}`));
  };

  readonly #fail = (error: Error): void => {
    this.#failure ??= error;
    for (const { reject } of this.#waiters.values()) reject(this.#failure);
    this.#waiters.clear();
    this.#socket.terminate();
  };
}
