import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type {
  AnyTRPCRouter,
  CreateContextCallback,
  inferRouterContext,
  TRPCError,
} from '@trpc/server';
import type { CallKind, Codec, Connection, ConnectionHandler, Limits } from '@openline/protocol';
import type { Journal } from './journal.ts';
import type { OutputOf, StandardSchemaV1 } from './standard-schema.ts';

type MaybePromise<T> = T | Promise<T>;

export interface IdentityOptions {
  /**
   * When what the client said of itself expires, as of `Date.now()`. In good time before it is asked
   * for fresh params; at that instant the session ends. Default: never.
   */
  readonly expiresAtMs?: number | undefined;
}

/** Who a client is. */
export interface Identity {
  readonly id: string;
  readonly expiresAtMs: number;
}

/** What survives connections: one client's calls and streams. */
export interface Session {
  /** Random, drawn by the client. */
  readonly id: string;
  /** Who the client is, as {@link Session.identify} said; `undefined` until then. */
  readonly identity: string | undefined;
  /**
   * Says who the client is, in `createContext` or later. From then on the session is theirs alone: a
   * connection whose `createContext` names somebody else, or nobody, does not get it.
   *
   * @param id Such as the id of a user; not empty.
   * @throws a `TypeError` in a procedure when the session belongs to somebody else.
   */
  identify(id: string, options?: IdentityOptions): void;
  /** Aborts when the session is over. */
  readonly signal: AbortSignal;
  /**
   * Ends the session now, its calls and streams with it. The client is told and does not come back
   * by itself; its calls that were under way end as `SESSION_LOST`.
   *
   * @param reason Shown to the client; cut at 123 bytes.
   */
  end(reason?: string): void;
}

/** The connection that a context is made for. */
export interface ConnectionInfo {
  readonly transport: 'ws' | 'memory';
  /** The address of the other end of the socket: a proxy's, where there is one. Empty for `memory`. */
  readonly remoteAddress: string;
  /** The upgrade's request; `undefined` where there was none. */
  readonly request: IncomingMessage | undefined;
}

/** What `createContext` is given. `Params` is the output of the server's `params` schema. */
export interface ContextOptions<Params = unknown> {
  readonly session: Session;
  readonly connection: ConnectionInfo;
  readonly params: Params;
  /**
   * Why it is asked for: a new session, another connection of one that lost its own, or fresh params
   * over a live connection. Calls that begin later get the new context.
   */
  readonly reason: 'open' | 'resume' | 'refresh';
  /**
   * Aborts when the connection is lost before the context is there, or `handshakeTimeoutMs` is over.
   * What is made then is dropped.
   */
  readonly signal: AbortSignal;
}

/** What `onError` is told. */
export interface ErrorReport {
  readonly error: TRPCError;
  /** `unknown` outside of a call: in `createContext`, or in Openline itself. */
  readonly type: CallKind | 'unknown';
  readonly path: string | undefined;
  /** Before the schemas; `undefined` where the transformer could not read it. */
  readonly input: unknown;
  readonly ctx: unknown;
  /** `undefined` where the error belongs to no session. */
  readonly session: Session | undefined;
}

export type ServerOptions<R extends AnyTRPCRouter, P extends StandardSchemaV1> = PlainServerOptions<
  R,
  P
> &
  CreateContextCallback<
    inferRouterContext<R>,
    (options: ContextOptions<NoInfer<OutputOf<P>>>) => MaybePromise<inferRouterContext<R>>
  >;

/** {@link ServerOptions} less `createContext`, which is asked for where the router has a context. */
export interface PlainServerOptions<R extends AnyTRPCRouter, P extends StandardSchemaV1> {
  readonly router: R;
  /** What a client must say of itself. Its output is `params` in `createContext`. */
  readonly params?: P | undefined;
  /** Origins of pages that may connect, or `'any'`. Default: the page's own, and loopback to loopback. */
  readonly origins?: readonly string[] | 'any' | undefined;
  /** Told of each error that is answered, and of faults. What it throws or rejects with is dropped. */
  readonly onError?: ((report: ErrorReport) => void) | undefined;
  /** Connections at once; one more is refused with HTTP status 503. At least 1. Default: 10,000. */
  readonly connectionsMax?: number | undefined;
  /**
   * Time for a new connection to be admitted, `createContext` included, and for `createContext` at a
   * refresh, in milliseconds. Looked at each half second or keep-alive interval, whichever is shorter.
   * At least 1. Default: 10,000.
   */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * Silence after which a client is asked for a sign of life; after four times this it is given up.
   * An integer of at least 100. Default: 10,000.
   */
  readonly keepAliveMs?: number | undefined;
  /**
   * What is spoken beside JSON, such as `msgpack` of `@openline/msgpack`. A client names the one that it
   * wants, and its session keeps it. Default: JSON alone.
   */
  readonly codecs?: readonly Codec[] | undefined;
  /** What one session may cost. */
  readonly limits?: Partial<SessionLimits> | undefined;
  /** Where outcomes of `once` procedures are recorded. Default: `memoryJournal()`, in this process. */
  readonly journal?: Journal | undefined;
  /** What is kept of clients that are away. */
  readonly resume?: ResumeOptions | undefined;
}

/** What is kept of clients that are away. Past a limit the oldest sessions end first. */
export interface ResumeOptions {
  /**
   * How long a session waits for its client, in milliseconds; 0 ends it with its connection.
   * Default: 120,000.
   */
  readonly windowMs?: number | undefined;
  /** Sessions that may wait at once. Default: 10,000. */
  readonly sessionsMax?: number | undefined;
  /** Of these, sessions of one identity. Default: 100. */
  readonly sessionsPerIdentityMax?: number | undefined;
  /** All that is held for sessions that wait, in bytes. Default: 256 MiB. */
  readonly bytesMax?: number | undefined;
  /** Sessions that may be resumed a second; who is one too many is told to come later. Default: 2,000. */
  readonly resumesPerSecondMax?: number | undefined;
  /**
   * Runs of `once` procedures whose session is over: they go on. While there are so many, a call that
   * would begin another one is answered `BUSY`, not executed. At least 1. Default: 10,000.
   */
  readonly onceRunsMax?: number | undefined;
  /**
   * Of these, runs of one identity; those of clients without one count together. At least 1.
   * Default: 100.
   */
  readonly onceRunsPerIdentityMax?: number | undefined;
}

export interface SessionLimits extends Limits {
  /**
   * All that is held for one session, in bytes; past it, it ends. At least `backlogBytesMax`.
   * Default: 128 MiB.
   */
  readonly sessionBytesMax: number;
}

export interface ListenOptions {
  /** Default: a free one. */
  readonly port?: number | undefined;
  /** Default: every address where a port is given, else loopback. */
  readonly host?: string | undefined;
  /** Default: `/rpc`. */
  readonly path?: string | undefined;
}

export interface DrainOptions {
  /** How long calls under way may take, in milliseconds. At least 0. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Clients come elsewhere spread over so many milliseconds. An integer of at least 0. Default: 2 for
   * each session, and half of `timeoutMs` at most.
   */
  readonly spreadMs?: number | undefined;
}

export interface AttachOptions {
  /** Default: `/rpc`. Upgrades to other paths are left to their own listeners, or refused with 404. */
  readonly path?: string | undefined;
}

export interface Server<R extends AnyTRPCRouter = AnyTRPCRouter, Params = unknown> {
  /** For types only: `openLine<typeof server>()`. */
  readonly '~types'?: { readonly router: R; readonly params: Params };
  /**
   * Makes an HTTP server for this one alone. A number is a port on every address; without one it
   * takes a free port on loopback.
   *
   * @throws what the HTTP server says, such as an error with code `EADDRINUSE`.
   */
  listen(where?: number | ListenOptions): Promise<{ readonly url: string; readonly port: number }>;
  /** Takes the upgrades of somebody else's HTTP or HTTPS server. Closing that one is theirs. */
  attach(server: HttpServer, options?: AttachOptions): void;
  /**
   * Takes a connection that somebody else's transport made, without admission by path, origin and
   * load. Gives what is to handle it: messages go there as they come.
   */
  accept(connection: Connection): ConnectionHandler;
  /**
   * Leaves without losing a call. From now on it takes no new sessions and tells the clients, who
   * make a session elsewhere and move there what can be moved; calls under way may end here until
   * the time is over. Then it closes as `close` does, with a code that says come back. Resolves when
   * it is closed.
   *
   * @throws a `RangeError` when an option is out of its range.
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Leaves now: ends every session and resolves when all connections are closed. */
  close(): Promise<void>;
}
