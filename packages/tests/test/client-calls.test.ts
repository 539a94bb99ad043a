import { createTRPCClient, TRPCClientError } from '@trpc/client';
import { initTRPC, TRPCError, type TRPCDataTransformer } from '@trpc/server';
import { callOptions, isAnswered, lineError, openLine, outcomeOf } from '@openline/client';
import { createServer } from '@openline/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  begin,
  closing,
  deferred,
  failureOf,
  freePort,
  listen,
  openTo,
  type Peer,
  Queue,
  RawServer,
  settled,
  TAG,
  TcpProxy,
  until,
  WORDS,
} from './client-support.ts';

/** A router whose procedures tell when they run and when they are aborted. */
function createApp() {
  const started = new Queue<string>();
  const aborted = new Queue<string>();
  const gate = deferred<string>();
  const t = initTRPC.create({ isDev: false });
  const anything = t.procedure.input((input) => input);
  const hang = (name: string, signal: AbortSignal | undefined): Promise<never> => {
    started.push(name);
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        aborted.push(name);
        reject(new Error('aborted'));
      });
    });
  };
  const router = t.router({
    echo: anything.query(({ input }) => input),
    save: anything.mutation(({ input }) => {
      started.push('save');
      return input;
    }),
    refuse: t.procedure.mutation(() => {
      throw new TRPCError({ code: 'CONFLICT', message: 'sold out' });
    }),
    /** Answered when the gate is opened. */
    askLater: t.procedure.query(({ signal }) => {
      void hang('query', signal).catch(() => {});
      return gate.promise;
    }),
    doLater: t.procedure.mutation(({ signal }) => {
      void hang('mutation', signal).catch(() => {});
      return gate.promise;
    }),
    hangQuery: t.procedure.query(({ signal }) => hang('query', signal)),
    hangMutation: t.procedure.mutation(({ signal }) => hang('mutation', signal)),
    hangSubscription: t.procedure.subscription(async function* ({ signal }) {
      yield 'begun';
      await hang('subscription', signal);
    }),
  });
  return { router, started, aborted, gate };
}
type Router = ReturnType<typeof createApp>['router'];

/** Nobody listens there, for as long as a test lasts. */
async function nowhere(): Promise<string> {
  return `ws://127.0.0.1:${await freePort()}/`;
}

/** An open line to a server of the test's own. */
async function rawLine(
  options: Parameters<typeof openLine<Router>>[0] = {},
  limits: Parameters<Peer['welcome']>[0] = {},
) {
  const server = await RawServer.listen();
  const line = closing(openLine<Router>({ url: server.url, ...options }));
  const peer = await openTo(server, line, limits);
  return { server, line, peer, api: line.client() };
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a call', () => {
  describe('that the procedure answers', () => {
    it.each([
      0,
      '',
      false,
      null,
      'a',
      [1, [2]],
      { a: { b: null } },
      'ü💡\u2028',
      'x'.repeat(300_000),
    ])('resolves with the result: %#', async (value) => {
      const { url } = await listen(createServer({ router: createApp().router }));
      const line = closing(openLine<Router>({ url }));
      expect(await line.client().echo.query(value)).toEqual(value);
    });

    it('resolves with the result, however long it takes to write both', async () => {
      const { url } = await listen(createServer({ router: createApp().router }));
      const line = closing(openLine<Router>({ url }));
      const inputs = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(2_000_000));
      const calls = inputs.map((input) => line.client().echo.query(input));
      expect(await line.client().echo.query('small')).toBe('small');
      const answers = await Promise.all(calls);
      expect(answers.every((answer, i) => answer === inputs[i])).toBe(true);
    });

    it('resolves with undefined where there is nothing', async () => {
      const { url } = await listen(createServer({ router: createApp().router }));
      const line = closing(openLine<Router>({ url }));
      expect(await line.client().echo.query(undefined)).toBe(undefined);
    });

    it('with an error, rejects with its shape and data, as failed', async () => {
      const { url } = await listen(createServer({ router: createApp().router }));
      const line = closing(openLine<Router>({ url }));
      const error = (await failureOf(line.client().refuse.mutate())) as TRPCClientError<Router>;
      const data = { code: 'CONFLICT', httpStatus: 409, path: 'refuse' };
      expect(error).toBeInstanceOf(TRPCClientError);
      expect({ ...error, message: error.message }).toMatchObject({
        message: 'sold out',
        shape: { code: -32_009, message: 'sold out', data },
        data,
      });
      expect([lineError(error), outcomeOf(error), isAnswered(error)]).toEqual([
        undefined,
        'failed',
        true,
      ]);
    });

    it('runs a path that nobody has as any other error', async () => {
      const { url } = await listen(createServer({ router: createApp().router }));
      const line = closing(openLine({ url }));
      const api = createTRPCClient({ links: [line.link()] }) as unknown as {
        constructor: { toString: { query(): Promise<unknown> } };
      };
      const error = await failureOf(api.constructor.toString.query());
      expect(error).toMatchObject({ data: { code: 'NOT_FOUND' } });
      expect(outcomeOf(error)).toBe('failed');
    });
  });

  describe('whose connection is lost', () => {
    it('goes on over the next one, and neither end is told: a query and a mutation', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { router, started, aborted, gate } = createApp();
      const { port } = await listen(createServer({ router }));
      const proxy = await TcpProxy.to(port);
      const line = closing(openLine<Router>({ url: proxy.url }));
      const api = line.client();
      const calls = [api.askLater.query(), api.doLater.mutate()];
      expect(await started.take(2)).toEqual(['query', 'mutation']);
      proxy.cut();
      await until(line, 'open', ({ resumed }) => resumed === 1);
      gate.resolve('answered');
      expect(await Promise.all(calls)).toEqual(['answered', 'answered']);
      expect([started.length, aborted.length]).toEqual([0, 0]);
    });

    it('is given the answer that was made while nobody was there', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { router, started, gate } = createApp();
      const { port } = await listen(createServer({ router }));
      const proxy = await TcpProxy.to(port);
      const line = closing(openLine<Router>({ url: proxy.url }));
      const call = line.client().doLater.mutate();
      await started.next();
      proxy.refuse();
      proxy.cut();
      await until(line, 'waiting', ({ attempt }) => attempt > 0);
      gate.resolve('answered');
      await settled();
      await proxy.accept();
      expect(await call).toBe('answered');
      expect(started.length).toBe(0);
    });

    it('waits for its turn in the same session where it was never written', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { server, peer, api } = await rawLine({}, { callsMax: 2 });
      const calls = [1, 2, 3].map((n) => api.save.mutate(n));
      expect((await peer.messages.next()).length).toBe(2);
      peer.webSocket.terminate();
      const next = await server.peers.next();
      await next.welcome({ callsMax: 2, received: 2 });
      next.send([TAG.result, 1, 'one']);
      expect(await next.messages.next()).toEqual([
        [TAG.call, 5, 1, 'save', { timeout: 30_000 }, 3],
      ]);
      next.send([TAG.result, 3, 'two'], [TAG.result, 5, 'three']);
      expect(await Promise.all(calls)).toEqual(['one', 'two', 'three']);
    });

    it('is not written twice when it was made while the line was away', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0.01);
      const { router, started } = createApp();
      const first = createServer({ router });
      const { port, url } = await listen(first);
      const line = closing(openLine<Router>({ url }));
      await line.open();
      await first.close();
      await until(line, 'waiting');
      const calls = [1, 2, 3].map((n) => line.client().save.mutate(n));
      await listen(createServer({ router }), port);
      expect(await Promise.all(calls)).toEqual([1, 2, 3]);
      expect(started.length).toBe(3);
    });
  });

  describe('whose session is gone', () => {
    it('ends with outcome unknown where it was written: a mutation', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { server, peer, api } = await rawLine();
      const call = failureOf(api.save.mutate(1));
      await peer.messages.next();
      peer.webSocket.terminate();
      await (await server.peers.next()).gone();
      const error = await call;
      expect(lineError(error)).toEqual({
        code: 'SESSION_LOST',
        outcome: 'unknown',
        message: 'no such session',
      });
      expect(error).toMatchObject({ shape: undefined, data: undefined });
    });

    it('is asked again in the next one: a query, as often as it takes', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { server, peer, api } = await rawLine();
      const call = api.echo.query('still there?');
      let last = peer;
      for (let i = 0; i < 3; i++) {
        expect(await last.messages.next()).toEqual([
          [TAG.call, 1, 0, 'echo', { timeout: 30_000 }, 'still there?'],
        ]);
        last.webSocket.terminate();
        last = await server.peers.next();
        await last.gone();
        await last.welcome();
      }
      await last.messages.next();
      last.send([TAG.result, 1, 'still there']);
      expect(await call).toBe('still there');
    });

    it('case 9: goes into the next one where the server had not received it', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { server, peer, api } = await rawLine();
      const calls = [1, 2, 3].map((n) => api.save.mutate(n).catch(outcomeOf));
      expect((await peer.messages.next()).length).toBe(3);
      peer.webSocket.terminate();
      const next = await server.peers.next();
      await next.gone(1);
      await next.welcome();
      expect(await next.messages.next()).toEqual([
        [TAG.call, 1, 1, 'save', { timeout: 30_000 }, 2],
        [TAG.call, 3, 1, 'save', { timeout: 30_000 }, 3],
      ]);
      next.send([TAG.result, 1, 'two'], [TAG.result, 3, 'three']);
      expect(await Promise.all(calls)).toEqual(['unknown', 'two', 'three']);
    });

    it('goes into the next one where it was never written', async () => {
      vi.spyOn(Math, 'random').mockReturnValue(0);
      const { server, peer, api } = await rawLine({}, { callsMax: 2 });
      const calls = [1, 2, 3, 4].map((n) => api.save.mutate(n).catch(outcomeOf));
      expect((await peer.messages.next()).length).toBe(2);
      peer.webSocket.terminate();
      const next = await server.peers.next();
      await next.gone();
      await next.welcome();
      expect(await next.messages.next()).toEqual([
        [TAG.call, 1, 1, 'save', { timeout: 30_000 }, 3],
        [TAG.call, 3, 1, 'save', { timeout: 30_000 }, 4],
      ]);
      next.send([TAG.result, 1, 'three'], [TAG.result, 3, 'four']);
      expect(await Promise.all(calls)).toEqual(['unknown', 'unknown', 'three', 'four']);
    });

    it('has ended once when its owner closes the line upon that', async () => {
      const { line, peer } = await rawLine();
      const ended: string[] = [];
      const api = createTRPCClient<Router>({
        links: [
          () =>
            ({ op, next }) => ({
              ...next(op),
              subscribe: (observer) =>
                next(op).subscribe({
                  ...observer,
                  error(error) {
                    ended.push(`${op.path} ${lineError(error)?.code}`);
                    void line.close();
                    observer.error?.(error);
                  },
                  complete() {
                    ended.push(`${op.path} complete`);
                    observer.complete?.();
                  },
                }),
            }),
          line.link(),
        ],
      });
      const calls = [1, 2].map((n) => failureOf(api.save.mutate(n)));
      calls.push(failureOf(api.echo.query(1)));
      api.hangSubscription.subscribe(undefined, { onData: () => {} });
      await peer.messages.next();
      peer.webSocket.close(4_310);
      await Promise.all(calls);
      expect(ended.sort()).toEqual([
        'echo CLOSED',
        'hangSubscription complete',
        'save SESSION_LOST',
        'save SESSION_LOST',
      ]);
    });
  });

  describe('whose time is over', () => {
    it('ends as TIMEOUT and reaches the procedure: a query and a mutation', async () => {
      const { router, started, aborted } = createApp();
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      const api = line.client();
      await line.open();
      const calls = [
        failureOf(api.hangQuery.query(undefined, callOptions({ timeoutMs: 50 }))),
        failureOf(api.hangMutation.mutate(undefined, callOptions({ timeoutMs: 50 }))),
      ];
      await started.take(2);
      const error = { code: 'TIMEOUT', outcome: 'unknown', message: WORDS };
      expect((await Promise.all(calls)).map(lineError)).toEqual([error, error]);
      expect(await aborted.take(2)).toEqual(['query', 'mutation']);
      expect(await api.echo.query('alive')).toBe('alive');
    });

    it('was not executed where it was never written', async () => {
      const line = closing(openLine<Router>({ url: await nowhere() }));
      const call = line.client().save.mutate(1, callOptions({ timeoutMs: 5 }));
      expect(lineError(await failureOf(call))).toEqual({
        code: 'TIMEOUT',
        outcome: 'not-executed',
        message: WORDS,
      });
    });

    it.each([
      { line: undefined, call: undefined, expectedMs: 30_000 },
      { line: 700, call: undefined, expectedMs: 700 },
      { line: 700, call: 20, expectedMs: 20 },
      { line: Infinity, call: 20, expectedMs: 20 },
      { line: 5, call: 900, expectedMs: 900 },
    ])('waits $expectedMs ms where the line says $line and the call $call', async (given) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      const { api, peer } = await rawLine({ timeoutMs: given.line });
      const call = failureOf(api.save.mutate(1, callOptions({ timeoutMs: given.call })));
      const [[, , , , options] = []] = await peer.messages.next();
      expect(options).toEqual({ timeout: given.expectedMs });
      let ended = false;
      void call.then(() => (ended = true));
      vi.advanceTimersByTime(given.expectedMs - 1);
      await settled();
      expect(ended).toBe(false);
      vi.advanceTimersByTime(1);
      expect(lineError(await call)).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
      expect(await peer.messages.next()).toEqual([[TAG.cancel, 1]]);
    });

    it.each([
      { line: Infinity, call: undefined },
      { line: undefined, call: Infinity },
      { line: 5, call: Number.MAX_VALUE },
    ])('never comes where the line says $line and the call $call', async (given) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      const { api, peer } = await rawLine({ timeoutMs: given.line });
      const call = api.save.mutate(1, callOptions({ timeoutMs: given.call }));
      expect(await peer.messages.next()).toEqual([[TAG.call, 1, 1, 'save', 0, 1]]);
      vi.advanceTimersByTime(1_000_000_000);
      peer.send([TAG.result, 1, 'at last']);
      expect(await call).toBe('at last');
    });

    it('takes an answer no more that comes too late', async () => {
      const { api, peer } = await rawLine();
      const call = failureOf(api.save.mutate(1, callOptions({ timeoutMs: 5 })));
      await peer.messages.take(2);
      peer.send([TAG.result, 1, 'too late']);
      expect(lineError(await call)).toMatchObject({ code: 'TIMEOUT' });
      const other = api.save.mutate(2);
      await peer.messages.next();
      peer.send([TAG.result, 3, 'in time']);
      expect(await other).toBe('in time');
    });
  });

  describe('that is aborted', () => {
    const ABORT_ERROR: unknown = expect.objectContaining({ name: 'AbortError' });

    it('before it is made, is never sent, and does not open the line', async () => {
      const line = closing(openLine<Router>({ url: await nowhere() }));
      const call = line.client().save.mutate(1, { signal: AbortSignal.abort() });
      const error = await failureOf(call);
      expect(error).toMatchObject({ cause: ABORT_ERROR, shape: undefined, data: undefined });
      expect(lineError(error)).toEqual({
        code: 'ABORTED',
        outcome: 'not-executed',
        message: WORDS,
      });
      expect(line.state.get()).toEqual({ status: 'idle' });
    });

    it('before it is written, is never sent', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine<Router>({ url: server.url }));
      const controller = new AbortController();
      const call = failureOf(line.client().save.mutate(1, { signal: controller.signal }));
      const other = line.client().save.mutate(2);
      controller.abort();
      const error = await call;
      expect(error).toMatchObject({ cause: ABORT_ERROR });
      expect(lineError(error)).toEqual({
        code: 'ABORTED',
        outcome: 'not-executed',
        message: WORDS,
      });
      const peer = await server.peers.next();
      await peer.welcome();
      expect(await peer.messages.next()).toEqual([
        [TAG.call, 3, 1, 'save', { timeout: 30_000 }, 2],
      ]);
      peer.send([TAG.result, 3, 'two']);
      expect(await other).toBe('two');
    });

    it.each(['query', 'mutation'] as const)(
      'while it runs, aborts the signal of its procedure: %s',
      async (kind) => {
        const { router, started, aborted } = createApp();
        const { url } = await listen(createServer({ router }));
        const line = closing(openLine<Router>({ url }));
        const api = line.client();
        const controller = new AbortController();
        const { signal } = controller;
        const call =
          kind === 'query'
            ? api.hangQuery.query(undefined, { signal })
            : api.hangMutation.mutate(undefined, { signal });
        const ended = failureOf(call);
        await started.next();
        controller.abort();
        const error = await ended;
        expect(error).toMatchObject({ cause: ABORT_ERROR });
        expect(lineError(error)).toEqual({
          code: 'ABORTED',
          outcome: 'unknown',
          message: WORDS,
        });
        expect(await aborted.next()).toBe(kind);
      },
    );

    it('after it has ended, changes nothing', async () => {
      const { api, peer } = await rawLine();
      const controller = new AbortController();
      const call = api.save.mutate(1, { signal: controller.signal });
      await peer.messages.next();
      peer.send([TAG.result, 1, 'done']);
      expect(await call).toBe('done');
      controller.abort();
      void api.echo.query('next').catch(() => {});
      expect(await peer.messages.next()).toEqual([
        [TAG.call, 3, 0, 'echo', { timeout: 30_000 }, 'next'],
      ]);
    });

    it('leaves no listener on the signal, however it ends', async () => {
      const { api, peer } = await rawLine({ queueCallsMax: 3 });
      const { signal } = new AbortController();
      const listeners = new Set<unknown>();
      vi.spyOn(signal, 'addEventListener').mockImplementation((_, listener) => {
        listeners.add(listener);
      });
      vi.spyOn(signal, 'removeEventListener').mockImplementation((_, listener) => {
        listeners.delete(listener);
      });
      const calls = [1, 2, 3, 4].map((n) => api.save.mutate(n, { signal }).catch(outcomeOf));
      expect(listeners.size).toBe(3);
      await peer.messages.next();
      peer.send(
        [TAG.result, 1, 'done'],
        [TAG.error, 3, 'BUSY'],
        [TAG.error, 5, 0, { message: '' }],
      );
      expect(await Promise.all(calls)).toEqual(['done', 'not-executed', 'unknown', 'not-executed']);
      expect(listeners.size).toBe(0);
    });
  });

  describe('made while the line is not open', () => {
    it('waits, in as many calls as the queue takes', async () => {
      const server = await RawServer.listen();
      const line = closing(openLine<Router>({ url: server.url, queueCallsMax: 2 }));
      const calls = [1, 2, 3].map((n) => line.client().save.mutate(n));
      expect(lineError(await failureOf(calls[2]!))).toEqual({
        code: 'QUEUE_FULL',
        outcome: 'not-executed',
        message: WORDS,
      });
      const peer = await server.peers.next();
      await peer.welcome();
      await peer.messages.next();
      peer.send([TAG.result, 1, 'one'], [TAG.result, 3, 'two']);
      expect(await Promise.all(calls.slice(0, 2))).toEqual(['one', 'two']);
      const call = line.client().save.mutate(4);
      await peer.messages.next();
      peer.send([TAG.result, 5, 'four']);
      expect(await call).toBe('four');
    });

    it('waits, in as many bytes as the queue takes', async () => {
      const line = closing(openLine<Router>({ url: await nowhere(), queueBytesMax: 2_000 }));
      const save = (text: string) => line.client().save.mutate(text).catch(lineError);
      const calls = ['a', 'b', 'c'].map((letter) => save(letter.repeat(1_000)));
      expect(await calls[2]).toMatchObject({ code: 'QUEUE_FULL', outcome: 'not-executed' });
      await line.close();
      expect(await Promise.all(calls.slice(0, 2))).toMatchObject([
        { code: 'CLOSED', outcome: 'not-executed' },
        { code: 'CLOSED', outcome: 'not-executed' },
      ]);
    });

    it('frees its place when it is aborted', async () => {
      const line = closing(openLine<Router>({ url: await nowhere(), queueCallsMax: 1 }));
      const save = (signal?: AbortSignal) =>
        failureOf(line.client().save.mutate(1, signal && { signal })).then(lineError);
      const controller = new AbortController();
      const first = save(controller.signal);
      expect(await save()).toMatchObject({ code: 'QUEUE_FULL' });
      controller.abort();
      expect(await first).toMatchObject({ code: 'ABORTED' });
      const third = save();
      await line.close();
      expect(await third).toMatchObject({ code: 'CLOSED' });
    });

    it.each(['idle', 'connecting', 'waiting'])(
      'and told to fail then, fails at once: %s',
      async (status) => {
        const line = closing(openLine<Router>({ url: await nowhere() }));
        if (status !== 'idle') begin(line);
        if (status === 'waiting') await until(line, 'waiting');
        const call = line.client().save.mutate(1, callOptions({ whenOffline: 'fail' }));
        expect(lineError(await failureOf(call))).toEqual({
          code: 'OFFLINE',
          outcome: 'not-executed',
          message: WORDS,
        });
        // It is a call, so the line opens.
        expect(line.state.get().status).not.toBe('idle');
      },
    );

    it('and told to fail then, goes where the line is open', async () => {
      const { url } = await listen(createServer({ router: createApp().router }));
      const line = closing(openLine<Router>({ url }));
      await line.open();
      const api = line.client();
      expect(await api.echo.query('now', callOptions({ whenOffline: 'fail' }))).toBe('now');
      expect(await api.echo.query('now', callOptions({ whenOffline: 'wait' }))).toBe('now');
    });
  });

  describe('that the server does not take', () => {
    it('for there are too many, ends as BUSY and was not executed', async () => {
      const { api, peer } = await rawLine();
      const call = failureOf(api.save.mutate(1));
      await peer.messages.next();
      peer.send([TAG.error, 1, 'BUSY']);
      expect(lineError(await call)).toEqual({
        code: 'BUSY',
        outcome: 'not-executed',
        message: WORDS,
      });
    });

    it('waits for its turn where the server has said how many it takes', async () => {
      const { router } = createApp();
      const { url } = await listen(createServer({ router, limits: { callsMax: 3 } }));
      const line = closing(openLine<Router>({ url }));
      const inputs = Array.from({ length: 50 }, (_, i) => i);
      const calls = inputs.map((n) => line.client().echo.query(n));
      expect(await Promise.all(calls)).toEqual(inputs);
    });

    it('for it is too large, ends as PAYLOAD_TOO_LARGE, and the others go on', async () => {
      const { router, started } = createApp();
      const limits = { payloadBytesMax: 100_000 };
      const { url } = await listen(createServer({ router, limits }));
      const line = closing(openLine<Router>({ url }));
      const api = line.client();
      const calls = [
        api.echo.query('before'),
        failureOf(api.save.mutate('x'.repeat(100_001))).then(lineError),
        api.echo.query('after'),
      ];
      expect(await Promise.all(calls)).toEqual([
        'before',
        {
          code: 'PAYLOAD_TOO_LARGE',
          outcome: 'not-executed',
          message: WORDS,
        },
        'after',
      ]);
      expect(started.length).toBe(0);
      expect(line.state.get().status).toBe('open');
    });

    it.each([
      { code: 'CANCELLED', outcome: 'not-executed' },
      { code: 'ABORTED', outcome: 'unknown' },
      { code: 'NO_ANSWERER', outcome: 'not-executed' },
      { code: 'UNSUPPORTED', outcome: 'unknown' },
      { code: 'INTERNAL', outcome: 'unknown' },
    ])('by its own word $code, is $outcome', async ({ code, outcome }) => {
      const { api, peer } = await rawLine();
      const call = failureOf(api.save.mutate(1));
      await peer.messages.next();
      peer.send([TAG.error, 1, code]);
      expect(lineError(await call)).toEqual({ code, outcome, message: WORDS });
    });

    it.each(['TOO_NEW_TO_BE_KNOWN', 'toString', '__proto__'])(
      'by a word that is not known, %s, may have run',
      async (code) => {
        const { api, peer } = await rawLine();
        const call = failureOf(api.save.mutate(1));
        await peer.messages.next();
        peer.send([TAG.error, 1, code]);
        expect(lineError(await call)).toMatchObject({ code: 'INTERNAL', outcome: 'unknown' });
      },
    );
  });

  describe('that cannot be written', () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;

    it.each([
      { name: 'a bigint without a transformer', input: 1n },
      { name: 'a circle', input: circular },
      {
        name: 'a toJSON that throws',
        input: {
          toJSON() {
            throw new Error('no');
          },
        },
      },
    ])('ends as ENCODING, was not executed, and disturbs no other: $name', async ({ input }) => {
      const { router } = createApp();
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<Router>({ url }));
      const api = line.client();
      const [before, error, after] = await Promise.all([
        api.echo.query('before'),
        failureOf(api.save.mutate(input)),
        api.echo.query('after'),
      ]);
      expect([before, after]).toEqual(['before', 'after']);
      expect(lineError(error)).toEqual({
        code: 'ENCODING',
        outcome: 'not-executed',
        message: WORDS,
      });
      expect((error as Error).cause).toBeInstanceOf(Error);
    });

    it('holds no timer afterwards', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
      const line = closing(openLine<Router>({ url: await nowhere() }));
      const timers = vi.getTimerCount();
      const call = failureOf(line.client().save.mutate(1n));
      expect(vi.getTimerCount()).toBe(timers);
      await call;
    });
  });

  describe('with a transformer that throws', () => {
    const fault = new Error('the transformer is broken');
    const broken = (): never => {
      throw fault;
    };
    const identity = (value: unknown): unknown => value;
    const t = initTRPC.create({ transformer: { serialize: identity, deserialize: identity } });
    const router = t.router({
      echo: t.procedure.input(identity).query(({ input }) => input),
      refuse: t.procedure.query(() => {
        throw new TRPCError({ code: 'CONFLICT' });
      }),
      items: t.procedure.subscription(async function* ({ signal }) {
        yield 1;
        await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      }),
    });

    async function apiWith(transformer: Partial<TRPCDataTransformer>) {
      const { url } = await listen(createServer({ router }));
      const line = closing(openLine<typeof router>({ url }));
      await line.open();
      const whole = { serialize: identity, deserialize: identity, ...transformer };
      return { line, api: line.client({ transformer: whole }) };
    }

    it('at the input, ends as ENCODING and was not executed', async () => {
      const { api, line } = await apiWith({ serialize: broken });
      const error = await failureOf(api.echo.query(1));
      expect(lineError(error)).toEqual({
        code: 'ENCODING',
        outcome: 'not-executed',
        message: WORDS,
      });
      expect(error).toMatchObject({ cause: fault });
      expect(line.state.get().status).toBe('open');
    });

    it.each(['echo', 'refuse'] as const)(
      'at the answer, ends as DECODING, and may have run: %s',
      async (name) => {
        const { api, line } = await apiWith({ deserialize: broken });
        const error = await failureOf(api[name].query(1 as never));
        expect(lineError(error)).toEqual({
          code: 'DECODING',
          outcome: 'unknown',
          message: WORDS,
        });
        expect(error).toMatchObject({ cause: fault, shape: undefined });
        expect(line.state.get().status).toBe('open');
      },
    );

    it('at an item, ends the subscription as DECODING, and no other call', async () => {
      const { api, line } = await apiWith({ deserialize: broken });
      const error = await new Promise((resolve) => {
        api.items.subscribe(undefined, { onError: resolve, onData: () => expect.unreachable() });
      });
      expect(lineError(error)).toMatchObject({ code: 'DECODING', outcome: 'unknown' });
      expect(
        await line
          .client({ transformer: { serialize: identity, deserialize: identity } })
          .echo.query(1),
      ).toBe(1);
    });
  });
});
