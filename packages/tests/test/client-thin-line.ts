import type { Connection, Message, Server } from '@openline/server';
import { onTestFinished, vi } from 'vitest';

/** What a socket takes before whoever writes to it is told to wait, in bytes. */
const HIGH_WATER_BYTES = 131_072;

/** One direction of a thin line: a message is there when its last byte is. */
class ThinPipe {
  readonly #bytesPerMs: number;
  #leftAtMs = 0;
  bufferedBytes = 0;

  constructor(bytesPerMs: number) {
    this.#bytesPerMs = bytesPerMs;
  }

  send(message: Message, arrived: () => void): void {
    const bytes = Buffer.byteLength(message);
    const nowMs = performance.now();
    this.bufferedBytes += bytes;
    this.#leftAtMs = Math.max(this.#leftAtMs, nowMs) + bytes / this.#bytesPerMs;
    setTimeout(() => {
      this.bufferedBytes -= bytes;
      arrived();
    }, this.#leftAtMs - nowMs);
  }
}

/** What became of the connections of a thin line. */
export interface ThinLine {
  readonly WebSocket: new (url: string) => object;
  /** Connections that were ever made. */
  readonly made: number;
  /** Those that an end gave up. */
  readonly abandoned: number;
  /** The largest message that it carried, in bytes. */
  readonly largestBytes: number;
}

/** A line to a server, of so many bytes a millisecond each way, in time that a test lets pass. */
export function thinLine(server: Pick<Server, 'accept'>, bytesPerMs: number): ThinLine {
  const seen = { made: 0, abandoned: 0, largestBytes: 0 };
  class ThinWebSocket {
    binaryType = '';
    readyState = 0;
    onopen: (() => void) | null = null;
    onmessage: ((event: { readonly data: unknown }) => void) | null = null;
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
    onerror: (() => void) | null = null;
    readonly #up = new ThinPipe(bytesPerMs);
    readonly #down = new ThinPipe(bytesPerMs);
    #handler: ReturnType<Server['accept']> | undefined;

    constructor() {
      seen.made++;
      setTimeout(() => this.#open(), 0);
    }

    get bufferedAmount(): number {
      return this.#up.bufferedBytes;
    }

    send(message: Message): void {
      look(message);
      this.#up.send(message, () => {
        if (this.readyState === 1) this.#handler?.message(message);
      });
    }

    close(code = 1000): void {
      this.#over(code);
    }

    terminate(): void {
      seen.abandoned++;
      this.#over(1006);
    }

    #open(): void {
      const down = this.#down;
      const connection: Connection = {
        get bufferedBytes() {
          return down.bufferedBytes;
        },
        send: (messages) => messages.forEach((message) => this.#say(message)),
        close: (code) => this.#over(code),
        abandon: () => this.terminate(),
      };
      this.readyState = 1;
      this.#handler = server.accept(connection);
      this.onopen?.();
    }

    #say(message: Message): void {
      look(message);
      const data = typeof message === 'string' ? message : new Uint8Array(message).buffer;
      this.#down.send(message, () => {
        if (this.readyState !== 1) return;
        this.onmessage?.({ data });
        if (this.#down.bufferedBytes < HIGH_WATER_BYTES) this.#handler?.drained();
      });
    }

    #over(code: number): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      queueMicrotask(() => {
        this.#handler?.closed(code, '');
        this.onclose?.({ code, reason: '' });
      });
    }
  }
  const look = (message: Message): void => {
    seen.largestBytes = Math.max(seen.largestBytes, Buffer.byteLength(message));
  };
  return Object.assign(seen, { WebSocket: ThinWebSocket });
}

/** Time stands still until the test lets it pass. */
export function stopTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
  });
  onTestFinished(() => void vi.useRealTimers());
}
