import { WebSocket } from 'ws';
import { INPUT } from '../../workload.ts';
import type { StreamClient, StreamSystem } from '../systems/system.ts';
import { ItemChecker } from '../workload.ts';

/** Reads a stream that never ends, and stops and goes on as it is told. */
class Reader {
  readonly #client: StreamClient;
  readonly #socket: WebSocket;
  readonly #checker: ItemChecker;
  readonly #bytes: number;
  #hasBegun = false;
  #goal = 0;
  #reached: (() => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;

  private constructor(client: StreamClient, socket: WebSocket, bytes: number) {
    this.#client = client;
    this.#socket = socket;
    this.#bytes = bytes;
    this.#checker = new ItemChecker(bytes);
  }

  static async open(system: StreamSystem, url: string, bytes: number): Promise<Reader> {
    const sockets: WebSocket[] = [];
    class KeptWebSocket extends WebSocket {
      constructor(address: string, protocols?: string[]) {
        super(address, protocols);
        sockets.push(this);
      }
    }
    const client = await system.connect(url, KeptWebSocket);
    await client.api.send.mutate(INPUT);
    const [socket] = sockets;
    if (socket === undefined) throw new Error('the client has made no socket');
    return new Reader(client, socket, bytes);
  }

  /** Reads so many more, then nothing: what comes stays in the socket. */
  read(count: number): Promise<void> {
    this.#goal = this.#checker.count + count;
    return new Promise((resolve, reject) => {
      this.#reached = resolve;
      this.#fail = reject;
      if (this.#hasBegun) this.#socket.resume();
      else this.#begin();
    });
  }

  #begin(): void {
    this.#hasBegun = true;
    this.#client.api.endless.subscribe(
      { bytes: this.#bytes },
      { onData: this.#onItem, onError: (error) => this.#fail?.(error) },
    );
  }

  /** At once: what is still on its way is not wanted. */
  cut(): void {
    this.#socket.terminate();
  }

  readonly #onItem = (item: unknown): void => {
    try {
      this.#checker.check(item);
    } catch (error) {
      this.#fail?.(error);
    }
    if (this.#checker.count !== this.#goal) return;
    this.#socket.pause();
    this.#reached?.();
  };
}

/** Readers of one server, each on a connection of its own. */
export class Readers {
  readonly #readers: readonly Reader[];

  private constructor(readers: readonly Reader[]) {
    this.#readers = readers;
  }

  /** Connections that have done one call, and read nothing yet. */
  static async open(
    system: StreamSystem,
    url: string,
    { connections, bytes }: { readonly connections: number; readonly bytes: number },
  ): Promise<Readers> {
    const readers: Reader[] = [];
    while (readers.length < connections) readers.push(await Reader.open(system, url, bytes));
    return new Readers(readers);
  }

  /** Resolves when each has read so many more, and has stopped to read. */
  async read(count: number): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.read(count)));
  }

  cut(): void {
    for (const reader of this.#readers) reader.cut();
  }
}
