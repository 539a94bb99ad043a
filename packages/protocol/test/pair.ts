import {
  Callee,
  nameOf,
  Session,
  type AnswerFrame,
  type CallKind,
  type CallOptions,
  type IncomingCall,
  type Limits,
  type Message,
  type Notice,
  type OutgoingCall,
  type SessionEvent,
  type StreamItem,
  type StreamNews,
} from '../src/index.ts';
import { codec, LIMITS, ROLES } from './support.ts';

type Event = SessionEvent<string, string>;
type Call = IncomingCall<string> | OutgoingCall<string>;

/** An event as plain values: a call is told by its id. The vectors use the same words. */
export type PlainEvent = {
  readonly event: Event['kind'] | AnswerFrame['type'] | Notice['type'] | StreamNews['type'];
} & Readonly<Record<string, unknown>>;

export function plain(event: Event): PlainEvent {
  switch (event.kind) {
    case 'call': {
      const { id, kind, path, input, options } = event.call;
      const told: Record<string, unknown> = { id, kind, path };
      if (input !== undefined) told['input'] = input;
      if (options.timeoutMs !== undefined) told['timeoutMs'] = options.timeoutMs;
      if (options.lastEventId !== undefined) told['lastEventId'] = options.lastEventId;
      if (options.key !== undefined) told['key'] = options.key;
      if (options.again !== undefined) told['again'] = options.again;
      if (options.streams !== undefined) told['streams'] = options.streams;
      return { event: 'call', ...told };
    }
    case 'ended':
      return { event: 'ended', code: nameOf(event.error.code) };
    case 'notice':
    case 'answer': {
      const of = event.kind === 'answer' ? { id: event.call.id } : {};
      return { event: event.frame.type, ...of, ...membersOf(event.frame) };
    }
    case 'stream':
      return {
        event: event.news.type,
        id: event.call.id,
        stream: event.stream,
        ...membersOf(event.news),
      };
    default: {
      const { kind, ...rest } = event;
      const told: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(rest)) {
        if (name === 'call') told['id'] = (value as OutgoingCall<string>).id;
        else if (value !== undefined) told[name] = value;
      }
      return { event: kind, ...told };
    }
  }
}

/** What an item has cost is left out: it is the books', and they are tested by what they do. */
function membersOf({ type: _, ...members }: { readonly type: string }): object {
  const said = Object.entries(members).filter(
    ([name, value]) => value !== undefined && name !== 'credits' && name !== 'bytes',
  );
  return Object.fromEntries(said);
}

/** An item that was told and is not consumed. */
export interface Unread {
  readonly call: Call;
  readonly stream: number;
  readonly item: StreamItem;
}

export function unreadOf(event: Event): Unread | undefined {
  if (event.kind === 'stream' && event.news.type === 'item') {
    return { call: event.call, stream: event.stream, item: event.news };
  }
  if (event.kind === 'answer' && event.frame.type === 'item') {
    return { call: event.call, stream: 0, item: event.frame };
  }
  return undefined;
}

export interface PairOptions {
  readonly clientLimits?: Limits;
  readonly serverLimits?: Limits;
  readonly sessionBytesMax?: number;
}

/** One side of a pair: a session, what is on the wire to it, and what it has told. */
export class Side {
  readonly session: Session<string, string>;
  /** Messages on their way to this side. */
  wire: Message[] = [];
  /** Messages on their way from it: where nobody reads, they are lost. */
  out: Message[] = [];
  isOver = false;
  /** Whether its host consumes an item as soon as it is told. */
  isReading = true;
  readonly unread: Unread[] = [];
  #events: PlainEvent[] = [];

  constructor(role: keyof typeof ROLES, limits: Limits, sessionBytesMax: number) {
    this.session = new Session({ role: ROLES[role], codec, limits, sessionBytesMax });
    this.session.answer(Callee);
  }

  /** Everything told since the last time. */
  told(): readonly PlainEvent[] {
    this.listen();
    return this.#events.splice(0);
  }

  /** Takes the session's events, as a driver does after each input. */
  listen(): void {
    for (const event of this.session.takeEvents()) {
      this.isOver ||= event.kind === 'ended';
      this.#events.push(plain(event));
      const unread = unreadOf(event);
      if (unread !== undefined) this.unread.push(unread);
    }
    if (this.isReading) this.consume();
  }

  /** Consumes so many of the items that it was told. */
  consume(count = Infinity): void {
    for (const { call, stream, item } of this.unread.splice(0, count)) {
      if ('state' in call) this.session.callee.streams.consumed(call, stream, item);
      else this.session.caller.streams.consumed(call, stream, item);
    }
  }

  /** Puts one message on the wire. */
  write(): Message | undefined {
    const message = this.session.takeMessage();
    this.listen();
    if (message !== undefined) this.out.push(message);
    return message;
  }

  /** Takes one message off the wire. */
  read(): boolean {
    const message = this.wire.shift();
    if (message === undefined) return false;
    this.receive(message);
    return true;
  }

  /** Something arrives that the other side did not write. */
  receive(message: Message): void {
    this.session.receive(message);
    this.listen();
  }

  call(
    path: string,
    input?: unknown,
    kind: CallKind = 'query',
    options: CallOptions = {},
  ): OutgoingCall<string> {
    return this.session.caller.call({ kind, path, input, options }, path);
  }

  /** A call of the other side that has not settled. */
  incoming(id: number): IncomingCall<string> {
    for (const call of this.session.callee.calls) if (call.id === id) return call;
    throw new Error(`no call ${id} is open`);
  }
}

/** A connection that the client makes while the one before may still be read. */
interface Dial {
  /** What its `hello` said. */
  readonly received: number;
  readonly toServer: Message[];
  readonly toClient: Message[];
  /** What the server's `welcome` said, once it has attached. */
  welcome: { readonly received: number; readonly next: number } | undefined;
}

/** Two sessions, attached to each other by a wire in memory. Nothing moves by itself. */
export class Pair {
  readonly client: Side;
  readonly server: Side;
  readonly #clientLimits: Limits;
  readonly #serverLimits: Limits;
  #dial: Dial | undefined;

  constructor(options: PairOptions = {}) {
    const { clientLimits = LIMITS, serverLimits = LIMITS } = options;
    const { sessionBytesMax = 64 * 1_048_576 } = options;
    this.#clientLimits = clientLimits;
    this.#serverLimits = serverLimits;
    this.client = new Side('client', clientLimits, sessionBytesMax);
    this.server = new Side('server', serverLimits, sessionBytesMax);
    this.reconnect();
  }

  /** The client says `hello` on another connection. An answer to an earlier one is not read. */
  hello(): void {
    const { received } = this.client.session;
    this.#dial = { received, toServer: [], toClient: [], welcome: undefined };
  }

  /** The server reads the `hello`, cuts off the connection it has, and says `welcome`. */
  attachServer(): boolean {
    const dial = this.#dial;
    if (dial === undefined || dial.welcome !== undefined) return false;
    const { server } = this;
    server.wire = dial.toServer;
    server.out = dial.toClient;
    server.session.detach();
    server.session.attach({ limits: this.#clientLimits, received: dial.received, next: 0 });
    const { received, next } = server.session;
    dial.welcome = { received, next };
    return true;
  }

  /** The client reads the `welcome`, and leaves the connection it had. */
  attachClient(): boolean {
    const dial = this.#dial;
    if (dial?.welcome === undefined) return false;
    this.#dial = undefined;
    const { client } = this;
    client.wire = dial.toClient;
    client.out = dial.toServer;
    client.session.detach();
    client.session.attach({ limits: this.#serverLimits, ...dial.welcome });
    return true;
  }

  /** Another connection takes the session over; what was on the wire is lost. */
  reconnect(): void {
    this.hello();
    this.attachServer();
    this.attachClient();
  }

  /** Lets everything that is to be said arrive. */
  settle(): void {
    let moved = true;
    while (moved) {
      moved = false;
      for (const side of [this.client, this.server]) {
        while (side.write() !== undefined) moved = true;
        while (this.#peerOf(side).read()) moved = true;
      }
    }
  }

  /** Lets what one side has to say arrive, and nothing else. */
  flush(from: Side): void {
    while (from.write() !== undefined) continue;
    while (this.#peerOf(from).read()) continue;
  }

  #peerOf(side: Side): Side {
    return side === this.client ? this.server : this.client;
  }
}
