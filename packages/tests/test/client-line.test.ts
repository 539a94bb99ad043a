import { initTRPC } from '@trpc/server';
import { lineError, openLine, outcomeOf, type LineState } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  begin,
  closing,
  deferred,
  failureOf,
  freePort,
  listen,
  openTo,
  RawServer,
  settled,
  statesOf,
  TAG,
  until,
  WORDS,
} from './client-support.ts';

const t = initTRPC.create();
const router = t.router({
  double: t.procedure.input((input) => input as number).query(({ input }) => input * 2),
});
type Router = typeof router;

const SESSION_ID: unknown = expect.stringMatching(/^[\w-]{22,}$/);

/** Compares statuses alone. */
const statusesOf = (states: readonly LineState[]): readonly string[] =>
  states.map(({ status }) => status);

afterEach(() => {
  vi.useRealTimers();
});

describe('a line', () => {
  describe('that nothing was asked of', () => {
    it('is idle and connects to nothing', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine({ url: server.url }));
      line.client<Router>();
      await settled();
      expect(line.state.get()).toEqual({ status: 'idle' });
      expect(server.peers.length).toBe(0);
    });

    it('opens at the first call', async () => {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      const states = statesOf(line);
      expect(await line.client().double.query(4)).toBe(8);
      expect(states).toEqual([
        { status: 'idle' },
        { status: 'connecting', attempt: 1 },
        { status: 'open', sessionId: SESSION_ID, resumed: 0 },
      ]);
    });

    it('opens when it is told to, and the first call finds it open', async () => {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      const states = statesOf(line);
      await line.open();
      expect(line.state.get()).toEqual({ status: 'open', sessionId: SESSION_ID, resumed: 0 });
      expect(await line.client().double.query(4)).toBe(8);
      expect(statusesOf(states)).toEqual(['idle', 'connecting', 'open']);
    });

    it('makes one connection, however often it is told to open', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine({ url: server.url }));
      const opened = line.open();
      await openTo(server, line);
      await opened;
      await line.open();
      expect(server.peers.length).toBe(0);
    });
  });

  describe('that is open', () => {
    it('has a session of which the server knows the id', async () => {
      const ids: string[] = [];
      const server = createServer({
        router: initTRPC.context<object>().create().router({}),
        createContext: ({ session }) => {
          ids.push(session.id);
          return {};
        },
      });
      const line = closing(openLine({ url: (await listen(server)).url }));
      await line.open();
      expect(line.state.get()).toEqual({ status: 'open', sessionId: ids[0], resumed: 0 });
    });

    it('keeps its snapshot of the state until the state changes', async () => {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      const { get } = line.state;
      expect(get()).toBe(get());
      await line.open();
      const open = get();
      await line.client().double.query(1);
      expect(get()).toBe(open);
    });

    it('sends the calls of a tick in one message, and those of the next in another', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine({ url: server.url }));
      const api = line.client<Router>();
      const peer = await openTo(server, line);

      const answers = [1, 2, 3].map((n) => api.double.query(n));
      await Promise.resolve();
      answers.push(api.double.query(4));
      const messages = await peer.messages.take(2);
      const call = (id: number, input: number) => [
        TAG.call,
        id,
        0,
        'double',
        { timeout: 30_000 },
        input,
      ];
      expect(messages).toEqual([[call(1, 1), call(3, 2), call(5, 3)], [call(7, 4)]]);

      peer.send(
        [TAG.result, 1, 'a'],
        [TAG.result, 3, 'b'],
        [TAG.result, 5, 'c'],
        [TAG.result, 7, 'd'],
      );
      expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd']);
    });

    it('sends what waited for it in one message', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine({ url: server.url }));
      const api = line.client<Router>();
      const answers = [api.double.query(1)];
      const peer = await server.peers.next();
      answers.push(api.double.query(2));
      await peer.welcome();
      expect((await peer.messages.next()).map((frame) => frame[5])).toEqual([1, 2]);
      peer.send([TAG.result, 1, 'a'], [TAG.result, 3, 'b']);
      expect(await Promise.all(answers)).toEqual(['a', 'b']);
    });

    it('waits for no timer, neither to connect nor to call', async () => {
      const { url } = await listen(createServer({ router }));
      vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate'] });
      const line = closing(openLine<Router>({ url }));
      const api = line.client();
      expect(await api.double.query(1)).toBe(2);
      expect(await Promise.all([api.double.query(2), api.double.query(3)])).toEqual([4, 6]);
      await line.close();
    });
  });

  describe('that is closed', () => {
    it('ends calls at once, as not executed', async () => {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      await line.open();
      await line.close();
      const error = await failureOf(line.client().double.query(1));
      expect([lineError(error), outcomeOf(error)]).toEqual([
        { code: 'CLOSED', outcome: 'not-executed', message: WORDS },
        'not-executed',
      ]);
      expect(line.state.get()).toEqual({ status: 'closed', error: null });
    });

    it('opens again when it is told to, in another session', async () => {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      const states = statesOf(line);
      await line.open();
      await line.close();
      await line.open();
      expect(await line.client().double.query(4)).toBe(8);
      expect(states).toEqual([
        { status: 'idle' },
        { status: 'connecting', attempt: 1 },
        { status: 'open', sessionId: SESSION_ID, resumed: 0 },
        { status: 'closed', error: null },
        { status: 'connecting', attempt: 1 },
        { status: 'open', sessionId: SESSION_ID, resumed: 0 },
      ]);
      expect(states[5]).not.toEqual(states[2]);
    });

    it('opens again before the server has answered the goodbye', async () => {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      await line.open();
      const closed = line.close();
      await line.open();
      await closed;
      expect(await line.client().double.query(4)).toBe(8);
    });
  });

  describe('told to close', () => {
    it.each(['once', 'twice'])(
      '%s, says goodbye to the server before it is done',
      async (times) => {
        const server = await RawServer.listen();
        const line = closing(openLine({ url: server.url }));
        const peer = await openTo(server, line);
        if (times === 'twice') void line.close();
        await line.close();
        expect(await peer.closed).toBe(1000);
      },
    );

    it('writes first what was said in the same tick, and owns up to it', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine({ url: server.url }));
      const peer = await openTo(server, line);
      const call = failureOf(line.client<Router>().double.query(1));
      await line.close();
      expect((await peer.messages.next()).map(([tag]) => tag)).toEqual([TAG.call]);
      expect(lineError(await call)).toMatchObject({ code: 'CLOSED', outcome: 'unknown' });
    });

    it('is done after a second although the server does not answer', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine({ url: server.url }));
      const peer = await openTo(server, line);
      peer.webSocket.pause();
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      let isDone = false;
      const closed = line.close().then(() => (isDone = true));
      vi.advanceTimersByTime(999);
      await settled();
      expect(isDone).toBe(false);
      vi.advanceTimersByTime(1);
      expect(await closed).toBe(true);
    });

    it('while it is idle, is closed', async () => {
      const line = openLine({ url: 'ws://127.0.0.1:1/' });
      const states = statesOf(line);
      await line.close();
      expect(states).toEqual([{ status: 'idle' }, { status: 'closed', error: null }]);
    });

    describe('while it connects', () => {
      const CLOSED = { code: 'CLOSED', outcome: 'not-executed', message: WORDS };

      /** Makes a call, closes the line once `stage` is reached, and gives what became of both. */
      async function closeAt(
        line: ReturnType<typeof openLine<Router>>,
        stage: Promise<unknown>,
      ): Promise<{ states: readonly LineState[]; call: unknown; open: unknown }> {
        const states = statesOf(line);
        const call = failureOf(line.client().double.query(1));
        const open = failureOf(line.open());
        await stage;
        await line.close();
        return { states, call: lineError(await call), open: lineError(await open) };
      }
      const expected = {
        states: [
          { status: 'idle' },
          { status: 'connecting', attempt: 1 },
          { status: 'closed', error: null },
        ],
        call: CLOSED,
        open: CLOSED,
      };

      it('and the address is not there yet, does not connect when it comes', async () => {
        const server = await RawServer.listen();
        const { promise, resolve } = deferred<string>();
        let asked = 0;
        const params = (): void => void asked++;
        const line = openLine<Router>({ url: () => promise, params });
        expect(await closeAt(line, Promise.resolve())).toEqual(expected);
        resolve(server.url);
        await settled();
        expect([asked, server.peers.length, line.state.get().status]).toEqual([0, 0, 'closed']);
      });

      it('and the params are not there yet, does not connect when they come', async () => {
        const server = await RawServer.listen();
        const { promise, resolve } = deferred<object>();
        const line = openLine<Router>({ url: server.url, params: () => promise });
        expect(await closeAt(line, Promise.resolve())).toEqual(expected);
        resolve({});
        await settled();
        expect([server.peers.length, line.state.get().status]).toEqual([0, 'closed']);
      });

      it('and the connection is not made yet, gives it up', async () => {
        const server = await RawServer.listen();
        const line = openLine<Router>({ url: server.url });
        expect(await closeAt(line, Promise.resolve())).toEqual(expected);
      });

      it('and the server has not answered yet, gives the connection up', async () => {
        const server = await RawServer.listen();
        const line = openLine<Router>({ url: server.url });
        const peer = server.peers.next();
        expect(await closeAt(line, peer)).toEqual(expected);
        expect(await (await peer).closed).toBe(1006);
      });

      it('and opens again, does not mix up its new session with what comes late', async () => {
        const server = await RawServer.listen();
        const late = deferred<object>();
        let asked = 0;
        const params = (): object | Promise<object> => (++asked === 1 ? late.promise : {});
        const line = closing(openLine<Router>({ url: server.url, params }));
        await closeAt(line, Promise.resolve());
        const opened = line.open();
        const peer = await server.peers.next();
        late.resolve({});
        await settled();
        const [, , hello] = await peer.welcome();
        await opened;
        const { sessionId } = hello as { readonly sessionId: string };
        expect(line.state.get()).toEqual({ status: 'open', sessionId, resumed: 0 });
      });
    });

    it('while it waits for its next attempt, makes none', async () => {
      const line = openLine<Router>({ url: `ws://127.0.0.1:${await freePort()}/` });
      const states = statesOf(line);
      const call = failureOf(line.client().double.query(1));
      await until(line, 'waiting');
      await line.close();
      expect(lineError(await call)).toMatchObject({ code: 'CLOSED', outcome: 'not-executed' });
      expect(statusesOf(states)).toEqual(['idle', 'connecting', 'waiting', 'closed']);
    });

    it.each([
      { status: 'connecting', outcome: 'not-executed' },
      { status: 'waiting', outcome: 'not-executed' },
      { status: 'open', outcome: 'unknown' },
    ])(
      'by a listener as it becomes $status, leaves no call behind',
      async ({ status, outcome }) => {
        const { port } = await listen(createServer({ router }));
        const goodPort = status === 'waiting' ? await freePort() : port;
        const line = closing(openLine<Router>({ url: `ws://127.0.0.1:${goodPort}/rpc` }));
        line.state.subscribe((state) => {
          if (state.status === status) void line.close();
        });
        const error = await failureOf(line.client().double.query(1));
        expect(lineError(error)).toEqual({
          code: 'CLOSED',
          outcome,
          message: WORDS,
        });
      },
    );
  });

  describe('that is given a class to connect with', () => {
    it('uses it, and names the codec as the subprotocol', async () => {
      const { url } = await listen(createServer({ router }));
      const made: unknown[] = [];
      class Own extends WebSocket {
        constructor(address: string, protocols: string[]) {
          super(address, protocols);
          made.push(address, protocols);
        }
      }
      const line = closing(openLine<Router>({ url, WebSocket: Own }));
      expect(await line.client().double.query(4)).toBe(8);
      expect(made).toEqual([url, ['openline.v1.json']]);
    });

    it('needs nothing of it but what browsers have', async () => {
      const server = await RawServer.listen();
      class Browser extends WebSocket {
        override terminate = undefined as never;
      }
      const line = closing(openLine<Router>({ url: server.url, WebSocket: Browser }));
      const peer = await openTo(server, line);
      const call = line.client().double.query(4);
      await peer.messages.next();
      peer.send([TAG.result, 1, 8]);
      expect(await call).toBe(8);
      await line.close();
      expect(await peer.closed).toBe(1000);

      const opened = failureOf(line.open());
      const next = await server.peers.next();
      await line.close();
      expect(lineError(await opened)).toMatchObject({ code: 'CLOSED' });
      await next.closed;
    });

    it('waits for its next attempt where it throws', async () => {
      class Broken extends EventTarget {
        constructor() {
          super();
          throw new DOMException('not from a secure page', 'SecurityError');
        }
      }
      const line = closing(openLine<Router>({ url: 'ws://localhost/', WebSocket: Broken }));
      begin(line);
      expect((await until(line, 'waiting')).error).toEqual({
        code: 'OFFLINE',
        outcome: 'not-executed',
        message: 'not from a secure page',
      });
    });
  });

  describe('that is given what it cannot use', () => {
    it.each([
      { timeoutMs: 0 },
      { timeoutMs: -1 },
      { timeoutMs: NaN },
      { queueCallsMax: 0 },
      { queueBytesMax: -1 },
    ])('refuses %o', (options) => {
      const [name] = Object.keys(options);
      expect(() => openLine(options)).toThrow(new RangeError(`${name} is above zero`));
    });

    it('ends calls at once where its address can be none', async () => {
      const line = openLine<Router>({ url: '/rpc' });
      const states = statesOf(line);
      const message: unknown = expect.stringContaining('"/rpc"');
      const error = { code: 'OFFLINE', outcome: 'not-executed', message };
      expect(lineError(await failureOf(line.client().double.query(1)))).toEqual(error);
      expect(lineError(await failureOf(line.open()))).toEqual(error);
      expect(states).toEqual([
        { status: 'idle' },
        { status: 'closed', error },
        { status: 'closed', error },
      ]);
    });
  });
});
