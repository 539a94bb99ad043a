import type { TRPCClient } from '@trpc/client';
import type { WebSocket } from 'ws';
import type { Address } from '../../systems/system.ts';
import type { Router } from '../router.ts';
import type { BulkSize, Item } from '../workload.ts';

/** One of the things compared: how it serves streams and how they are read. */
export interface StreamSystem {
  /** Serves the router on a free port of loopback until the process ends. */
  serve(): Promise<Address>;
  /** A connection of the system's own client, over a socket of the given class. */
  connect(url: string, Socket: WebSocketClass): Promise<StreamClient>;
  readonly lean: LeanStreams;
}

export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocket;

export interface StreamClient {
  readonly api: TRPCClient<Router>;
  /** Sends a stream of items and gives how many the server has read; not every system has that. */
  readonly upload?: (bytes: number, items: AsyncIterable<Item>) => Promise<number>;
  close(): Promise<void>;
}

/** What is to come in bulk beside small calls: one result, or so many items of a subscription. */
export interface BulkRequest extends BulkSize {
  /** 0: one result. */
  readonly items: number;
}

/** What a bare socket must know of a system's protocol to make small calls beside something large. */
export interface LeanStreams {
  readonly subprotocols: readonly string[];
  open(): LeanTalk;
}

/** One connection's side of the protocol. One small call and one bulk are under way at most. */
export interface LeanTalk {
  /** Said before anything else. `undefined`: calls may begin at once. */
  readonly hello: string | undefined;
  /** The message of a small call. */
  call(): string;
  bulk(request: BulkRequest): string;
  /**
   * Reads a message. What comes in bulk is measured and not parsed, so that the load does little.
   *
   * @throws when it is an error, or not what was asked for.
   */
  read(message: Buffer, isBinary: boolean): Heard;
}

export interface Heard {
  /** The handshake is over; calls may begin. */
  readonly ready?: boolean;
  /** What the small call was answered with. */
  readonly reply?: unknown;
  /** All of the bulk has come. */
  readonly bulkIsOver?: boolean;
  /** What the protocol demands to be sent back. */
  readonly send?: string;
}

/** Counts what comes in bulk. */
export class BulkCount {
  readonly #request: BulkRequest;
  #came = 0;

  constructor(request: BulkRequest) {
    this.#request = request;
  }

  /** One item, or the result, has come whole. @throws when it is too small to be right. */
  add(bytes: number): void {
    if (bytes < this.#request.bytes) throw new Error(`${bytes} bytes came in bulk: too few`);
    this.#came++;
  }

  /** @throws when more or less came than was asked for. */
  end(): void {
    const expected = this.#request.items || 1;
    if (this.#came !== expected) throw new Error(`${this.#came} came in bulk, not ${expected}`);
  }
}
