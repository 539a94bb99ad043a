import {
  CODES,
  encodeReject,
  encodeWelcome,
  OpenlineError,
  PARKED_BYTES_MAX,
  parseHello,
  TAGS,
  type Codec,
  type Connection,
  type ConnectionHandler,
  type Hello,
  type Message,
} from '@openline/protocol';
import type { Contexts } from './contexts.ts';
import type { ConnectionInfo, SessionLimits } from './options.ts';
import { ServerSession } from './session.ts';
import { SessionView } from './session-view.ts';
import { LEAVING, SESSION_GONE, SUPERSEDED, type Refusal } from './refusal.ts';

/** When to come again after a refusal that may pass, in milliseconds. */
const RETRY_DELAY_MS = 1_000;
/** How often a client may say `hello` on one connection: once more where its session is gone. */
const HELLOS_MAX = 2;

/** What all connections of a server share until they are admitted. */
export interface GreetingEnvironment {
  readonly node: string;
  readonly keepAliveMs: number;
  readonly windowMs: number;
  /** The epoch of the journal. */
  readonly journal: () => string;
  readonly limits: SessionLimits;
  readonly contexts: Contexts;
  /** Gives the session that a `hello` makes or asks for, or says why it cannot have it. */
  readonly claim: (hello: Hello, codec: Codec) => ServerSession | Refusal;
  /** The connection is gone. */
  readonly onClosed: (greeting: Greeting) => void;
}

/**
 * - `silent`: no `hello` came yet.
 * - `admitting`: one is being answered.
 * - `turned-away`: its session is gone; what follows is dropped up to another `hello`.
 * - `refused`: the connection is being closed, or is.
 * - `admitted`: a session has it, or had it.
 */
type State = 'silent' | 'admitting' | 'turned-away' | 'refused' | 'admitted';

/**
 * The first words on a connection: awaits a `hello`, makes the context, answers, and from then on
 * hands everything to the session's driver.
 */
export class Greeting implements ConnectionHandler {
  /** When the connection came, on the monotonic clock. */
  readonly sinceMs: number;
  readonly #connection: Connection;
  readonly #info: ConnectionInfo;
  readonly #codec: Codec;
  readonly #environment: GreetingEnvironment;
  /** Of the context that is being made. */
  #controller: AbortController | undefined;
  #state: State = 'silent';
  #hellos = 0;
  #session: ServerSession | undefined;
  #parked: Message[] = [];
  #parkedBytes = 0;

  constructor(
    connection: Connection,
    info: ConnectionInfo,
    codec: Codec,
    environment: GreetingEnvironment,
    nowMs: number,
  ) {
    this.#connection = connection;
    this.#info = info;
    this.#codec = codec;
    this.#environment = environment;
    this.sinceMs = nowMs;
  }

  message(message: Message): void {
    switch (this.#state) {
      case 'admitted':
        return this.#session?.driver.message(this.#connection, message);
      case 'silent':
        return this.#greet(message);
      case 'admitting':
        return this.#park(message);
      case 'turned-away':
        if (isHello(this.#codec, message)) this.#greet(message);
        return;
      case 'refused':
        return; // What followed the `hello` is dropped unread.
    }
  }

  drained(): void {
    this.#session?.driver.wake();
  }

  closed(code: number, reason: string): void {
    this.#controller?.abort();
    if (this.#state === 'admitted') this.#session?.driver.closed(this.#connection, code, reason);
    else this.#leaveSession();
    this.#state = 'refused';
    this.#environment.onClosed(this);
  }

  /** Whether the client has been neither admitted nor refused for good yet. */
  get isOpen(): boolean {
    return this.#state !== 'refused' && this.#state !== 'admitted';
  }

  /** The server leaves: who is not admitted yet will not be. */
  leave(): void {
    this.refuse(LEAVING);
  }

  /** Drops the connection without another word. */
  abandon(): void {
    this.#connection.abandon();
  }

  /**
   * Refuses the client. The code says whether it may come again. Where its session is gone it may
   * say `hello` once more on this connection.
   *
   * @throws what the codec throws at the shape; then the client is not refused yet.
   */
  refuse({ code, message, received, shape }: Refusal): void {
    if (!this.isOpen) return;
    const delayMs = code >= 4500 ? RETRY_DELAY_MS : 0;
    const reject = encodeReject(this.#codec, { code, message, delayMs, received, shape });
    const mayGreetAgain = code === CODES.SESSION_GONE && this.#hellos < HELLOS_MAX;
    this.#state = mayGreetAgain ? 'turned-away' : 'refused';
    this.#parked = [];
    this.#parkedBytes = 0;
    this.#controller?.abort();
    this.#leaveSession();
    this.#connection.send([reject]);
    if (!mayGreetAgain) this.#connection.close(code, message);
  }

  #greet(message: Message): void {
    this.#hellos++;
    try {
      const hello = parseHello(this.#codec, message);
      const session = this.#environment.claim(hello, this.#codec);
      if (!(session instanceof ServerSession)) return this.refuse(session);
      this.#session = session;
      this.#state = 'admitting';
      session.admitting++;
      this.#controller = new AbortController();
      void this.#admit(hello, session, this.#controller.signal);
    } catch (error) {
      if (error instanceof OpenlineError) this.refuse(error);
      else this.refuse({ code: CODES.INTERNAL, message: 'the handshake failed' });
    }
  }

  /** A session that no connection ever had is nothing without the one that would have had it. */
  #leaveSession(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    if (--session.admitting === 0 && session.attempt === 0) session.expire();
  }

  #park(message: Message): void {
    this.#parkedBytes += message.length;
    if (this.#parkedBytes > PARKED_BYTES_MAX) {
      return this.refuse({
        code: CODES.LIMIT_EXCEEDED,
        message: 'too much was sent before the welcome',
      });
    }
    this.#parked.push(message);
  }

  async #admit(hello: Hello, session: ServerSession, signal: AbortSignal): Promise<void> {
    const { contexts } = this.#environment;
    const view = new SessionView(session);
    const reason = session.attempt === 0 ? 'open' : 'resume';
    let ctx: unknown;
    try {
      const { params } = hello;
      const connection = this.#info;
      ctx = await contexts.make({ session: view, connection, params, reason, signal });
    } catch (cause) {
      if (signal.aborted) return;
      return contexts.refuse(cause, view, (refusal) => this.refuse(refusal));
    }
    if (signal.aborted) return;
    if (session.endedBy !== undefined) return this.refuse(endOf(session, session.endedBy));
    // Another one may have come meanwhile, of a later attempt or of somebody else.
    if (hello.attempt <= session.attempt) return this.refuse(SUPERSEDED);
    if (!session.mayBelongTo(view.claim?.id)) return this.refuse(SESSION_GONE);
    this.#take(hello, session, view, ctx);
  }

  /** From here on in one step: the connection before is cut off, the counts are read and answered. */
  #take(hello: Hello, session: ServerSession, view: SessionView, ctx: unknown): void {
    session.attach(this.#connection, hello, this.#info);
    if (session.endedBy !== undefined) return this.refuse(session.endedBy);
    session.take(view, ctx);
    session.admitting--;
    this.#state = 'admitted';
    this.#controller = undefined;
    const { node, keepAliveMs, windowMs, limits } = this.#environment;
    const terms = { node, keepAliveMs, windowMs, limits, journal: this.#environment.journal() };
    this.#connection.send([
      encodeWelcome(this.#codec, { type: 'welcome', ...terms, ...session.books }),
    ]);
    for (const message of this.#parked.splice(0)) session.driver.message(this.#connection, message);
  }
}

/** It ended while its client was admitted: as any that is gone, with what it had received. */
function endOf(session: ServerSession, { code, message }: OpenlineError): Refusal {
  return { code, message, received: session.books.received };
}

/** Whether a message begins with a `hello`, well formed or not. */
function isHello(codec: Codec, message: Message): boolean {
  try {
    return codec.split(message)[0]?.[0] === TAGS.hello;
  } catch {
    return false;
  }
}
