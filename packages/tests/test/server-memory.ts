import type { Connection, Message, Server } from '@openline/server';
import { onTestFinished, vi } from 'vitest';
import { CALL, HELLO, helloBody, token, WELCOME, type WireFrame } from './server-raw.ts';

/** Makes the clock stand still until the test moves it, and nothing take longer than it must. */
export function stopTheClock(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
  });
  onTestFinished(() => void vi.useRealTimers());
}

/** Lets so much time pass, and all happen that is due by then. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await turn();
}

/** Lets everything happen that is due already: no socket is between the two ends. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A connection in memory, with a client on it that says what a test wants said. */
export class MemoryClient {
  /** Frames in the order they came. */
  readonly heard: WireFrame[] = [];
  /** How the server closed the connection, if it did. */
  goodbye: { readonly code: number; readonly reason: string } | undefined;
  /** The server dropped the connection without a word. */
  isAbandoned = false;
  readonly #handler: ReturnType<Server['accept']>;
  #isClosed = false;

  static connect(server: Pick<Server, 'accept'>): MemoryClient {
    return new MemoryClient(server);
  }

  private constructor(server: Pick<Server, 'accept'>) {
    const connection: Connection = {
      bufferedBytes: 0,
      send: (messages: readonly Message[]) => {
        if (this.#isClosed) return;
        for (const message of messages) {
          this.heard.push(...(JSON.parse(message as string) as WireFrame[]));
        }
      },
      close: (code, reason) => {
        if (this.#isClosed) return;
        this.goodbye = { code, reason };
        this.close(code);
      },
      abandon: () => {
        this.isAbandoned = true;
        this.close(1006);
      },
    };
    this.#handler = server.accept(connection);
  }

  /** Sends frames in one message. */
  say(...frames: WireFrame[]): void {
    if (!this.#isClosed) this.#handler.message(JSON.stringify(frames));
  }

  /** Ends the connection from this side; without a code, as a network does that is lost. */
  close(code = 1006): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // As a socket does: never before who closes it has gone on.
    setImmediate(() => this.#handler.closed(code, ''));
  }

  /** Counted frames, in the order they came. */
  get counted(): WireFrame[] {
    return this.heard.filter(([tag]) => (tag as number) >= CALL);
  }

  /** Frames with the tag, in the order they came. */
  all(tag: number): WireFrame[] {
    return this.heard.filter((frame) => frame[0] === tag);
  }
}

/** A session as its client knows it: has it over one connection in memory after another. */
export class MemorySession {
  readonly sessionId: string = token();
  readonly secret: string = token();
  readonly #server: Pick<Server, 'accept'>;
  readonly #clients: MemoryClient[] = [];

  constructor(server: Pick<Server, 'accept'>) {
    this.#server = server;
  }

  /** Says `hello` on another connection, honestly but for what the test changes. */
  async greet(changes: object = {}): Promise<MemoryClient> {
    const received = this.#clients.reduce((sum, { counted }) => sum + counted.length, 0);
    const client = MemoryClient.connect(this.#server);
    this.#clients.push(client);
    const { sessionId, secret } = this;
    const attempt = this.#clients.length;
    const next = attempt === 1 ? 1 : 0;
    client.say([HELLO, 1, helloBody({ sessionId, secret, attempt, received, next, ...changes })]);
    await turn();
    return client;
  }

  /** Is welcomed on another connection. */
  async attach(changes?: object): Promise<MemoryClient> {
    const client = await this.greet(changes);
    if (client.heard[0]?.[0] !== WELCOME) throw new Error(JSON.stringify(client.heard[0]));
    return client;
  }
}
