import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer, STATUS_CODES } from 'node:http';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AnyTRPCRouter } from '@trpc/server';
import type { Codec, Connection, ConnectionHandler } from '@openline/protocol';
import { pathOf, refusalOf, type AdmissionRules, type Refusal } from './admission.ts';
import { Codecs } from './codecs.ts';
import { Contexts } from './contexts.ts';
import { ErrorReporter } from './errors.ts';
import { Greeting, type GreetingEnvironment } from './greeting.ts';
import type {
  AttachOptions,
  ConnectionInfo,
  DrainOptions,
  ListenOptions,
  PlainServerOptions,
  Server,
  ServerOptions,
} from './options.ts';
import { memoryJournal } from './journal.ts';
import { OnceMarks } from './once-marks.ts';
import { OnceRuns } from './once.ts';
import { createProcedureRunner } from './procedure.ts';
import { Roster, turnsOf } from './roster.ts';
import { Sessions } from './sessions.ts';
import { drainSettingsOf, settingsOf } from './settings.ts';
import type { InputOf, StandardSchemaV1 } from './standard-schema.ts';
import { createWsTransport } from './transport-ws.ts';

type CreateContext = ConstructorParameters<typeof Contexts>[2];

const DEFAULT_PATH = '/rpc';
/** Clients of a server that leaves come back spread over so long for each of them, in milliseconds. */
const SPREAD_PER_SESSION_MS = 2;
const SPREAD_MAX_MS = 10_000;
/** Time for clients to answer the goodbye, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;
/** How often deadlines of HTTP requests are looked at, in milliseconds, or more often if they are shorter. */
const HTTP_SWEEP_MS = 1_000;
/** A longer timeout would be over at once in Node, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Serves a tRPC router over persistent connections. It listens to nothing until `listen` or
 * `attach` is called.
 *
 * @throws a `RangeError` when an option is out of its range.
 */
export function createServer<
  R extends AnyTRPCRouter,
  P extends StandardSchemaV1 = StandardSchemaV1<unknown, unknown>,
>(options: ServerOptions<R, P>): Server<R, InputOf<P>> {
  // Where the router has no context, the type of the options has no such member.
  const { createContext } = options as { createContext?: CreateContext };
  return new OpenlineServer<R, InputOf<P>>(options, createContext);
}

class OpenlineServer<R extends AnyTRPCRouter, Params> implements Server<R, Params> {
  declare readonly '~types'?: { readonly router: R; readonly params: Params };
  readonly #origins: AdmissionRules['origins'];
  readonly #connectionsMax: number;
  readonly #handshakeTimeoutMs: number;
  readonly #errors: ErrorReporter;
  readonly #roster: Roster;
  readonly #greetings: GreetingEnvironment;
  readonly #sessions: Sessions;
  readonly #codecs: Codecs;
  readonly #transport: ReturnType<typeof createWsTransport>;
  readonly #detach: (() => void)[] = [];
  readonly #httpServers: HttpServer[] = [];
  #isClosed = false;

  constructor(options: PlainServerOptions<R, StandardSchemaV1>, createContext: CreateContext) {
    const { router, params, origins, onError, codecs, journal = memoryJournal() } = options;
    const { connectionsMax, keepAliveMs, handshakeTimeoutMs, limits, resume } = settingsOf(options);
    const errors = new ErrorReporter(router, onError);
    const runProcedure = createProcedureRunner(router);
    this.#origins = origins;
    this.#codecs = new Codecs(codecs);
    this.#transport = createWsTransport(this.#codecs, (...made) => this.#acceptUpgrade(...made));
    this.#connectionsMax = connectionsMax;
    this.#handshakeTimeoutMs = handshakeTimeoutMs;
    this.#errors = errors;
    const contexts = new Contexts(errors, params, createContext);
    const onceMarks = new OnceMarks(router);
    const onceRuns = new OnceRuns(journal, resume);
    const environment = {
      router,
      runProcedure,
      errors,
      contexts,
      onceMarks,
      onceRuns,
      codecs: this.#codecs,
      limits,
      handshakeTimeoutMs,
    };
    const node = randomBytes(8).toString('base64url');
    this.#sessions = new Sessions(node, environment, resume, turnsOf(keepAliveMs));
    this.#roster = new Roster(this.#sessions, { keepAliveMs, handshakeTimeoutMs });
    this.#greetings = {
      node,
      keepAliveMs,
      windowMs: resume.windowMs,
      journal: () => onceRuns.epoch,
      limits,
      contexts,
      claim: (hello, codec) => this.#sessions.claim(hello, codec, performance.now()),
      onClosed: (greeting) => this.#roster.removeConnection(greeting),
    };
  }

  async listen(where: number | ListenOptions = {}): Promise<{ url: string; port: number }> {
    const { port, host, path = DEFAULT_PATH } = typeof where === 'number' ? { port: where } : where;
    const httpServer = createEndpoint(path, this.#handshakeTimeoutMs);
    await new Promise<void>((resolve, reject) => {
      httpServer.once('error', reject);
      httpServer.listen(port ?? 0, host ?? (port === undefined ? '127.0.0.1' : undefined), () => {
        httpServer.off('error', reject);
        // One connection that cannot be taken is no reason to die.
        httpServer.on('error', (error) => this.#errors.reportFault(error));
        resolve();
      });
    });
    this.#httpServers.push(httpServer);
    this.attach(httpServer, { path });
    const address = httpServer.address() as AddressInfo;
    const name = host ?? (port === undefined ? '127.0.0.1' : 'localhost');
    const hostname = name.includes(':') ? `[${name}]` : name;
    return { url: `ws://${hostname}:${address.port}${path}`, port: address.port };
  }

  attach(httpServer: HttpServer, { path = DEFAULT_PATH }: AttachOptions = {}): void {
    const rules = { path, origins: this.#origins };
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      // Somebody else may serve the other paths.
      if (pathOf(request) !== path && httpServer.listenerCount('upgrade') > 1) return;
      const refusal = refusalOf(request, rules) ?? this.#refusalByLoad();
      if (refusal !== undefined) return refuseUpgrade(socket, refusal);
      try {
        this.#transport.upgrade(request, socket, head);
      } catch (fault) {
        this.#errors.reportFault(fault); // Another listener has taken the socket.
      }
    };
    httpServer.on('upgrade', onUpgrade);
    this.#detach.push(() => httpServer.off('upgrade', onUpgrade));
  }

  accept(connection: Connection): ConnectionHandler {
    const info = { transport: 'memory', remoteAddress: '', request: undefined } as const;
    const greeting = this.#greet(connection, info);
    if (this.#isClosed) greeting.leave();
    return greeting;
  }

  async drain(options: DrainOptions = {}): Promise<void> {
    const { timeoutMs, spreadMs = this.#spreadMs(timeoutMs / 2) } = drainSettingsOf(options);
    this.#sessions.drain(spreadMs);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(timeoutMs, TIMER_MS_MAX));
    });
    await Promise.race([this.#sessions.untilEmpty(), deadline]);
    clearTimeout(timer);
    await this.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const detach of this.#detach.splice(0)) detach();
    const spreadMs = this.#spreadMs(SPREAD_MAX_MS);
    for (const session of this.#sessions.all) session.leave(spreadMs);
    for (const greeting of this.#roster.connections) greeting.leave();
    const grace = setTimeout(() => {
      for (const greeting of this.#roster.connections) greeting.abandon();
    }, CLOSE_GRACE_MS);
    await Promise.all([
      this.#roster.untilEmpty(),
      ...this.#httpServers.splice(0).map(closeHttpServer),
    ]);
    clearTimeout(grace);
  }

  #spreadMs(maxMs: number): number {
    return Math.ceil(Math.min(this.#sessions.size * SPREAD_PER_SESSION_MS, maxMs));
  }

  #refusalByLoad(): Refusal | undefined {
    if (!this.#isClosed && this.#roster.connections.size < this.#connectionsMax) return undefined;
    return { status: 503, message: 'The server takes no more connections now.' };
  }

  #acceptUpgrade(
    connection: Connection,
    request: IncomingMessage,
    subprotocol: string,
  ): ConnectionHandler {
    const remoteAddress = request.socket.remoteAddress ?? '';
    const codec = subprotocol === '' ? this.#codecs.default : this.#codecs.get(subprotocol);
    const info = { transport: 'ws', remoteAddress, request } as const;
    const greeting = this.#greet(connection, info, codec);
    if (codec === undefined) greeting.refuse(this.#codecs.refusal);
    return greeting;
  }

  #greet(
    connection: Connection,
    info: ConnectionInfo,
    codec: Codec = this.#codecs.default,
  ): Greeting {
    const greeting = new Greeting(connection, info, codec, this.#greetings, performance.now());
    this.#roster.addConnection(greeting);
    return greeting;
  }
}

/** An HTTP server for upgrades alone. Who says nothing is dropped as soon as one who was upgraded. */
function createEndpoint(path: string, timeoutMs: number): HttpServer {
  const requestTimeout = Math.min(Math.ceil(timeoutMs), TIMER_MS_MAX);
  const connectionsCheckingInterval = Math.min(requestTimeout, HTTP_SWEEP_MS);
  const options = { requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval };
  return createHttpServer(options, (request, response) => {
    const isOurs = pathOf(request) === path;
    response.writeHead(isOurs ? 426 : 404, isOurs ? { Upgrade: 'websocket' } : {});
    response.end(isOurs ? 'This is a WebSocket endpoint.\n' : 'Nothing is served at this path.\n');
  });
}

function refuseUpgrade(socket: Duplex, { status, message }: Refusal): void {
  // A peer that is gone before it reads this is nobody's concern.
  socket.on('error', () => socket.destroy());
  // It need not close its own side, and nothing is to be heard from it.
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      (status === 405 ? 'Allow: GET\r\n' : '') +
      'Connection: close\r\nContent-Type: text/plain\r\n' +
      `Content-Length: ${Buffer.byteLength(message) + 1}\r\n\r\n${message}\n`,
  );
}

function closeHttpServer(httpServer: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    httpServer.close(() => resolve());
    // Those that have not said what they want would be waited for.
    httpServer.closeAllConnections();
  });
}
