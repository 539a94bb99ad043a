import type { TRPCClient, TRPCLink } from '@trpc/client';
import type {
  AnyTRPCRouter,
  inferTRPCClientTypes,
  TRPCCombinedDataTransformer,
  TRPCDataTransformer,
} from '@trpc/server';
import type { Codec } from '@openline/protocol';
import type { LineState } from './state.ts';
import type { Readable } from './store.ts';

type MaybePromise<T> = T | Promise<T>;

/** A server's type: router and params in one. */
export interface ServerLike {
  readonly '~types'?: { readonly router: AnyTRPCRouter; readonly params: unknown };
}
/** The router of a server's type, or the router itself. */
export type RouterOf<T> = T extends AnyTRPCRouter
  ? T
  : T extends { readonly '~types'?: infer U }
    ? NonNullable<U> extends { readonly router: infer R extends AnyTRPCRouter }
      ? R
      : never
    : never;
/** What a server asks of its clients; `unknown` where only the router is known. */
export type ParamsOf<T> = T extends AnyTRPCRouter
  ? unknown
  : T extends { readonly '~types'?: infer U }
    ? NonNullable<U> extends { readonly params: infer P }
      ? P
      : never
    : never;

/** A transformer is asked for exactly when the router has one. */
export type LinkArgs<R extends AnyTRPCRouter> = inferTRPCClientTypes<R>['transformer'] extends true
  ? [options: { readonly transformer: TRPCDataTransformer | TRPCCombinedDataTransformer }]
  : [
      options?: {
        readonly transformer?: 'The router has no transformer: give one to initTRPC.create() first';
      },
    ];

/** See {@link openLine}. */
export type LineOptions<Params = unknown> = {
  /** Absolute, or relative to the page. A function is asked at each attempt. Default in a browser: `/rpc`. */
  readonly url?: string | (() => MaybePromise<string>) | undefined;
  /** For queries and mutations that do not say, in milliseconds; `Infinity` for none. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Calls that may wait for the line to open; one more ends as `QUEUE_FULL`. Default: 10,000. */
  readonly queueCallsMax?: number | undefined;
  /** Bytes of calls that may wait for the line to open. Default: 16 MiB. */
  readonly queueBytesMax?: number | undefined;
  /**
   * How what is said becomes messages, such as `msgpack` of `@openline/msgpack`. A server that does not
   * speak it refuses the line, in words that name what it speaks. Default: JSON.
   */
  readonly codec?: Codec | undefined;
  /** The class to connect with. Default: the global one; in Node without one, that of `ws`. */
  readonly WebSocket?: (new (url: string, protocols: string[]) => unknown) | undefined;
} & ({} extends Params
  ? { readonly params?: Params | (() => MaybePromise<Params>) | undefined }
  : { readonly params: Params | (() => MaybePromise<Params>) });

/** The value of an option that may be a function which gives it. */
export async function optionOf<T>(option: T | (() => MaybePromise<T>)): Promise<T> {
  return typeof option === 'function' ? await (option as () => MaybePromise<T>)() : option;
}

export type LineArgs<P> = {} extends P ? [options?: LineOptions<P>] : [options: LineOptions<P>];

/** A client's handle on its session with a server. */
export interface Line<T extends AnyTRPCRouter | ServerLike = AnyTRPCRouter> {
  /** What the line is doing. */
  readonly state: Readable<LineState>;
  /** A terminating link for `createTRPCClient`. */
  link<R extends AnyTRPCRouter = RouterOf<T>>(...options: LinkArgs<R>): TRPCLink<R>;
  /**
   * Short for `createTRPCClient({ links: [line.link(…)] })`, but that `for await` over a subscription
   * pulls its items: one who stops to read makes the server wait, where tRPC's own takes all that
   * comes and keeps it.
   */
  client<R extends AnyTRPCRouter = RouterOf<T>>(...options: LinkArgs<R>): TRPCClient<R>;
  /**
   * Connects now instead of at the first call, and again after `close()` or a refusal. Resolves when
   * the line is open.
   *
   * @throws a `TRPCClientError`, readable by `lineError`, when the server refuses the client or the
   * line is closed meanwhile.
   */
  open(): Promise<void>;
  /**
   * Gives the server fresh `params` over the live connection: calls that begin later get the context
   * made of them. A line that is not open gives them when it opens. Resolves when the server has
   * taken them. It happens by itself in good time before they expire, where the server knows when.
   *
   * @throws a `TRPCClientError`, readable by `lineError`, with code `REJECTED` when the server refuses
   * them: then nothing has changed.
   */
  refresh(): Promise<void>;
  /**
   * Ends the session. Subscriptions complete; other calls under way end with code `CLOSED` and
   * their outcome. Resolves when the server has been told, or after one second.
   */
  close(): Promise<void>;
}
