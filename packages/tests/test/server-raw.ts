import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Codec } from '@openline/protocol';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from './server-support.ts';

export type WireFrame = readonly unknown[];

/** Tags, as the SPEC numbers them: a peer that is not ours has nothing else to go by. */
export const HELLO = 1;
export const WELCOME = 2;
export const REJECT = 3;
export const GOAWAY = 4;
export const PING = 5;
export const PONG = 6;
export const ACK = 7;
export const GRANT = 11;
export const CALL = 32;
export const RESULT = 33;
export const ERROR = 34;
export const ITEM = 35;
export const END = 36;
export const CANCEL = 37;
export const SUBSCRIBED = 38;

export const QUERY = 0;
export const MUTATION = 1;
export const SUBSCRIPTION = 2;

const LIMITS = { payloadBytesMax: 67_108_864, callsMax: 256, backlogBytesMax: 1_048_576 };

export function token(): string {
  return randomBytes(16).toString('base64url');
}

/** The body of a `hello` that a server takes, less what the test says otherwise. */
export function helloBody(changes: object = {}): object {
  return {
    ...{ sessionId: token(), secret: token(), attempt: 1, received: 0, next: 1 },
    ...{ client: 'raw/0', limits: LIMITS, ...changes },
  };
}

export interface Goodbye {
  readonly code: number;
  readonly reason: string;
}

/** A client that says what a test wants said, and keeps what it hears. */
export class RawClient {
  readonly webSocket: WebSocket;
  /** Frames in the order they came. */
  readonly heard: WireFrame[] = [];
  readonly closed: Promise<Goodbye>;
  readonly #binary: Codec | undefined;

  /** Speaks JSON, or the binary codec that is given; what it offers may be something else. */
  constructor(url: string, protocols: string[] = ['openline.v1.json'], binary?: Codec) {
    this.#binary = binary;
    this.webSocket = new WebSocket(url, protocols);
    this.webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary && binary !== undefined) this.heard.push(...binary.split(data));
      if (!isBinary) this.heard.push(...(JSON.parse(data.toString()) as WireFrame[]));
    });
    this.webSocket.on('error', () => {}); // `close` follows.
    this.closed = new Promise((resolve) => {
      this.webSocket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    onTestFinished(async () => {
      this.webSocket.terminate();
      await this.closed;
    });
  }

  /** Connects, and says nothing yet. */
  static async connect(url: string, protocols?: string[], binary?: Codec): Promise<RawClient> {
    const client = new RawClient(url, protocols, binary);
    await once(client.webSocket, 'open');
    return client;
  }

  /** Connects and is welcomed. */
  static async welcomed(url: string, changes?: object, binary?: Codec): Promise<RawClient> {
    const client = await RawClient.connect(url, binary && [binary.name], binary);
    client.say([HELLO, 1, helloBody(changes)]);
    await client.hears(WELCOME);
    return client;
  }

  /** Sends frames in one message. */
  say(...frames: WireFrame[]): void {
    const codec = this.#binary;
    if (codec === undefined) return this.send(JSON.stringify(frames));
    this.send(codec.join(frames.map((frame) => codec.encode(frame))));
  }

  send(message: string | Uint8Array): void {
    this.webSocket.send(message);
  }

  /** Says that it has all that it heard. */
  acknowledge(): void {
    this.say([ACK, this.heard.filter(([tag]) => (tag as number) >= CALL).length]);
  }

  /** Waits for a frame, by its tag and, where one is given, the id of its call. */
  async hears(tag: number, id?: number): Promise<WireFrame> {
    return this.finds((frame) => frame[0] === tag && (id === undefined || frame[1] === id));
  }

  /** Waits for the frame that ends a call. */
  async answer(id: number): Promise<WireFrame> {
    return this.finds((it) => it[1] === id && [RESULT, ERROR, END].includes(it[0] as number));
  }

  /** Frames of a call, in the order they came. */
  ofCall(id: number): WireFrame[] {
    return this.heard.filter(([tag, of]) => (tag as number) >= CALL && of === id);
  }

  async finds(isIt: (frame: WireFrame) => boolean): Promise<WireFrame> {
    let found: WireFrame | undefined;
    await eventually(() => {
      found = this.heard.find(isIt);
      if (found === undefined) throw new Error(`heard only ${JSON.stringify(this.heard)}`);
    });
    return found!;
  }
}

/** A TCP connection that says any bytes at all, and keeps the text that it hears. */
export class RawSocket {
  readonly socket: Socket;
  heard = '';
  /** Both sides have said all, or the other one has dropped the connection. */
  readonly closed: Promise<void>;

  constructor(port: number, options: { readonly allowHalfOpen?: boolean } = {}) {
    this.socket = connectTcp({ port, host: '127.0.0.1', ...options });
    this.socket.on('data', (bytes) => (this.heard += bytes.toString('latin1')));
    this.socket.on('error', () => {}); // `close` follows.
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
    onTestFinished(async () => {
      this.socket.destroy();
      await this.closed;
    });
  }

  /** Asks to be upgraded as a client should, and is. */
  static async upgraded(port: number): Promise<RawSocket> {
    const raw = new RawSocket(port);
    raw.socket.write(upgradeRequest({ Host: `127.0.0.1:${port}` }));
    await eventually(() => {
      if (!raw.heard.includes('\r\n\r\n')) throw new Error('no answer yet');
    });
    return raw;
  }

  /** The number of the first line of an HTTP answer. */
  async status(): Promise<number> {
    let status: string | undefined;
    await eventually(() => {
      status = /^HTTP\/1\.1 (\d{3}) /.exec(this.heard)?.[1];
      if (status === undefined) throw new Error('no answer yet');
    });
    return Number(status);
  }
}

/** The text of a request to upgrade. A header that is `undefined` is left out. */
export function upgradeRequest(
  headers: Readonly<Record<string, string | undefined>>,
  { method = 'GET', path = '/rpc' }: { readonly method?: string; readonly path?: string } = {},
): string {
  const all = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Protocol': 'openline.v1.json',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A WebSocket frame from a client, masked with zeros so that its bytes can be read here. */
export function webSocketFrame(opcode: number, payload: Uint8Array): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, 0x80 | payload.length])
      : Buffer.from([0x80 | opcode, 0xfe, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}
