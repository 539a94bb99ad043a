import { once } from 'node:events';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import type { Line, LineState } from '@openline/client';
import type { Server } from '@openline/server';
import { expect, onTestFinished } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

/** What arrives, in order, to be awaited one by one. */
export class Queue<T> {
  readonly #arrived: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  /** What has arrived and nobody has taken yet. */
  get length(): number {
    return this.#arrived.length;
  }

  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(value);
    else waiting(value);
  }

  next(): Promise<T> {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift() as T);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async take(count: number): Promise<T[]> {
    const values: T[] = [];
    while (values.length < count) values.push(await this.next());
    return values;
  }
}

/** Listens on loopback, on a free port unless one is given, until the test is finished. */
export function listen(
  server: Pick<Server, 'listen' | 'close'>,
  port = 0,
): Promise<{ readonly url: string; readonly port: number }> {
  onTestFinished(() => server.close());
  return server.listen({ port, host: '127.0.0.1' });
}

/** Closes a line when the test is finished, at the latest. */
export function closing<L extends Pick<Line, 'close'>>(line: L): L {
  onTestFinished(() => line.close());
  return line;
}

/** Has a line connect, whatever becomes of that. */
export function begin(line: Pick<Line, 'open'>): void {
  line.open().catch(() => {});
}

/** The line's states from now on, the one that it has first. */
export function statesOf(line: Pick<Line, 'state'>): LineState[] {
  const states = [line.state.get()];
  line.state.subscribe((state) => states.push(state));
  return states;
}

type StateOf<S extends LineState['status']> = Extract<LineState, { status: S }>;

/** Waits for the line to have a status, and for more than that where `when` says so. */
export function until<S extends LineState['status']>(
  line: Pick<Line, 'state'>,
  status: S,
  when: (state: StateOf<S>) => boolean = () => true,
): Promise<StateOf<S>> {
  return new Promise((resolve) => {
    const look = (state: LineState): void => {
      if (state.status !== status || !when(state as StateOf<S>)) return;
      unsubscribe();
      resolve(state as StateOf<S>);
    };
    const unsubscribe = line.state.subscribe(look);
    look(line.state.get());
  });
}

/** What Openline says of an error in its own words: for people, and it may change. */
export const WORDS: unknown = expect.stringMatching(/\w/);

/** What a promise is rejected with. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`it did not fail: ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Stands between a client and a server, and breaks what is between them. */
export class TcpProxy {
  readonly port: number;
  readonly #server: TcpServer;
  readonly #sockets = new Set<Socket>();
  /** Those of them that lead to the server. */
  readonly #targets = new Set<Socket>();
  #targetPort: number;
  /** What went through, either way. */
  carriedBytes = 0;

  static async to(port: number): Promise<TcpProxy> {
    const server = createTcpServer();
    const proxy = server.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    return new TcpProxy(server, port);
  }

  private constructor(server: TcpServer, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => {
      const target = connect(this.#targetPort, '127.0.0.1');
      this.#targets.add(target);
      this.#join(client, target);
      this.#join(target, client);
    });
    onTestFinished(() => {
      this.cut();
      server.close();
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/rpc`;
  }

  /** Breaks every connection; new ones are let through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks every connection at the server's end alone: the client is not told. */
  strand(): void {
    for (const socket of this.#targets) socket.removeAllListeners('close').destroy();
    for (const socket of this.#targets) this.#sockets.delete(socket);
    this.#targets.clear();
  }

  /** Nothing goes through the connections any more, and neither end is told. */
  blackHole(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** New connections go to another server: to a client the first one is dead, and started again. */
  turnTo(port: number): void {
    this.#targetPort = port;
  }

  /** Takes no new connections. */
  refuse(): void {
    this.#server.close();
  }

  /** Takes connections again. */
  async accept(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('error', () => {});
    from.on('data', ({ length }) => (this.carriedBytes += length));
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#targets.delete(from);
      to.destroy();
    });
    from.pipe(to);
  }
}

export type WireFrame = readonly unknown[];

/** What a `hello` says of its session. */
export function helloOf([, , body]: WireFrame): {
  readonly sessionId: string;
  readonly secret: string;
  readonly attempt: number;
  readonly received: number;
  readonly params: unknown;
} {
  return body as ReturnType<typeof helloOf>;
}

/** The tags of frames, as the protocol's text has them. */
export const TAG = {
  hello: 1,
  welcome: 2,
  reject: 3,
  goaway: 4,
  ping: 5,
  call: 32,
  result: 33,
  error: 34,
  item: 35,
  end: 36,
  cancel: 37,
  subscribed: 38,
  params: 9,
  renewed: 10,
} as const;

/** A client, as a server of the test's own sees it. */
export class Peer {
  readonly webSocket: WebSocket;
  /** The frames of each message, less what only keeps the connection alive. */
  readonly messages = new Queue<readonly WireFrame[]>();
  readonly pieces = new Queue<Buffer>();
  readonly closed: Promise<number>;

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    this.closed = new Promise((resolve) => webSocket.on('close', resolve));
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return this.pieces.push(data);
      const frames = JSON.parse(data.toString()) as WireFrame[];
      const told = frames.filter(([tag]) => tag === TAG.hello || (tag as number) >= TAG.call);
      if (told.length > 0) this.messages.push(told);
    });
  }

  send(...frames: WireFrame[]): void {
    this.webSocket.send(JSON.stringify(frames));
  }

  /** The greeting of the client. */
  async hello(): Promise<WireFrame> {
    const [hello = []] = await this.messages.next();
    return hello;
  }

  /** Takes the client once it has said `hello`. */
  async welcome(terms?: Parameters<Peer['admit']>[0]): Promise<WireFrame> {
    const hello = await this.hello();
    this.admit(terms);
    return hello;
  }

  /** Takes the client, with limits that a test may set. */
  admit({
    callsMax = 1_024,
    payloadBytesMax = 65_536,
    keepAliveMs = 10_000,
    windowMs = 120_000,
    received = 0,
    next = 1,
    journal = undefined as string | undefined,
  } = {}): void {
    this.send([
      TAG.welcome,
      1,
      {
        node: 'test',
        received,
        next,
        journal,
        keepAliveMs,
        windowMs,
        limits: { payloadBytesMax, callsMax, backlogBytesMax: 1_048_576 },
      },
    ]);
  }

  async reject(body: object): Promise<WireFrame> {
    const hello = await this.hello();
    this.send([TAG.reject, 1, body]);
    return hello;
  }

  /** Says that it does not have the session, of which it had so many frames. */
  gone(received?: number): Promise<WireFrame> {
    const message = 'no such session';
    return this.reject({ code: 'SESSION_GONE', message, retry: 'afresh', received });
  }
}

/** A WebSocket server that says what the test tells it to. */
export class RawServer {
  readonly port: number;
  readonly peers = new Queue<Peer>();
  readonly #server: WebSocketServer;

  static async listen(port = 0): Promise<RawServer> {
    const server = new WebSocketServer({ port, host: '127.0.0.1' });
    await once(server, 'listening');
    return new RawServer(server);
  }

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (webSocket) => this.peers.push(new Peer(webSocket)));
    onTestFinished(() => this.close());
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  /** Breaks every connection and takes no more. */
  close(): void {
    for (const webSocket of this.#server.clients) webSocket.terminate();
    this.#server.close();
  }
}

/** Opens a line to a server of the test's own. */
export async function openTo(
  server: RawServer,
  line: Pick<Line, 'open'>,
  limits?: Parameters<Peer['welcome']>[0],
): Promise<Peer> {
  const opened = line.open();
  const peer = await server.peers.next();
  await peer.welcome(limits);
  await opened;
  return peer;
}

/** A promise and what settles it. */
export function deferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

/** Lets everything happen that was due already. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
