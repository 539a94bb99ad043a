import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { initTRPC } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { lineError, openLine } from '@openline/client';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import {
  begin,
  closing,
  failureOf,
  helloOf,
  openTo,
  RawServer,
  statesOf,
  TAG,
  until,
  type WireFrame,
  WORDS,
} from './client-support.ts';

const t = initTRPC.create();
const router = t.router({
  a: t.procedure.query(() => 1),
  save: t.procedure.mutation(() => 1),
});
type Router = typeof router;

/** Listens on a free port of loopback until the test is finished. */
async function addressOf(server: TcpServer | HttpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
}

/** A WebSocket server that takes any subprotocol. */
async function webSocketServer(): Promise<{ url: string; server: WebSocketServer }> {
  const httpServer = createHttpServer();
  const server = new WebSocketServer({ server: httpServer });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
  });
  return { url: await addressOf(httpServer), server };
}

/** What a line makes of such an address at its second attempt: it goes on, and its calls wait. */
async function verdictOn(url: string): Promise<string> {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const line = closing(openLine<Router>({ url }));
  const call = failureOf(line.client().a.query());
  const { error } = await until(line, 'waiting', ({ attempt }) => attempt === 2);
  expect(error).toMatchObject({ code: 'OFFLINE', outcome: 'not-executed' });
  await line.close();
  expect(lineError(await call)).toMatchObject({ code: 'CLOSED', outcome: 'not-executed' });
  return error.message;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('case 11: a line whose address is that of', () => {
  it('a server that says back what it is told, finds out, and executes nothing', async () => {
    const { url, server } = await webSocketServer();
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => socket.send(data.toString()));
    });
    expect(await verdictOn(url)).toMatch(/not that of an Openline server|cannot be read/);
  });

  it('a stock tRPC server, finds out, and executes nothing', async () => {
    const { url, server } = await webSocketServer();
    let runs = 0;
    const stock = t.router({ a: t.procedure.query(() => ++runs) });
    applyWSSHandler({ wss: server, router: stock });
    expect(await verdictOn(url)).toMatch(/not that of an Openline server|cannot be read/);
    expect(runs).toBe(0);
  });

  it.each([
    { name: 'text that is not JSON', answer: 'hello' },
    {
      name: 'JSON that is no frame',
      answer: '{"a":1}',
    },
    { name: 'bytes', answer: Buffer.from([1, 2, 3]) },
    {
      name: 'nothing in a message',
      answer: '[]',
    },
    {
      name: 'a welcome of another version',
      answer: '[[2,2,{}]]',
    },
    { name: 'half a welcome', answer: '[[2,1,{}]]' },
    {
      name: 'a reject that does not say what may follow',
      answer: '[[3,1,{"code":"REJECTED","retry":"toString"}]]',
    },
    {
      name: 'a result before a welcome',
      answer: '[[33,1,"result"]]',
    },
    {
      name: 'a welcome and more in one message',
      answer: '[[2,1,{}],[33,1,"result"]]',
    },
  ])('a server that first says $name, finds out', async ({ answer }) => {
    const { url, server } = await webSocketServer();
    server.on('connection', (socket) => socket.send(answer));
    expect(await verdictOn(url)).toMatch(/not that of an Openline server|cannot be read/);
  });

  it.each([401, 403, 404, 503])(
    'an HTTP server that refuses the upgrade with %d, tries again later',
    async (status) => {
      const server = createHttpServer();
      server.on('upgrade', (_, socket) => {
        socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      });
      expect(await verdictOn(await addressOf(server))).toBe('no connection (1006)');
    },
  );

  it('an HTTP server that knows no upgrades, tries again later', async () => {
    const server = createHttpServer((_, response) => response.end('<h1>hello</h1>'));
    expect(await verdictOn(await addressOf(server))).toBe('no connection (1006)');
  });

  it('something that is no HTTP server at all, tries again later', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.end('220 mail.example ESMTP\r\n');
    });
    expect(await verdictOn(await addressOf(server))).toBe('no connection (1006)');
  });

  it('something that hangs up at once, tries again later', async () => {
    const server = createTcpServer((socket) => socket.destroy());
    expect(await verdictOn(await addressOf(server))).toBe('no connection (1006)');
  });

  it('a server that closes in the middle of the handshake, says what it said', async () => {
    const { url, server } = await webSocketServer();
    server.on('connection', (socket) => socket.close(4999, 'not now'));
    expect(await verdictOn(url)).toBe('not now');
  });
});

describe('a line whose server breaks the protocol once it is open', () => {
  it.each<{ readonly name: string; readonly message: string | Buffer | readonly WireFrame[] }>([
    { name: 'text that is not JSON', message: 'hello' },
    { name: 'JSON that is no frame', message: '{}' },
    { name: 'bytes that are no piece', message: Buffer.from([1, 2, 3]) },
    { name: 'an answer to no call', message: [[TAG.result, 99, 1]] },
    { name: 'an answer to a call of its own', message: [[TAG.result, 2, 1]] },
    { name: 'a second welcome', message: [[TAG.welcome, 1, {}]] },
    { name: 'an id that is a name', message: [[TAG.result, '__proto__', 1]] },
    { name: 'an acknowledgement of what was not sent', message: [[7, 99]] },
  ])('by $name, ends its session, and the calls in it have an honest end', async ({ message }) => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const peer = await openTo(server, line);
    const call = failureOf(line.client().save.mutate());
    await peer.messages.next();
    if (typeof message === 'string' || Buffer.isBuffer(message)) peer.webSocket.send(message);
    else peer.send(...message);
    expect(lineError(await call)).toMatchObject({ code: 'SESSION_LOST', outcome: 'unknown' });
    expect(await peer.closed).toBeGreaterThanOrEqual(4_300);
  });

  it('case 8: by a frame that this side does not know, goes on', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const peer = await openTo(server, line);
    const call = line.client().a.query();
    await peer.messages.next();
    peer.send([31, 'uncounted'], [99, 'counted'], [TAG.result, 1, 'answer', 'and more']);
    expect(await call).toBe('answer');
  });

  it('case 8: by a frame of a call that this side does not know, ends that call alone', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const peer = await openTo(server, line);
    const calls = [1, 2].map(() => line.client().a.query().catch(lineError));
    await peer.messages.next();
    peer.send([99, 1], [TAG.result, 3, 'answer']);
    expect(await Promise.all(calls)).toEqual([
      {
        code: 'UNSUPPORTED',
        outcome: 'unknown',
        message: WORDS,
      },
      'answer',
    ]);
  });

  it('by a call to the client, which has said that it takes none, ends its session', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const opened = line.open();
    const peer = await server.peers.next();
    expect(await peer.welcome()).toMatchObject([1, 1, { limits: { callsMax: 0 } }]);
    await opened;
    const call = failureOf(line.client().save.mutate());
    await peer.messages.next();
    peer.send([TAG.call, 2, 0, 'a', 0]);
    expect(lineError(await call)).toEqual({ code: 'LIMIT', outcome: 'unknown', message: WORDS });
    expect(await peer.closed).toBe(4_313);
  });

  it('by more received than was sent, as it resumes, ends its session', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const peer = await openTo(server, line);
    const call = failureOf(line.client().save.mutate());
    await peer.messages.next();
    peer.webSocket.terminate();
    const next = await server.peers.next();
    const { sessionId } = helloOf(await next.welcome({ received: 2 }));
    expect(lineError(await call)).toMatchObject({ code: 'SESSION_LOST', outcome: 'unknown' });
    await next.closed;
    const last = helloOf(await (await server.peers.next()).welcome());
    expect(last.attempt).toBe(1);
    expect(last.sessionId).not.toBe(sessionId);
    expect((await until(line, 'open')).sessionId).toBe(last.sessionId);
  });

  it('by frames that it has skipped, as it resumes, ends its session', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const peer = await openTo(server, line);
    const call = failureOf(line.client().save.mutate());
    await peer.messages.next();
    peer.webSocket.terminate();
    const next = await server.peers.next();
    await next.welcome({ received: 1, next: 2 });
    expect(lineError(await call)).toMatchObject({ code: 'SESSION_LOST', outcome: 'unknown' });
    await next.closed;
  });

  it('is left for good where it speaks rubbish, and comes back only when it is told to', async () => {
    const server = await RawServer.listen();
    const line = closing(openLine<Router>({ url: server.url }));
    const states = statesOf(line);
    (await openTo(server, line)).webSocket.send('rubbish');
    const { error } = await until(line, 'closed');
    expect(error).toEqual({
      code: 'REJECTED',
      outcome: 'not-executed',
      message: WORDS,
    });
    begin(line);
    await openTo(server, line);
    expect(states.map(({ status }) => status)).toEqual([
      'idle',
      'connecting',
      'open',
      'closed',
      'connecting',
      'open',
    ]);
  });
});
