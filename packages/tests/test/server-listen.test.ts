import { createServer as createHttpServer, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { Server as TcpServer, type AddressInfo } from 'node:net';
import { lineError, outcomeOf } from '@openline/client';
import { createServer, type ErrorReport } from '@openline/server';
import { initTRPC } from '@trpc/server';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { RawClient, RawSocket, upgradeRequest } from './server-raw.ts';
import {
  aborted,
  connect,
  eventually,
  failureOf,
  Follower,
  Gate,
  leaveNoSocket,
  lineTo,
  listening,
} from './server-support.ts';

beforeEach(leaveNoSocket);

const t = initTRPC.create();
const router = t.router({ greet: t.procedure.query(() => 'hello') });

function makeServer() {
  const server = createServer({ router });
  onTestFinished(() => server.close());
  return server;
}

/** Calls once. The line is closed again: it would come back to whoever listens there next. */
async function greetingAt(url: string): Promise<string> {
  const { line } = lineTo<ReturnType<typeof makeServer>>(url);
  const greeting = await line.client().greet.query();
  await line.close();
  return greeting;
}

describe('a server that listens', () => {
  it('takes a free port of loopback where none is given', async () => {
    const [first, second] = [makeServer(), makeServer()];
    const { url, port } = await first.listen();
    const other = await second.listen({});
    expect(url).toBe(`ws://127.0.0.1:${port}/rpc`);
    expect(other.port).not.toBe(port);
    expect(await greetingAt(url)).toBe('hello');
    expect(await greetingAt(other.url)).toBe('hello');
  });

  it('takes the port that is given, on every address', async () => {
    const port = await freePort();
    const server = makeServer();
    expect(await server.listen(port)).toEqual({ url: `ws://localhost:${port}/rpc`, port });
    expect(await greetingAt(`ws://127.0.0.1:${port}/rpc`)).toBe('hello');
    expect(await greetingAt(`ws://localhost:${port}/rpc`)).toBe('hello');
  });

  it('takes the host and path that are given', async () => {
    const { url, port } = await makeServer().listen({ host: 'localhost', path: '/my/line' });
    expect(url).toBe(`ws://localhost:${port}/my/line`);
    expect(await greetingAt(url)).toBe('hello');
  });

  it('names an address of IPv6 as an address of the web does', async () => {
    const { url, port } = await makeServer().listen({ host: '::1' });
    expect(url).toBe(`ws://[::1]:${port}/rpc`);
    expect(await greetingAt(url)).toBe('hello');
  });

  it('listens at as many places as it is asked to', async () => {
    const server = makeServer();
    const places = [await server.listen(), await server.listen({ path: '/other' })];
    expect(await Promise.all(places.map(({ url }) => greetingAt(url)))).toEqual(['hello', 'hello']);
  });

  it('says which port is taken, and can be asked to take another', async () => {
    const { port } = await makeServer().listen();
    const server = makeServer();
    const error = await failureOf(server.listen({ port, host: '127.0.0.1' }));
    expect(error).toMatchObject({ code: 'EADDRINUSE', port });
    expect((error as Error).message).toBe(
      `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    );
    expect(await greetingAt((await server.listen()).url)).toBe('hello');
  });

  it.each([
    { what: 'nothing', text: '' },
    { what: 'half a request to upgrade', text: upgradeRequest({ Host: 'localhost' }).slice(0, 50) },
  ])('drops who has said $what in the time for a handshake', async ({ text }) => {
    const server = createServer({ router, handshakeTimeoutMs: 100 });
    onTestFinished(() => server.close());
    const { port } = await server.listen();
    const raw = new RawSocket(port);
    raw.socket.write(text);
    expect(await raw.status()).toBe(408);
    await raw.closed;
  });

  it('outlives an error of its HTTP server', async () => {
    const reports: ErrorReport[] = [];
    const server = createServer({ router, onError: (report) => reports.push(report) });
    onTestFinished(() => server.close());
    const { url, port } = await server.listen();
    const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): object[] };
    const listener = handles().find(
      (it): it is TcpServer => it instanceof TcpServer && portOf(it) === port,
    );
    const error = new Error('accept ENFILE');
    listener!.emit('error', error);
    expect(reports.map((report) => report.error.cause)).toEqual([error]);
    expect(await greetingAt(url)).toBe('hello');
  });

  it.each([
    { path: '/rpc', status: 426, text: 'This is a WebSocket endpoint.\n', upgrade: 'websocket' },
    {
      path: '/rpc?a=1',
      status: 426,
      text: 'This is a WebSocket endpoint.\n',
      upgrade: 'websocket',
    },
    { path: '/', status: 404, text: 'Nothing is served at this path.\n', upgrade: undefined },
    { path: '/rpc/', status: 404, text: 'Nothing is served at this path.\n', upgrade: undefined },
  ])('answers plain HTTP at $path with $status', async ({ path, ...expected }) => {
    const { port } = await makeServer().listen();
    expect(await httpAnswer(port, path)).toEqual(expected);
  });
});

describe('a server that is attached to the HTTP server of somebody else', () => {
  it('answers at /rpc, or where it is told to', async () => {
    const server = makeServer();
    const httpServer = await listening(createHttpServer());
    server.attach(httpServer);
    server.attach(httpServer, { path: '/second' });
    expect(await greetingAt(addressOf(httpServer, '/rpc'))).toBe('hello');
    expect(await greetingAt(addressOf(httpServer, '/second'))).toBe('hello');
  });

  it('leaves plain HTTP to it, also at its own path', async () => {
    const httpServer = await listening(
      createHttpServer((request, response) => response.end(`their ${request.url}`)),
    );
    makeServer().attach(httpServer);
    expect(await httpAnswer(portOf(httpServer), '/rpc')).toMatchObject({
      status: 200,
      text: 'their /rpc',
    });
  });

  it('leaves upgrades to other paths to whoever else listens for them', async () => {
    const echo = new WebSocketServer({ noServer: true });
    echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const httpServer = createHttpServer();
    httpServer.on('upgrade', (request, socket, head) => {
      if (request.url !== '/echo') return;
      echo.handleUpgrade(request, socket, head, (made) => echo.emit('connection', made));
    });
    await listening(httpServer);
    const server = makeServer();
    server.attach(httpServer);

    const socket = new WebSocket(addressOf(httpServer, '/echo'));
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    const answered = once(socket, 'message');
    socket.send('theirs');
    const [answer] = (await answered) as [Buffer];
    expect(answer.toString()).toBe('theirs');
    expect(await greetingAt(addressOf(httpServer, '/rpc'))).toBe('hello');

    await server.close();
    expect(httpServer.listening).toBe(true);
    expect(httpServer.listenerCount('upgrade')).toBe(1);
    expect(socket.readyState).toBe(socket.OPEN);
  });

  it('refuses upgrades to other paths where nobody else listens for them', async () => {
    const httpServer = await listening(createHttpServer());
    makeServer().attach(httpServer);
    const raw = new RawSocket(portOf(httpServer));
    raw.socket.write(upgradeRequest({ Host: 'localhost' }, { path: '/other' }));
    expect(await raw.status()).toBe(404);
    await raw.closed;
  });

  it('leaves an upgrade that somebody else has taken, and reports it', async () => {
    const httpServer = await listening(createHttpServer());
    const first = makeServer();
    first.attach(httpServer);
    const reports: ErrorReport[] = [];
    const second = createServer({ router, onError: (report) => reports.push(report) });
    onTestFinished(() => second.close());
    second.attach(httpServer);
    expect(await greetingAt(addressOf(httpServer, '/rpc'))).toBe('hello');
    expect(reports).toEqual([
      {
        error: expect.objectContaining({ code: 'INTERNAL_SERVER_ERROR' }),
        type: 'unknown',
        path: undefined,
        input: undefined,
        ctx: undefined,
        session: undefined,
      },
    ]);
    await first.close();
    expect(await greetingAt(addressOf(httpServer, '/rpc'))).toBe('hello');
  });
});

describe('a server that is closed', () => {
  it('ends the calls under way, and waits for nothing that they do', async () => {
    let runs = 0;
    const over = new Gate();
    const own = t.router({
      never: t.procedure.mutation(() => (runs++, new Promise<void>(() => {}))),
      stream: t.procedure.subscription(async function* ({ signal }) {
        try {
          yield 'first';
          await aborted(signal);
        } finally {
          over.open();
        }
      }),
    });
    const server = createServer({ router: own });
    const { line, httpServer } = await connect(server);
    const api = line.client();
    const call = failureOf(api.never.mutate());
    const follower = new Follower<string>();
    api.stream.subscribe(undefined, follower.callbacks);
    await eventually(() => expect(runs).toBe(1));
    await eventually(() => expect(follower.log).toEqual(['started', 'first']));
    await server.close();
    await over.promise;
    expect(line.state.get().status).not.toBe('closed');
    expect(follower.log).toEqual(['started', 'first']);
    // The next server is asked what became of them, and has no record.
    const next = createServer({ router: own });
    onTestFinished(() => next.close());
    next.attach(httpServer);
    const error = await call;
    expect([lineError(error)?.code, outcomeOf(error)]).toEqual(['SESSION_LOST', 'unknown']);
    await eventually(() => expect(follower.log).toEqual(['started', 'first', 'started', 'first']));
    expect(runs).toBe(1);
  });

  it('gives its port free, and its clients find the next server there', async () => {
    const first = makeServer();
    const { url, port } = await first.listen();
    const { line } = lineTo<typeof first>(url);
    const api = line.client();
    expect(await api.greet.query()).toBe('hello');
    await first.close();
    const call = api.greet.query();
    await makeServer().listen({ port, host: '127.0.0.1' });
    expect(await call).toBe('hello');
  });

  it('ends connections that were not admitted yet', async () => {
    const asked = new Gate();
    const server = createServer({
      router,
      createContext: () => (asked.open(), new Promise<object>(() => {})),
    });
    const { url } = await server.listen();
    const silent = await RawClient.connect(url);
    const { line } = lineTo<typeof server>(url);
    void line.open().catch(() => {});
    await asked.promise;
    await server.close();
    expect(await silent.closed).toEqual({ code: 4501, reason: 'the server leaves' });
    await line.close();
  });

  it('drops those who do not answer its goodbye', async () => {
    const server = makeServer();
    const { port } = await server.listen();
    const raw = await RawSocket.upgraded(port);
    raw.socket.pause();
    await server.close();
    raw.socket.resume();
    await raw.closed;
  });

  it.each([
    { what: 'says nothing', text: '' },
    { what: 'has said half a request', text: 'GET /rpc HTTP/1.1\r\nHost: local' },
    { what: 'keeps its connection for more requests', text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' },
  ])('does not wait for an HTTP client that $what', async ({ text }) => {
    const server = makeServer();
    const { port } = await server.listen();
    const raw = new RawSocket(port);
    await once(raw.socket, 'connect');
    raw.socket.write(text);
    await greetingAt(`ws://127.0.0.1:${port}/rpc`); // The server has taken both connections.
    await server.close();
    await raw.closed;
  });

  it('does not wait for one that it has refused and that does not leave', async () => {
    const server = makeServer();
    const { port } = await server.listen();
    const raw = new RawSocket(port, { allowHalfOpen: true });
    raw.socket.write(upgradeRequest({ Host: 'localhost' }, { path: '/wrong' }));
    expect(await raw.status()).toBe(404);
    await eventually(() => expect(raw.socket.readableEnded).toBe(true));
    await server.close();
    expect(raw.socket.writable).toBe(true);
  });

  it('can be closed again, and before it was ever opened', async () => {
    const server = createServer({ router });
    await server.close();
    await server.close();
    const other = makeServer();
    await other.listen();
    await Promise.all([other.close(), other.close()]);
  });
});

describe('a server', () => {
  it.each([
    { keepAliveMs: 99 },
    { keepAliveMs: 100.5 },
    { keepAliveMs: Number.NaN },
    { handshakeTimeoutMs: 0 },
    { handshakeTimeoutMs: -1 },
    { connectionsMax: 0 },
    { connectionsMax: '10' as unknown as number },
    { limits: { callsMax: 0 } },
    { limits: { callsMax: 1.5 } },
    { limits: { payloadBytesMax: 65_535 } },
    { limits: { backlogBytesMax: 65_535 } },
    { limits: { sessionBytesMax: Number.NaN } },
    { limits: { sessionBytesMax: 1_048_575 } },
  ])('is not made with %j', (options) => {
    expect(() => createServer({ router, ...options })).toThrow(RangeError);
  });

  it.each([
    { keepAliveMs: 100 },
    { handshakeTimeoutMs: 0.5e10 },
    { handshakeTimeoutMs: Infinity },
    { connectionsMax: Infinity },
    { connectionsMax: undefined, keepAliveMs: undefined, handshakeTimeoutMs: undefined },
    { limits: { callsMax: 1 } },
    { limits: { payloadBytesMax: 65_536, backlogBytesMax: 65_536, sessionBytesMax: 65_536 } },
  ])('is made with %j', async (options) => {
    const server = createServer({ router, ...options });
    onTestFinished(() => server.close());
    expect(await greetingAt((await server.listen()).url)).toBe('hello');
  });
});

function portOf(listener: { address(): unknown }): number {
  return (listener.address() as AddressInfo).port;
}

function addressOf(listener: { address(): unknown }, path: string): string {
  return `ws://127.0.0.1:${portOf(listener)}${path}`;
}

async function freePort(): Promise<number> {
  const server = new TcpServer().listen(0);
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function httpAnswer(port: number, path: string): Promise<object> {
  const request = get({ port, host: '127.0.0.1', path, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  return { status: response.statusCode, text, upgrade: response.headers.upgrade };
}
