import { once, setMaxListeners } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Random } from './real-random.ts';

/** What goes wrong with a connection behind some byte of one of its directions. */
export const FAULTS = [
  'cut', // Both ends are told at once that it is over.
  'reset', // Both ends are told so harshly: what they have not read yet is lost.
  'half-close', // One end is told that nothing more comes, and could still speak.
  'black-hole', // Nothing goes through any more either way, and nobody is told.
  'stall', // Nothing goes through in this direction for a while.
  'throttle', // It trickles for a while.
] as const;
export type Fault = (typeof FAULTS)[number];

/** Where a fault happens, in bytes from where the one before it happened, or from the first on. */
const FAULT_AT_BYTES = { min: 20, max: 400_000 };
/**
 * What a connection has carried in a direction once it is admitted. A black hole comes after it: a
 * handshake that falls into one waits for the dial's own timeout, and the test with it.
 */
const HANDSHAKE_BYTES = 1_000;
const STALL_MS = { min: 20, max: 500 };
const TROUGH_BYTES = 16_384;
const DRIP = { min: 1, max: 512 };
const DRIP_MS = 1;
const NOTHING = Buffer.alloc(0);

type Direction = 'up' | 'down';

interface PlannedFault {
  readonly fault: Fault;
  readonly direction: Direction;
  bytesLeft: number;
}

/** What both directions of a connection share. */
interface Way {
  isBlocked: boolean;
}

/**
 * Stands between a client and a server, and does to their connections what a network does, one
 * planned fault after the other, each behind a random byte. Once all have happened it is harmless.
 */
export class FaultyProxy {
  readonly url: string;
  /** What has happened so far. */
  readonly happened: Fault[] = [];
  readonly #server: Server;
  readonly #random: Random;
  readonly #plan: Fault[];
  readonly #sockets = new Set<Socket>();
  readonly #controller = new AbortController();
  #due: PlannedFault | undefined;

  static async to(port: number, random: Random, faults: readonly Fault[]): Promise<FaultyProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyProxy(server, port, random, faults);
  }

  private constructor(server: Server, port: number, random: Random, faults: readonly Fault[]) {
    this.#server = server;
    this.#random = random;
    this.#plan = random.shuffled(faults);
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
    setMaxListeners(0, this.#controller.signal); // One for each connection that nothing leaves.
    server.on('connection', (client) => {
      const target = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      for (const socket of [client, target]) this.#keep(socket);
      const way = { isBlocked: false };
      void this.#carry('up', client, target, way);
      void this.#carry('down', target, client, way);
    });
    onTestFinished(() => this.#close());
  }

  /** From here on the network is bad. */
  begin(): void {
    this.#planNext();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay();
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #close(): Promise<void> {
    this.#controller.abort();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #planNext(): void {
    const fault = this.#plan.shift();
    const direction = this.#random.next() < 0.5 ? 'up' : 'down';
    const bytesLeft = this.#random.spread(FAULT_AT_BYTES.min, FAULT_AT_BYTES.max);
    this.#due = fault && { fault, direction, bytesLeft };
  }

  async #carry(direction: Direction, from: Socket, to: Socket, way: Way): Promise<void> {
    let carriedBytes = 0;
    let troughBytesLeft = 0;
    let isDropped = false;
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        let rest = isDropped ? NOTHING : chunk;
        while (rest.length > 0) {
          const due = this.#due?.direction === direction ? this.#due : undefined;
          const dripBytes =
            troughBytesLeft > 0 ? this.#random.integer(DRIP.min, DRIP.max) : Infinity;
          const part = rest.subarray(0, Math.min(dripBytes, due?.bytesLeft ?? Infinity));
          rest = rest.subarray(part.length);
          await this.#write(to, part, way);
          if (troughBytesLeft > 0) await this.#wait(DRIP_MS);
          troughBytesLeft -= part.length;
          carriedBytes += part.length;
          if (due === undefined || due !== this.#due) continue;
          due.bytesLeft -= part.length;
          if (due.fault === 'black-hole' && carriedBytes < HANDSHAKE_BYTES) {
            due.bytesLeft += HANDSHAKE_BYTES;
          }
          if (due.bytesLeft > 0) continue;
          this.happened.push(due.fault);
          this.#planNext();
          switch (due.fault) {
            case 'cut':
              throw new Error('it is cut');
            case 'reset':
              for (const socket of [from, to]) reset(socket);
              break;
            case 'half-close':
              to.end();
              isDropped = true;
              rest = NOTHING;
              break;
            case 'black-hole':
              way.isBlocked = true;
              break;
            case 'stall':
              await this.#wait(this.#random.integer(STALL_MS.min, STALL_MS.max));
              break;
            case 'throttle':
              troughBytesLeft = TROUGH_BYTES;
          }
        }
      }
      if (!isDropped) to.end();
    } catch {
      // One of the two is gone, and so is what they were for.
      from.destroy();
      to.destroy();
    }
  }

  async #write(to: Socket, part: Buffer, way: Way): Promise<void> {
    const { signal } = this.#controller;
    if (way.isBlocked) await once(signal, 'abort');
    if (!to.writable) throw new Error('nobody reads it any more');
    if (!to.write(part)) await once(to, 'drain', { signal });
  }

  #wait(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#controller.signal });
  }
}

/** Node never closes the handle of a socket that is reset while it is ending: `reset EINVAL`. */
function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
