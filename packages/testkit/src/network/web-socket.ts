import type { ConnectionHandler, Message } from '@openline/protocol';
import type { Machine } from '../machine.ts';
import { later } from './later.ts';
import type { LinkEnd } from './link.ts';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** How a socket gets its connection. */
export interface Dialler {
  /** Where the client runs. */
  readonly machine: Machine;
  /** Returns what gives the attempt up. Exactly one of the two is called, and not at once. */
  dial(url: string, made: (end: LinkEnd) => void, refused: () => void): () => void;
  /** The client sends a message. */
  said(message: Message): void;
}

/** What a line asks of a WebSocket class. */
export type WebSocketClass = new (url: string, protocols: string[]) => MemoryWebSocket;

/** The client's end of a connection in memory, as a WebSocket. */
export class MemoryWebSocket implements ConnectionHandler {
  binaryType = 'blob';
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly #dialler: Dialler;
  readonly #giveUp: () => void;
  #end: LinkEnd | undefined;
  #isOver = false;

  constructor(dialler: Dialler, url: string) {
    this.#dialler = dialler;
    const made = (end: LinkEnd): void => {
      this.#end = end;
      end.handle(this);
      this.onopen?.();
    };
    const refused = (): void => {
      this.#isOver = true;
      this.onerror?.();
      this.onclose?.({ code: 1006, reason: '' });
    };
    this.#giveUp = dialler.dial(url, made, refused);
  }

  get bufferedAmount(): number {
    return this.#end?.bufferedBytes ?? 0;
  }

  get readyState(): number {
    if (this.#isOver || this.#end?.isClosed === true) return CLOSED;
    if (this.#end === undefined) return CONNECTING;
    return this.#end.isOpen ? OPEN : CLOSING;
  }

  send(message: Message): void {
    if (this.#end === undefined) throw new DOMException('it is not open', 'InvalidStateError');
    this.#dialler.said(message);
    this.#end.send([message]);
  }

  close(code = 1000, reason = ''): void {
    if (this.#end !== undefined) this.#end.close(code, reason);
    else this.terminate();
  }

  terminate(): void {
    if (this.#end !== undefined) return this.#end.abandon();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#giveUp();
    const { machine } = this.#dialler;
    later(0, () => machine.run(() => this.onclose?.({ code: 1006, reason: '' })));
  }

  message(message: Message): void {
    const data = typeof message === 'string' ? message : toArrayBuffer(message);
    this.onmessage?.({ data });
  }

  /** Who has a WebSocket asks for what is buffered. */
  drained(): void {}

  closed(code: number, reason: string): void {
    this.onclose?.({ code, reason });
  }
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
