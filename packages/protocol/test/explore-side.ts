import {
  Callee,
  Driver,
  Session,
  type Agreement,
  type Connection,
  type DriverHost,
  type Limits,
  type Message,
  type OutgoingCall,
  type SessionEvent,
  type SessionOptions,
  type Welcome,
} from '../src/index.ts';
import { Books } from './explore-books.ts';
import { exploredCodec as codec } from './explore-codec.ts';
import { plain, unreadOf, type PlainEvent, type Unread } from './pair.ts';
import { ROLES } from './support.ts';

type Event = SessionEvent<string, string>;
export type Name = 'client' | 'server';

/** What a mutant has in place of the real thing. */
export interface Parts {
  readonly Session?: Readonly<Partial<Record<Name, typeof Session<string, string>>>>;
  readonly Driver?: Readonly<Partial<Record<Name, typeof Driver<string, string>>>>;
  /** Whether the server takes a `hello` of this attempt, when it has taken `last` before. */
  readonly mayAttach?: (attempt: number, last: number) => boolean;
  /** Whether the client reads an answer, when it has said a later `hello`. */
  readonly readsLateAnswers?: boolean;
  /** What the server says of its books. */
  readonly welcome?: (counts: Counts) => Counts;
}
type Counts = Pick<Welcome, 'received' | 'next'>;

/** The other end has closed it, behind all that it wrote. */
export interface Close {
  readonly code: number;
}

/** One end of a connection. Its own close is not reported: its driver has left it by then. */
export class End implements Connection {
  readonly bufferedBytes = 0;
  readonly arriving: (Message | Close)[] = [];
  isClosed = false;
  peer!: End;
  readonly #written: (message: Message) => void;

  constructor(written: (message: Message) => void) {
    this.#written = written;
  }

  send(messages: readonly Message[]): void {
    if (this.isClosed) throw new Error('a connection was written to that is closed');
    for (const message of messages) {
      this.#written(message);
      this.peer.arriving.push(message);
    }
  }

  close(code: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.peer.arriving.push({ code });
  }

  abandon(): void {
    this.isClosed = true;
  }
}

/** One side: the real session in the real driver, and a host that notes what it is told. */
export class Side implements DriverHost<string, string> {
  readonly session: Session<string, string>;
  readonly driver: Driver<string, string>;
  readonly books: Books;
  /** The connection that its driver has; 0 for none. */
  current = 0;
  /** What it did wrong with its connections. */
  fault: string | undefined;
  isOver = false;
  isWaiting = false;
  /** Whether its host consumes an item as soon as it is told. */
  isReading = true;
  readonly told: PlainEvent[] = [];
  unread: Unread[] = [];
  #end: End | undefined;
  #last = 0;
  #flush: (() => void) | undefined;

  constructor(role: Name, limits: Limits, parts: Parts) {
    const SessionClass = parts.Session?.[role] ?? Session<string, string>;
    const DriverClass = parts.Driver?.[role] ?? Driver<string, string>;
    const options: SessionOptions = {
      role: ROLES[role],
      codec,
      limits,
      sessionBytesMax: 1_048_576,
    };
    this.session = new SessionClass(options);
    this.session.answer(Callee);
    this.books = new Books();
    this.driver = new DriverClass(this.session, this, (flush) => (this.#flush = flush));
  }

  event(event: Event): void {
    this.isOver ||= event.kind === 'ended';
    if (event.kind !== 'stream') {
      this.told.push(plain(event));
      const unread = unreadOf(event);
      if (unread !== undefined) this.unread.push(unread);
      if (this.isReading) this.consume();
    } else if (event.news.type === 'room') this.isWaiting = false;
    else this.fault ??= `was told of ${event.news.type}`;
  }

  /** Consumes every item that it was told, as a host may in its own time. */
  consume(): void {
    for (const { call, stream, item } of this.unread.splice(0)) {
      this.session.caller.streams.consumed(call as OutgoingCall<string>, stream, item);
    }
    this.driver.wake();
  }

  /** Bytes of the items that were told and not consumed, of calls that have not ended. */
  get unreadBytes(): number {
    let bytes = 0;
    for (const { call, item } of this.unread) {
      if (this.session.caller.open(call.id) === call) bytes += item.bytes;
    }
    return bytes;
  }

  detached(): void {
    if (this.#end?.isClosed === false) this.fault ??= 'gave up a connection that lives';
    this.current = 0;
  }

  /** Takes the session to a connection. `false`: it has ended over what the other side says. */
  attach(on: number, end: End, agreement: Agreement): boolean {
    this.books.attach(agreement.received);
    if (!this.driver.attach(end, agreement)) return false;
    if (on < this.#last) this.fault ??= 'went back to an earlier connection';
    this.#last = on;
    this.#end = end;
    this.current = on;
    return true;
  }

  /** The end of the tick: what was scheduled is run. */
  endTick(): void {
    for (let flush = this.#flush; flush !== undefined; flush = this.#flush) {
      this.#flush = undefined;
      flush();
    }
  }
}
