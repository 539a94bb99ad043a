import type { Socket } from 'node:net';
import {
  createServer,
  type ErrorReport,
  type ResumeOptions,
  type Server,
  type Session,
} from '@openline/server';
import type { Codec } from '@openline/protocol';
import { initTRPC } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { expect } from 'vitest';
import { z } from 'zod';
import {
  aborted,
  connect,
  eventually,
  Follower,
  Gate,
  pathTaken,
  runBy,
  type RunnerPath,
} from './server-support.ts';

/** The world's transformer does not read the one, and does not write the other. */
export const UNREADABLE = 'unreadable';
const UNWRITABLE = 'unwritable';

/** What no procedure should throw. */
export const THROWN: Readonly<Record<string, () => unknown>> = {
  'a text': () => 'text',
  'an empty text': () => '',
  'a number': () => 42,
  'a bigint': () => 42n,
  'a symbol': () => Symbol('thrown'),
  undefined: () => undefined,
  null: () => null,
  false: () => false,
  'a function': () => () => {},
  'an object': () => ({ some: 'thing' }),
  'an object without a prototype': () => Object.create(null) as object,
  'an object that is frozen': () => Object.freeze({ message: 'frozen' }),
  'an object with an odd message': () => ({ message: Symbol('odd') }),
  'an object that contains itself': () => {
    const it: { itself?: object } = {};
    return (it.itself = it);
  },
  'an object that cannot be looked at': () =>
    new Proxy(
      {},
      {
        get: () => expect.unreachable(),
        ownKeys: () => expect.unreachable(),
        getPrototypeOf: () => expect.unreachable(),
      },
    ),
  'an error with a throwing getter': () =>
    Object.defineProperty(new Error('thrown'), 'message', {
      get: () => {
        throw new Error('from the getter');
      },
    }),
  'an error that was frozen': () => Object.freeze(new Error('frozen')),
  'a promise': () => Promise.resolve('never seen'),
};

/** What cannot be written. */
export const UNWRITABLES: Readonly<Record<string, () => unknown>> = {
  'a bigint': () => 1n,
  'what the transformer does not write': () => UNWRITABLE,
  'what contains itself': () => {
    const it: unknown[] = [];
    it.push(it);
    return it;
  },
  'what throws as it is written': () => ({
    toJSON: () => {
      throw new Error('from toJSON');
    },
  }),
  'a proxy that was revoked': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return [proxy]; // In a list, since a promise of the proxy would itself reject.
  },
};

/** What no subscription should return, and may. */
export const ITERATORS: Readonly<Record<string, () => object>> = {
  'throws at next': () => ({
    next: () => {
      throw new Error('from next');
    },
  }),
  'gives no promise': () => ({ next: () => ({ done: false, value: 1 }) }),
  'gives nothing': () => ({ next: () => undefined }),
  'gives a promise of nothing': () => ({ next: () => Promise.resolve(undefined) }),
  'has no next': () => ({}),
  'waits, and has no return': () => ({ next: () => new Promise(() => {}) }),
  'waits, and throws at return': () => ({
    next: () => new Promise(() => {}),
    return: () => {
      throw new Error('from return');
    },
  }),
  'waits, and rejects at return': () => ({
    next: () => new Promise(() => {}),
    return: () => Promise.reject(new Error('from return')),
  }),
  'waits, and gives no promise at return': () => ({
    next: () => new Promise(() => {}),
    return: () => 'returned',
  }),
};

export interface WorldOptions {
  /** Which way procedures are run. Default: the quick one, once that has proved itself. */
  readonly path?: RunnerPath;
  readonly codecs?: readonly Codec[];
  readonly keepAliveMs?: number;
  readonly handshakeTimeoutMs?: number;
  readonly limits?: {
    readonly [Name in 'callsMax' | 'payloadBytesMax' | 'sessionBytesMax']?: number;
  };
  readonly resume?: ResumeOptions;
}

export interface World {
  readonly url: string;
  readonly port: number;
  readonly server: Pick<Server, 'accept'>;
  /** Of the good client first. */
  readonly sessions: Session[];
  readonly reports: readonly ErrorReport[];
  /** The server's ends of its connections, in the order they came. */
  readonly sockets: Socket[];
  /** What some procedures, and some contexts, wait for. */
  readonly gate: Gate;
  /** How many of the procedures that count were started. */
  readonly runs: number;
  /** How many items the flood has given. */
  readonly produced: number;
  /** As long as it takes the good client to call and be answered so many times. */
  roundTrips(times: number): Promise<void>;
  /** The good client is where it was, and what it was in the middle of goes on. */
  expectUntouched(): Promise<void>;
}

/** A server with procedures of every kind of misconduct, and a good client in the middle of things. */
export async function createWorld({
  path = 'the quick path',
  ...options
}: WorldOptions = {}): Promise<World> {
  const sessions: Session[] = [];
  const reports: ErrorReport[] = [];
  const sockets: Socket[] = [];
  const gate = new Gate();
  const untouched = new Gate();
  const state = { runs: 0, produced: 0 };

  const trpc = initTRPC.context<{ session: Session }>().create({
    isDev: false,
    transformer: {
      serialize: (value: unknown) => {
        if (value === UNWRITABLE) throw new Error('cannot be written');
        return value;
      },
      deserialize: (value: unknown) => {
        if (value === UNREADABLE) throw new Error('cannot be read');
        return value;
      },
    },
    errorFormatter: ({ shape, path: procedure }) => {
      if (procedure === 'formatterThrows') throw new Error('from the formatter');
      if (procedure === 'formatterGivesBigint') return { shape, large: 1n } as never;
      if (procedure === 'formatterGivesUnwritable') return UNWRITABLE as never;
      return shape;
    },
  });
  const t = runBy(path, trpc);
  const counted = t.procedure.use(({ next }) => {
    state.runs++;
    return next();
  });
  const fail = (): never => {
    throw new Error('as it should');
  };
  const never = (): Promise<never> => new Promise(() => {});
  const Name = z.string();

  const router = t.router({
    path: t.procedure.query(pathTaken),
    echo: t.procedure.input(z.any()).query(({ input }): unknown => input),
    length: t.procedure.input(z.string()).query(({ input }) => input.length),
    letters: t.procedure.input(z.number()).query(({ input }) => 'a'.repeat(input)),
    strict: t.procedure.input(z.number()).mutation(({ input }) => ((state.runs += 1), input)),
    deep: { er: t.procedure.query(() => 1) },
    once: t.procedure.input(z.any()).subscription(async function* ({ input }) {
      yield input as unknown;
    }),

    run: counted.query(() => 'ran'),
    wait: counted.query(({ signal }) => aborted(signal)),
    held: counted.mutation(() => gate.promise),
    heldItems: counted.subscription(async function* () {
      yield await gate.promise;
    }),
    never: counted.mutation(never),
    neverYields: counted.subscription(async function* () {
      yield await never();
    }),
    neverReturns: counted.subscription(async function* ({ signal }) {
      try {
        yield await aborted(signal);
      } finally {
        await never();
      }
    }),
    yieldsLate: t.procedure.subscription(async function* ({ signal }) {
      yield 'in time';
      await aborted(signal);
      yield 'late';
      yield 'later';
    }),
    flood: t.procedure.input(z.number()).subscription(async function* ({ input }) {
      const item = 'a'.repeat(input);
      for (;;) {
        state.produced++;
        yield item;
      }
    }),

    gives: t.procedure.input(Name).query(({ input }) => UNWRITABLES[input]!()),
    yields: t.procedure.input(Name).subscription(async function* ({ input }) {
      yield UNWRITABLES[input]!();
    }),
    givesUnseeable: t.procedure.query(() => new Proxy({}, { has: () => expect.unreachable() })),
    yieldsUnwritableAndWaits: t.procedure.subscription(async function* () {
      try {
        yield 1n;
      } finally {
        await gate.promise;
      }
    }),
    throws: t.procedure.input(Name).mutation(({ input }): void => {
      throw THROWN[input]!();
    }),
    throwsLater: t.procedure.input(Name).subscription(async function* ({ input }) {
      yield 'first';
      throw THROWN[input]!();
    }),
    emitsError: t.procedure
      .input(Name)
      .subscription(({ input }) => observable((observer) => observer.error(THROWN[input]!()))),
    iterates: counted
      .input(Name)
      .subscription(({ input }) => ({ [Symbol.asyncIterator]: ITERATORS[input]! }) as never),

    formatterThrows: t.procedure.mutation(fail),
    formatterGivesBigint: t.procedure.mutation(fail),
    formatterGivesUnwritable: t.procedure.mutation(fail),

    goodCall: t.procedure.query(() => untouched.promise.then(() => 'answered')),
    goodItems: t.procedure.subscription(async function* () {
      yield 'before';
      await untouched.promise;
      yield 'after';
    }),
  });

  const server = createServer({
    router,
    createContext: async ({ session, params }) => {
      sessions.push(session);
      if (params === 'throw') throw new Error('from createContext');
      if (params === 'slowly') await gate.promise;
      const { name } = (params ?? {}) as { readonly name?: string };
      if (name !== undefined) session.identify(name);
      return { session };
    },
    onError: (report) => reports.push(report),
    ...options,
  });
  const { line, url, port, httpServer } = await connect(server);
  httpServer.on('connection', (socket: Socket) => sockets.push(socket));
  const api = line.client({
    transformer: { serialize: (it: unknown) => it, deserialize: (it: unknown) => it },
  });
  const call = api.goodCall.query();
  const follower = new Follower<string>();
  api.goodItems.subscribe(undefined, follower.callbacks);
  await eventually(() => expect(follower.log).toEqual(['started', 'before']));
  const opened = line.state.get();

  return Object.assign(state, {
    ...{ url, port, server, sessions, reports, sockets, gate },
    async roundTrips(times: number): Promise<void> {
      for (let i = 0; i < times; i++) await api.echo.query(i);
    },
    async expectUntouched(): Promise<void> {
      untouched.open();
      expect(await call).toBe('answered');
      await eventually(() =>
        expect(follower.log).toEqual(['started', 'before', 'after', 'complete']),
      );
      expect(line.state.get()).toBe(opened);
      expect(opened.status).toBe('open');
    },
  });
}
