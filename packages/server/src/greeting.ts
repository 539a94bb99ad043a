import { TRPCError } from '@trpc/server';
import {
  CLOSE_CODES,
  encodeReject,
  encodeWelcome,
  OpenlineError,
  PARKED_BYTES_MAX,
  parseHello,
  type Codec,
  type Connection,
  type ConnectionHandler,
  type ErrorCode,
  type Hello,
  type Message,
} from '@openline/protocol';
import { errorOf, mayPass, type ErrorReporter } from './errors.ts';
import type { ConnectionInfo, ContextOptions, SessionLimits } from './options.ts';
import type { ServerSession } from './session.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/** When to come again after a refusal that may pass, in milliseconds. */
const RETRY_DELAY_MS = 1_000;
/** What a client is told where the application has no words for it. */
const REFUSED = 'the application refused the client';

/** What all connections of a server share until they are admitted. */
export interface GreetingEnvironment {
  readonly node: string;
  readonly keepAliveMs: number;
  readonly limits: SessionLimits;
  readonly errors: ErrorReporter;
  readonly params: StandardSchemaV1 | undefined;
  readonly createContext: ((options: ContextOptions) => unknown) | undefined;
  /** Gives the session that a `hello` makes; `undefined` when it cannot have one. */
  readonly openSession: (hello: Hello) => ServerSession | undefined;
  /** The connection is gone. */
  readonly onClosed: (greeting: Greeting) => void;
}

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
  readonly #controller = new AbortController();
  #state: 'silent' | 'admitting' | 'refused' | 'admitted' = 'silent';
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
        return this.#session?.driver.message(message);
      case 'silent':
        return this.#greet(message);
      case 'admitting':
        return this.#park(message);
      case 'refused':
        return; // What followed the `hello` is dropped unread.
    }
  }

  drained(): void {
    this.#session?.driver.drained();
  }

  closed(code: number, reason: string): void {
    this.#controller.abort();
    if (this.#state === 'admitted') this.#session?.driver.closed(code, reason);
    else this.#session?.end();
    this.#state = 'refused';
    this.#environment.onClosed(this);
  }

  /** Whether the client has been neither admitted nor refused yet. */
  get isOpen(): boolean {
    return this.#state === 'silent' || this.#state === 'admitting';
  }

  /** The server leaves: says goodbye to whoever is there. */
  leave(spreadMs: number): void {
    if (this.#state === 'admitted') this.#session?.leave(spreadMs);
    else this.refuse('GOING_AWAY', 'the server leaves');
  }

  /** Drops the connection without another word. */
  abandon(): void {
    this.#connection.abandon();
  }

  /**
   * Refuses the client. The code says whether it may come again.
   *
   * @throws what the codec throws at the shape; then the client is not refused yet.
   */
  refuse(code: ErrorCode, message: string, shape?: unknown): void {
    if (!this.isOpen) return;
    const closeCode = CLOSE_CODES[code];
    const delayMs = closeCode >= 4500 ? RETRY_DELAY_MS : 0;
    const reject = encodeReject(this.#codec, { code, message, delayMs, shape });
    this.#state = 'refused';
    this.#parked = [];
    this.#controller.abort();
    this.#session?.end();
    this.#connection.send([reject]);
    this.#connection.close(closeCode, message);
  }

  #greet(message: Message): void {
    try {
      const hello = parseHello(this.#codec, message);
      this.#session = this.#environment.openSession(hello);
      if (this.#session === undefined) {
        return this.refuse('SESSION_GONE', 'no such session is held here');
      }
      this.#state = 'admitting';
      void this.#admit(hello, this.#session);
    } catch (error) {
      if (error instanceof OpenlineError) this.refuse(error.code, error.message);
      else this.refuse('INTERNAL', 'the handshake failed');
    }
  }

  #park(message: Message): void {
    this.#parkedBytes += message.length;
    if (this.#parkedBytes > PARKED_BYTES_MAX) {
      return this.refuse('LIMIT_EXCEEDED', 'too much was sent before the welcome');
    }
    this.#parked.push(message);
  }

  async #admit(hello: Hello, session: ServerSession): Promise<void> {
    let ctx: unknown;
    try {
      ctx = await this.#createContext(hello, session);
    } catch (cause) {
      return this.#refuseWith(errorOf(cause), session);
    }
    if (this.#state !== 'admitting') return;
    const { endedBy } = session;
    if (endedBy !== undefined) return this.refuse(endedBy.code, endedBy.message);
    const { node, keepAliveMs, limits } = this.#environment;
    this.#state = 'admitted';
    this.#connection.send([
      encodeWelcome(this.#codec, { type: 'welcome', node, keepAliveMs, limits, ...session.books }),
    ]);
    session.attach(this.#connection, hello, ctx);
    for (const message of this.#parked.splice(0)) session.driver.message(message);
  }

  async #createContext(hello: Hello, session: ServerSession): Promise<unknown> {
    const { params: schema, createContext } = this.#environment;
    let params = hello.params;
    if (schema !== undefined) {
      const result = await schema['~standard'].validate(params);
      if (result.issues !== undefined) {
        const message = result.issues.map((issue) => issue.message).join('; ');
        throw new TRPCError({ code: 'BAD_REQUEST', message });
      }
      params = result.value;
    }
    const { signal } = this.#controller;
    return (
      createContext?.({ session, connection: this.#info, params, reason: 'open', signal }) ?? {}
    );
  }

  /** The application's own refusal, shaped as any error of its router. */
  #refuseWith(error: TRPCError, session: ServerSession): void {
    if (this.#state !== 'admitting') return;
    const { errors } = this.#environment;
    const about = {
      error,
      type: 'unknown',
      path: undefined,
      input: undefined,
      ctx: undefined,
    } as const;
    errors.report({ ...about, session });
    const code = mayPass(error) ? 'UNAVAILABLE' : 'REJECTED';
    try {
      const shape = errors.shapeOf(about);
      this.refuse(code, messageOf(shape), errors.serialize(shape));
    } catch (fault) {
      errors.report({ ...about, error: errorOf(fault), session });
      this.refuse(code, REFUSED);
    }
  }
}

/** The words that the router's formatter left: it may keep those of the error from the client. */
function messageOf(shape: unknown): string {
  const { message } = (shape ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : REFUSED;
}
