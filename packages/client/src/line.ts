import type { TRPCClient, TRPCLink } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import {
  LIMIT_EXCEEDED,
  MESSAGE_TOO_BIG,
  SESSION_GONE,
  retryOf,
  type Codec,
  type Connection,
  type LineError,
  type Message,
  type Notice,
  type Reject,
  type Welcome,
} from '@openline/protocol';
import { defaultWebSocket } from '#websocket';
import type { LineCall } from './call.ts';
import { Calls } from './calls.ts';
import { JSON_ONLY } from './codec.ts';
import { DEFAULT_TIMEOUT_MS, QUEUE_BYTES_MAX, QUEUE_CALLS_MAX } from './constants.ts';
import { Connector, type ConnectorHost } from './connector.ts';
import type { LineDriver } from './dial.ts';
import { lineClientError, lineErrorOf } from './errors.ts';
import { createLink, type CallStarter, type LinkTransformer } from './link.ts';
import {
  optionOf,
  type Line,
  type LineArgs,
  type LineOptions,
  type LinkArgs,
  type ParamsOf,
  type RouterOf,
  type ServerLike,
} from './options.ts';
import { createPullingClient } from './pull.ts';
import type { LineSession, LineSessionHost } from './session.ts';
import type { LineState } from './state.ts';
import { createStore, type Store } from './store.ts';
import { webSocketUrl } from './url.ts';
import type { WebSocketClass } from './websocket.ts';

const GIVEN_UP = 'no connection came back in time';

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
  readonly codec: Codec;
  readonly defaultTimeoutMs: number;
  readonly state: Store<LineState> = createStore<LineState>({ status: 'idle' });
  readonly #options: LineOptions;
  readonly #WebSocket: WebSocketClass;
  readonly #calls: Calls;
  /** How often fresh params were said over a live connection. The answer to the latest counts. */
  #renewals = 0;
  /** Who waits for it. */
  readonly #renewed: ((refusal: LineError | undefined) => void)[] = [];
  #connector: Connector | undefined;
  /** The session that the latest `hello` was about. */
  #greeted: LineSession | undefined;
  /** What the router's formatter made of the refusal that closed the line. */
  #refusalShape: unknown;
  #goodbye = Promise.resolve();

  constructor(options: LineOptions) {
    const WebSocket = (options.WebSocket as WebSocketClass | undefined) ?? defaultWebSocket();
    if (WebSocket === undefined) throw new TypeError('there is no WebSocket: give openLine one');
    const { queueCallsMax = QUEUE_CALLS_MAX, queueBytesMax = QUEUE_BYTES_MAX } = options;
    for (const name of ['timeoutMs', 'queueCallsMax', 'queueBytesMax'] as const) {
      if (!((options[name] ?? 1) > 0)) throw new RangeError(`${name} is above zero`);
    }
    this.#WebSocket = WebSocket;
    this.#options = options;
    this.codec = options.codec ?? JSON_ONLY;
    this.defaultTimeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#calls = new Calls(this, { queueCallsMax, queueBytesMax });
  }

  link<R extends AnyTRPCRouter = RouterOf<T>>(...[options]: LinkArgs<R>): TRPCLink<R> {
    // Where the router has no transformer, the type lets nothing through but `undefined`.
    return createLink<R>(this, options?.transformer as LinkTransformer | undefined);
  }

  client<R extends AnyTRPCRouter = RouterOf<T>>(...options: LinkArgs<R>): TRPCClient<R> {
    return createPullingClient<R>(this, options[0]?.transformer as LinkTransformer | undefined);
  }

  open(): Promise<void> {
    this.#connect();
    return new Promise((resolve, reject) => {
      const settle = (state: LineState): void => {
        if (state.status !== 'open' && state.status !== 'closed') return;
        unsubscribe();
        if (state.status === 'open') resolve();
        else reject(lineClientError(state.error ?? closedError()));
      };
      const unsubscribe = this.state.subscribe(settle);
      settle(this.state.get());
    });
  }

  async refresh(): Promise<void> {
    const isOpen = (): boolean => this.state.get().status === 'open';
    const params = isOpen() ? await optionOf(this.#options.params) : undefined;
    // The next connection brings fresh params by itself.
    if (!isOpen()) return this.open();
    try {
      this.#calls.session.renew(++this.#renewals, params);
    } catch (cause) {
      throw lineClientError(lineErrorOf('ENCODING', 'the params cannot be sent'), cause);
    }
    const refusal = await new Promise<LineError | undefined>((resolve) => {
      this.#renewed.push(resolve);
    });
    if (refusal !== undefined) throw lineClientError(refusal);
  }

  close(): Promise<void> {
    if (this.state.get().status !== 'closed') {
      this.#shut(null);
      this.#calls.session.driver.flush(); // What was said so far is written, and counts as such below.
      const sessions = this.#calls.endAll((call, outcome) => {
        if (call.isSubscription) call.complete();
        else call.fail(closedError(outcome));
      });
      this.#goodbye = closeAll(sessions);
    }
    return this.#goodbye;
  }

  start(call: LineCall): void {
    if (this.state.get().status === 'idle') this.#connect();
    const state = this.state.get();
    if (state.status === 'closed') this.#refuse(call, state.error ?? closedError());
    else if (call.options.whenOffline === 'fail' && state.status !== 'open') {
      call.fail(lineErrorOf('OFFLINE', 'the line is not open'));
    } else {
      this.#calls.start(call);
      call.show(state);
    }
  }

  notice(session: LineSession, frame: Notice): void {
    if (session !== this.#calls.dialled) return; // It is left already.
    if (frame.type === 'goaway') {
      this.#calls.prepareMove();
      this.#connector?.goaway(frame.spreadMs);
    } else if (frame.type === 'renew') {
      // What is refused here is refused again when the session ends over it.
      this.refresh().catch(() => {});
    } else if (frame.type === 'renewed' && frame.number === this.#renewals) {
      const { refusal } = frame;
      this.#settleRenewals(refusal === undefined ? undefined : lineErrorOf('REJECTED', refusal));
    }
  }

  detached(session: LineSession, closeCode: number, reason: string): void {
    if (session !== this.#calls.session) return this.#calls.over(session, reason);
    const retry = retryOf(closeCode);
    this.#calls.cancelMove();
    if (retry === 'never' || retry === 'afresh') {
      // The call that was too much for this connection would be too much for the next one, too.
      const isLimit = closeCode === LIMIT_EXCEEDED || closeCode === MESSAGE_TOO_BIG;
      const again = retry === 'afresh' && !isLimit;
      this.#calls.over(session, reason, { code: isLimit ? 'LIMIT' : 'SESSION_LOST', again });
    }
    this.#connector?.lost(closeCode, reason);
  }

  expired(session: LineSession): void {
    this.#calls.over(session, GIVEN_UP);
  }

  gone({ message, received }: Reject): void {
    const { session, dialled } = this.#calls;
    if (session === dialled) this.#calls.over(session, message, { received });
    else this.#calls.prepareMove();
  }

  hello(params: unknown): Message {
    this.#greeted = this.#calls.dialled;
    return this.#greeted.hello(params);
  }

  opened(connection: Connection, welcome: Welcome): LineDriver | undefined {
    const session = this.#calls.dialled;
    if (session !== this.#greeted) {
      // It was given up while the server made up its mind.
      this.#connector?.lost(SESSION_GONE, GIVEN_UP);
      return undefined;
    }
    this.#calls.vouch(session, welcome.journal);
    if (!session.attach(connection, welcome)) return undefined;
    if (session !== this.#calls.session) this.#calls.move();
    this.#settleRenewals(); // The `hello` brought params of its own.
    this.changed({ status: 'open', sessionId: session.id, resumed: session.resumed });
    return session.driver;
  }

  refused(error: LineError, shape?: unknown): void {
    this.#refusalShape = shape;
    this.#shut(error);
    void closeAll(this.#calls.endAll((call, outcome) => this.#refuse(call, { ...error, outcome })));
  }

  changed(state: LineState): void {
    this.state.set(state);
    for (const call of this.#calls.open) call.show(state);
  }

  #connect(): void {
    if (this.#connector !== undefined) return;
    this.#refusalShape = undefined;
    const { url } = this.#options;
    try {
      if (typeof url !== 'function') webSocketUrl(url);
    } catch (error) {
      // It will be none at the next attempt either.
      return this.#shut(lineErrorOf('OFFLINE', (error as TypeError).message));
    }
    this.#connector = new Connector(this, this.#options, this.#WebSocket);
    this.#connector.start();
  }

  #shut(error: LineError | null): void {
    this.#connector?.stop();
    this.#connector = undefined;
    this.#settleRenewals(error ?? closedError());
    this.state.set({ status: 'closed', error });
  }

  /** Ends a call of a line that is closed: as refused, in the server's own words where there are. */
  #refuse(call: LineCall, error: LineError): void {
    if (this.#refusalShape !== undefined) call.answered(this.#refusalShape, error);
    else call.fail(error);
  }

  #settleRenewals(refusal?: LineError): void {
    for (const resolve of this.#renewed.splice(0)) resolve(refusal);
  }
}

async function closeAll(sessions: readonly LineSession[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.close()));
}

function closedError(outcome?: 'not-executed' | 'unknown'): LineError {
  return lineErrorOf('CLOSED', 'the line is closed', outcome);
}
