import { hello } from '../../systems/openline-dialect.ts';
import { INPUT, PATH } from '../../workload.ts';
import {
  BulkCount,
  type BulkRequest,
  type Heard,
  type LeanStreams,
  type LeanTalk,
} from './system.ts';

/** The tags used here, of docs/protocol/SPEC.md. */
const WELCOME = 2;
const PING = 5;
const PONG = 6;
const ACK = 7;
const GRANT = 11;
const FIRST_COUNTED = 32;
const CALL = 32;
const RESULT = 33;
const ERROR = 34;
const END = 36;

const KINDS = { query: 0, mutation: 1, subscription: 2 } as const;

/** Of a piece: its header, the flags in its second byte, and where the first says how long all is. */
const HEADER_BYTES = 10;
const FIRST_HEADER_BYTES = 18;
const FIRST = 1;
const LAST = 2;
const SIZE_OFFSET = 10;

/** An item costs a credit for each message that it takes; so many are granted ahead. */
const CREDIT_BYTES = 65_536;
const WINDOW = 16;
/** An acknowledgement is due after so many counted frames, or a quarter of what a server keeps. */
const UNACKNOWLEDGED_FRAMES_MAX = 64;
const UNACKNOWLEDGED_BYTES_MAX = 262_144;

type Frame = readonly [tag: number, ...members: unknown[]];

class Talk implements LeanTalk {
  readonly hello = hello();
  /** Calls of a client have odd numbers. */
  #lastId = -1;
  #bulkId = -1;
  #bulk: BulkCount | undefined;
  #isResult = false;
  #bytes = 0;
  #size = 0;
  #granted = WINDOW;
  #received = 0;
  #acknowledged = 0;
  #owedBytes = 0;

  call(): string {
    return this.#request('mutation', PATH, INPUT);
  }

  bulk(request: BulkRequest): string {
    const { items: count, ...size } = request;
    this.#bulk = new BulkCount(request);
    this.#granted = WINDOW;
    this.#isResult = count === 0;
    this.#bulkId = this.#lastId + 2;
    if (this.#isResult) return this.#request('query', 'bulk', size);
    return this.#request('subscription', 'bulkItems', { ...size, count });
  }

  read(message: Buffer, isBinary: boolean): Heard {
    this.#owedBytes += message.length;
    const due: Frame[] = [];
    const heard = isBinary ? this.#readPiece(message, due) : this.#readFrames(message, due);
    this.#acknowledge(due);
    return due.length === 0 ? heard : { ...heard, send: JSON.stringify(due) };
  }

  #readPiece(message: Buffer, due: Frame[]): Heard {
    this.#received++;
    const flags = message[1] ?? 0;
    const isFirst = (flags & FIRST) !== 0;
    if (isFirst) {
      this.#size = Number(message.readBigUInt64BE(SIZE_OFFSET));
      this.#bytes = 0;
    }
    this.#bytes += message.length - (isFirst ? FIRST_HEADER_BYTES : HEADER_BYTES);
    if ((flags & LAST) === 0) return {};
    if (this.#bytes !== this.#size) throw new Error(`${this.#bytes} bytes of ${this.#size} came`);
    this.#bulk?.add(this.#size);
    if (this.#isResult) {
      this.#bulk?.end();
      return { bulkIsOver: true };
    }
    this.#granted += Math.ceil(this.#size / CREDIT_BYTES);
    due.push([GRANT, this.#bulkId, 0, this.#granted]);
    return {};
  }

  #readFrames(message: Buffer, due: Frame[]): Heard {
    const heard: { -readonly [Key in keyof Heard]: Heard[Key] } = {};
    for (const [tag, id, value] of JSON.parse(message.toString()) as readonly Frame[]) {
      if (tag >= FIRST_COUNTED) this.#received++;
      if (tag === ERROR) throw new Error(`the server answered with: ${JSON.stringify(value)}`);
      if (tag === WELCOME) heard.ready = true;
      else if (tag === PING) due.push([PONG]);
      else if (tag === RESULT) heard.reply = value;
      else if (tag === END && id === this.#bulkId) {
        this.#bulk?.end();
        heard.bulkIsOver = true;
      }
    }
    return heard;
  }

  #acknowledge(due: Frame[]): void {
    const isDue =
      this.#received - this.#acknowledged >= UNACKNOWLEDGED_FRAMES_MAX ||
      this.#owedBytes >= UNACKNOWLEDGED_BYTES_MAX;
    if (!isDue) return;
    this.#acknowledged = this.#received;
    this.#owedBytes = 0;
    due.push([ACK, this.#received]);
  }

  #request(kind: keyof typeof KINDS, path: string, input: unknown): string {
    this.#lastId += 2;
    return JSON.stringify([[CALL, this.#lastId, KINDS[kind], path, 0, input]]);
  }
}

export const openlineStreams: LeanStreams = {
  subprotocols: ['openline.v1.json'],
  open: () => new Talk(),
};
