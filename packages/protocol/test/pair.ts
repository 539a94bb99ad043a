import {
  Callee,
  Session,
  type AnswerFrame,
  type CallKind,
  type CallOptions,
  type IncomingCall,
  type Limits,
  type Message,
  type OutgoingCall,
  type SessionEvent,
} from '../src/index.ts';
import { codec, LIMITS } from './support.ts';

type Event = SessionEvent<string, string>;

/** An event as plain values: a call is told by its id. The vectors use the same words. */
export type PlainEvent = { readonly event: Event['kind'] | AnswerFrame['type'] } & Readonly<
  Record<string, unknown>
>;

export function plain(event: Event): PlainEvent {
  switch (event.kind) {
    case 'call': {
      const { id, kind, path, input, options } = event.call;
      const told: Record<string, unknown> = { id, kind, path };
      if (input !== undefined) told['input'] = input;
      if (options.timeoutMs !== undefined) told['timeoutMs'] = options.timeoutMs;
      if (options.lastEventId !== undefined) told['lastEventId'] = options.lastEventId;
      return { event: 'call', ...told };
    }
    case 'ended':
      return { event: 'ended', code: event.error.code };
    case 'answer': {
      const { type, ...members } = event.frame;
      const said = Object.entries(members).filter(([, value]) => value !== undefined);
      return { event: type, ...Object.fromEntries(said) };
    }
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

export interface PairOptions {
  readonly clientLimits?: Limits;
  readonly serverLimits?: Limits;
  readonly sessionBytesMax?: number;
}

/** One side of a pair: a session, what is on the wire to it, and what it has told. */
export class Side {
  readonly session: Session<string, string>;
  /** Messages on their way to this side. */
  readonly wire: Message[] = [];
  peer!: Side;
  #events: PlainEvent[] = [];

  constructor(role: 'client' | 'server', limits: Limits, sessionBytesMax: number) {
    this.session = new Session({ role, codec, limits, sessionBytesMax });
    this.session.answer(Callee);
  }

  /** Everything told since the last time. */
  told(): readonly PlainEvent[] {
    this.listen();
    return this.#events.splice(0);
  }

  /** Takes the session's events, as a driver does after each input. */
  listen(): void {
    for (const event of this.session.takeEvents()) this.#events.push(plain(event));
  }

  /** Puts one message on the wire. */
  write(): Message | undefined {
    const message = this.session.takeMessage();
    this.listen();
    if (message !== undefined) this.peer.wire.push(message);
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

/** Two sessions, attached to each other by a wire in memory. Nothing moves by itself. */
export class Pair {
  readonly client: Side;
  readonly server: Side;

  constructor(options: PairOptions = {}) {
    const { clientLimits = LIMITS, serverLimits = LIMITS } = options;
    const { sessionBytesMax = 64 * 1_048_576 } = options;
    this.client = new Side('client', clientLimits, sessionBytesMax);
    this.server = new Side('server', serverLimits, sessionBytesMax);
    this.client.peer = this.server;
    this.server.peer = this.client;
    this.client.session.attach({ limits: serverLimits, received: 0, next: 1 });
    this.server.session.attach({ limits: clientLimits, received: 0, next: 1 });
  }

  /** Lets everything that is to be said arrive. */
  settle(): void {
    let moved = true;
    while (moved) {
      moved = false;
      for (const side of [this.client, this.server]) {
        while (side.write() !== undefined) moved = true;
        while (side.peer.read()) moved = true;
      }
    }
  }

  /** Lets what one side has to say arrive, and nothing else. */
  flush(from: Side): void {
    while (from.write() !== undefined) continue;
    while (from.peer.read()) continue;
  }
}
