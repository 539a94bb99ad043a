import { createTRPCClient, type TRPCClient, type TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { CLOSE_CODES } from '@openline/protocol';
import type {
  CallKind,
  Connection,
  ConnectionHandler,
  LineError,
  Message,
  Welcome,
} from '@openline/protocol';
import { defaultWebSocket } from '#websocket';
import type { CallRequest, CallSink, CallStarter, LineCall } from './call.ts';
import type { CallOptions } from './call-options.ts';
import { Calls } from './calls.ts';
import { Connector, type ConnectorHost } from './connector.ts';
import { lineClientError } from './errors.ts';
import { createLink, type LinkTransformer } from './link.ts';
import type {
  Line,
  LineArgs,
  LineOptions,
  LinkArgs,
  ParamsOf,
  RouterOf,
  ServerLike,
} from './options.ts';
import type { LineSession, LineSessionHost } from './session.ts';
import type { LineState } from './state.ts';
import { createStore, type Store } from './store.ts';
import { webSocketUrl } from './url.ts';
import type { WebSocketClass } from './websocket.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Makes a line to a server: one persistent connection, made at the first call and made again
 * whenever it is lost. The type argument is the type of the server (`typeof server`) or of its
 * router.
 *
 * @throws a `TypeError` where there is no `WebSocket`, and none is given; a `RangeError` for a number
 * that is not above zero.
 */
export function openLine<T extends AnyTRPCRouter | ServerLike = AnyTRPCRouter>(
  ...[options]: LineArgs<ParamsOf<T>>
): Line<T> {
  return new OpenLine<T>(options ?? {});
}

class OpenLine<T extends AnyTRPCRouter | ServerLike>
  implements Line<T>, LineSessionHost, ConnectorHost, CallStarter
{
  readonly state: Store<LineState> = createStore<LineState>({ status: 'idle' });
  readonly #options: LineOptions;
  readonly #WebSocket: WebSocketClass;
  readonly #calls: Calls;
  #connector: Connector | undefined;
  /** What the router's formatter made of the refusal that closed the line. */
  #refusalShape: unknown;
  #goodbye = Promise.resolve();

  constructor(options: LineOptions) {
    const WebSocket = (options.WebSocket as WebSocketClass | undefined) ?? defaultWebSocket();
    if (WebSocket === undefined) {
      throw new TypeError('there is no WebSocket: give openLine one');
    }
    const { queueCallsMax = 10_000, queueBytesMax = 16 * 1_048_576 } = options;
    for (const name of ['timeoutMs', 'queueCallsMax', 'queueBytesMax'] as const) {
      if (!((options[name] ?? 1) > 0)) throw new RangeError(`${name} is above zero`);
    }
    this.#WebSocket = WebSocket;
    this.#options = options;
    this.#calls = new Calls(this, { queueCallsMax, queueBytesMax });
  }

  link<R extends AnyTRPCRouter = RouterOf<T>>(...[options]: LinkArgs<R>): TRPCLink<R> {
    // Where the router has no transformer, the type lets nothing through but `undefined`.
    return createLink<R>(this, options?.transformer as LinkTransformer | undefined);
  }

  client<R extends AnyTRPCRouter = RouterOf<T>>(...options: LinkArgs<R>): TRPCClient<R> {
    return createTRPCClient<R>({ links: [this.link<R>(...options)] });
  }

  open(): Promise<void> {
    this.#connect();
    return new Promise((resolve, reject) => {
      const settle = (state: LineState): void => {
        if (state.status !== 'open' && state.status !== 'closed') return;
        unsubscribe();
        if (state.status === 'open') resolve();
        else reject(this.#closedError(state.error));
      };
      const unsubscribe = this.state.subscribe(settle);
      settle(this.state.get());
    });
  }

  close(): Promise<void> {
    if (this.state.get().status !== 'closed') {
      const { session } = this.#calls;
      this.#shut(null);
      session.driver.flush(); // What was said so far is written, and counts as such below.
      this.#calls.endAll((call, outcome) => {
        if (call.kind === 'subscription') call.sink.complete();
        else call.sink.failed(closedError(outcome));
      });
      this.#goodbye = session.close();
    }
    return this.#goodbye;
  }

  start(request: CallRequest, options: CallOptions, sink: CallSink): LineCall {
    const { timeoutMs = this.#defaultTimeoutMs(request.kind) } = options;
    const wholeMs = Math.ceil(timeoutMs);
    const call: LineCall = {
      kind: request.kind,
      path: request.path,
      input: request.input,
      timeoutMs: Number.isSafeInteger(wholeMs) ? wholeMs : undefined,
      deadlineMs: performance.now() + timeoutMs,
      sink,
      lastEventId: undefined,
      outgoing: undefined,
    };
    if (this.state.get().status === 'idle') this.#connect();
    const state = this.state.get();
    if (state.status === 'closed') {
      this.#end(call, state.error ?? closedError('not-executed'));
    } else if (options.whenOffline === 'fail' && state.status !== 'open') {
      sink.failed({ code: 'OFFLINE', outcome: 'not-executed', message: 'the line is not open' });
    } else {
      this.#calls.start(call);
      if (call.kind === 'subscription') sink.line(state);
    }
    return call;
  }

  drop(call: LineCall): void {
    this.#calls.drop(call);
  }

  abort(call: LineCall, cause: unknown): void {
    this.#calls.abort(call, cause);
  }

  goaway(spreadMs: number): void {
    this.#connector?.goaway(spreadMs);
  }

  over(session: LineSession, closeCode: number, message: string): void {
    if (session !== this.#calls.session) return; // One that was replaced has gone at last.
    const code = closeCode === CLOSE_CODES.LIMIT_EXCEEDED ? 'LIMIT' : 'SESSION_LOST';
    this.#calls.moveToNewSession({ code, message });
    this.#connector?.lost(closeCode, message);
  }

  async address(): Promise<string> {
    const { url } = this.#options;
    return webSocketUrl(typeof url === 'function' ? await url() : url);
  }

  async params(): Promise<unknown> {
    const { params } = this.#options;
    return typeof params === 'function' ? await (params as () => unknown)() : params;
  }

  hello(params: unknown): Message {
    return this.#calls.session.hello(params);
  }

  opened(connection: Connection, welcome: Welcome): ConnectionHandler {
    const { session } = this.#calls;
    session.attach(connection, welcome);
    this.changed({ status: 'open', sessionId: session.id });
    return session.driver;
  }

  refused(error: LineError, shape: unknown): void {
    this.#refusalShape = shape;
    this.#shut(error);
    this.#calls.endAll((call) => this.#end(call, error));
  }

  changed(state: LineState): void {
    this.state.set(state);
    for (const call of this.#calls.open) {
      if (call.kind === 'subscription') call.sink.line(state);
    }
  }

  #connect(): void {
    if (this.#connector !== undefined) return;
    this.#refusalShape = undefined;
    const { url } = this.#options;
    try {
      if (typeof url !== 'function') webSocketUrl(url);
    } catch (error) {
      // It will be none at the next attempt either.
      const { message } = error as TypeError;
      return this.#shut({ code: 'OFFLINE', outcome: 'not-executed', message });
    }
    this.#connector = new Connector(this, this.#WebSocket);
    this.#connector.start();
  }

  #shut(error: LineError | null): void {
    this.#connector?.stop();
    this.#connector = undefined;
    this.state.set({ status: 'closed', error });
  }

  /** Ends a call of a line that is closed: as refused, in the server's own words where there are. */
  #end({ sink }: LineCall, error: LineError): void {
    if (this.#refusalShape !== undefined) sink.answered(this.#refusalShape, error);
    else sink.failed(error);
  }

  #closedError(error: LineError | null): Error {
    return lineClientError(error ?? closedError('not-executed'));
  }

  #defaultTimeoutMs(kind: CallKind): number {
    return kind === 'subscription' ? Infinity : (this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }
}

function closedError(outcome: 'not-executed' | 'unknown'): LineError {
  return { code: 'CLOSED', outcome, message: 'the line is closed' };
}
