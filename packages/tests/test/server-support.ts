import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openLine, type Line } from '@openline/client';
import type { Server } from '@openline/server';
import { expect, onTestFinished, vi, type TestContext } from 'vitest';
import { WebSocket } from 'ws';

/** Both ways in which a server runs procedures: each behaviour is the same on either. */
export const RUNNER_PATHS = ['the quick path', 'the public path'] as const;
export type RunnerPath = (typeof RUNNER_PATHS)[number];

/**
 * Sees to it that procedures made with this builder are run on a path. A definition with a member
 * that the quick path has never seen is left to tRPC's public function.
 */
export function runBy<T extends { readonly procedure: { readonly _def: object } }>(
  path: RunnerPath,
  t: T,
): T {
  if (path === 'the public path') Object.assign(t.procedure._def, { ofAnotherTrpc: true });
  return t;
}

/** The path by which the procedure that asks is run, told by who called it. */
export function pathTaken(): RunnerPath {
  return new Error().stack?.includes('quick-path') === true ? 'the quick path' : 'the public path';
}

export interface Served {
  readonly url: string;
  readonly port: number;
  readonly httpServer: HttpServer;
}

/** Serves at a free port of loopback while the test runs. Afterwards no connection may be left. */
export async function serve(server: Server): Promise<Served> {
  const httpServer = await listening(createHttpServer());
  server.attach(httpServer);
  onTestFinished(() => server.close());
  const { port } = httpServer.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/rpc`, port, httpServer };
}

/** A plain HTTP server at a free port of loopback while the test runs. */
export async function listening(httpServer: HttpServer): Promise<HttpServer> {
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  onTestFinished(async () => {
    httpServer.close();
    await once(httpServer, 'close');
  });
  return httpServer;
}

export interface Connected<S extends Server> extends Served {
  readonly line: Line<S>;
  /** Cuts the line's connection, as a network does that is lost. */
  readonly cut: () => void;
}

/** Serves, and makes a line to it that is closed when the test is over. */
export async function connect<S extends Server>(server: S): Promise<Connected<S>> {
  const served = await serve(server);
  return { ...served, ...lineTo<S>(served.url) };
}

export function lineTo<S extends Server>(
  url: string,
  params?: unknown,
): { readonly line: Line<S>; readonly cut: () => void } {
  const sockets: WebSocket[] = [];
  class CuttableWebSocket extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const options = { url, params, WebSocket: CuttableWebSocket };
  const line = openLine<S>(...([options] as unknown as Parameters<typeof openLine<S>>));
  onTestFinished(() => line.close());
  return {
    line,
    cut: () => {
      for (const socket of sockets.splice(0)) socket.terminate();
    },
  };
}

/** A promise, and what settles it. */
export class Gate<T = void> {
  readonly promise: Promise<T>;
  open!: (value: T) => void;

  constructor() {
    this.promise = new Promise((resolve) => (this.open = resolve));
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) throw new TypeError('there is no signal');
  return signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Waits until the check passes: long, since a machine may have other things to do. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { interval: 5, timeout: 15_000 });
}

/** What a promise is rejected with. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`It did not fail, but gave ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

/** What callbacks of a subscription are told, in order. */
export class Follower<T> {
  readonly log: (T | 'started' | 'complete' | { readonly error: unknown })[] = [];
  readonly callbacks = {
    onStarted: (): void => void this.log.push('started'),
    onData: (data: T): void => void this.log.push(data),
    onComplete: (): void => void this.log.push('complete'),
    onError: (error: unknown): void => void this.log.push({ error }),
  };
}

/** For `beforeEach`: after the test and all that it has undone behind it, no socket is left. */
export function leaveNoSocket({ onTestFinished: atEnd }: TestContext): void {
  atEnd(() =>
    eventually(() => {
      const sockets = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
      expect(sockets).toEqual([]);
    }),
  );
}
