import { createTRPCClient, safe, type TRPCClient, type TRPCLink } from '@trpc/client';
import { initTRPC, tracked, TRPCError, type AnyTRPCRouter } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import {
  callOptions,
  isAnswered,
  lineError,
  openLine,
  outcomeOf,
  type CallOptions,
  type Line,
  type LineError,
  type LineErrorCode,
  type LineState,
  type Outcome,
  type Readable,
} from '@openline/client';
import { createServer, type Server } from '@openline/server';
import superjson from 'superjson';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';

const plain = initTRPC.create();
const rich = initTRPC.create({ transformer: superjson });

interface Score {
  readonly home: number;
  readonly at: Date;
}
const score: Score = { home: 1, at: new Date(0) };
const Input = z.object({ id: z.string(), count: z.number().default(1) });

const plainRouter = plain.router({
  get: plain.procedure.input(Input).query(() => score),
  none: plain.procedure.query(() => 'text' as const),
  save: plain.procedure.input(z.string()).mutation(({ input }) => input.length),
  buy: plain.procedure
    .errors(({ error, shape }) =>
      error.code === 'CONFLICT'
        ? { ...shape, data: { kind: 'sold-out', left: 3 } as const }
        : undefined,
    )
    .mutation((): number => {
      throw new TRPCError({ code: 'CONFLICT' });
    }),
  follow: plain.procedure.input(Input).subscription(async function* () {
    yield score;
  }),
  tracked: plain.procedure.subscription(async function* () {
    yield tracked('1', score);
  }),
  observed: plain.procedure.subscription(() => observable<'a' | 'b'>(() => {})),
  nested: { deep: plain.procedure.query(() => 1) },
});
const richRouter = rich.router({
  get: rich.procedure.input(Input).query(() => score),
  big: rich.procedure.input(z.bigint()).query(({ input }) => new Map([[input, new Set([input])]])),
  tracked: rich.procedure.subscription(async function* () {
    yield tracked('1', score);
  }),
});
type PlainRouter = typeof plainRouter;
type RichRouter = typeof richRouter;

const url = 'ws://localhost/rpc';
const api = openLine<PlainRouter>({ url }).client();
const richApi = openLine<RichRouter>({ url }).client({ transformer: superjson });

describe('a call over a line', () => {
  it('takes the input of its procedure, and nothing else', () => {
    expectTypeOf(api.get.query)
      .parameter(0)
      .toEqualTypeOf<{ id: string; count?: number | undefined }>();
    expectTypeOf(richApi.big.query).parameter(0).toEqualTypeOf<bigint>();
    void api.get.query({ id: '1' });
    void api.none.query();
    // @ts-expect-error -- The input is missing.
    void api.get.query();
    // @ts-expect-error -- A field is of another type.
    void api.get.query({ id: 1 });
    // @ts-expect-error -- A query is no mutation.
    void api.get.mutate({ id: '1' });
    // @ts-expect-error -- A mutation is no subscription.
    void api.save.subscribe('text');
    // @ts-expect-error -- There is no such procedure.
    void api.missing.query();
    // @ts-expect-error -- There is no such procedure in there.
    void api.nested.missing.query();
  });

  it('gives what its procedure gives, as it comes through JSON', () => {
    expectTypeOf(api.get.query).returns.resolves.toEqualTypeOf<{
      readonly home: number;
      readonly at: string;
    }>();
    expectTypeOf(api.none.query).returns.resolves.toEqualTypeOf<'text'>();
    expectTypeOf(api.save.mutate).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(api.nested.deep.query).returns.resolves.toEqualTypeOf<number>();
  });

  it('gives what its procedure gives, as it comes through a transformer', () => {
    expectTypeOf(richApi.get.query).returns.resolves.toEqualTypeOf<Score>();
    expectTypeOf(richApi.big.query).returns.resolves.toEqualTypeOf<Map<bigint, Set<bigint>>>();
  });

  it('takes options of its own beside those of tRPC', () => {
    const { signal } = new AbortController();
    void api.get.query(
      { id: '1' },
      { signal, ...callOptions({ timeoutMs: 5, whenOffline: 'fail' }) },
    );
    api.observed.subscribe(undefined, { onData: () => {}, ...callOptions({ timeoutMs: 5 }) });
    // @ts-expect-error -- There is no such option.
    callOptions({ timeout: 5 });
    // @ts-expect-error -- There is no such answer to being offline.
    callOptions({ whenOffline: 'retry' });
    // @ts-expect-error -- Milliseconds are a number.
    callOptions({ timeoutMs: '5' });
    void api.save.mutate('text', callOptions({ idempotencyKey: 'order-7' }));
    // @ts-expect-error -- A key is a string.
    callOptions({ idempotencyKey: 7 });
  });
});

describe('a subscription over a line', () => {
  it('gives items of the type that its procedure yields', () => {
    api.follow.subscribe(
      { id: '1' },
      {
        onData: (item) =>
          expectTypeOf(item).toEqualTypeOf<{ readonly home: number; readonly at: string }>(),
      },
    );
    api.observed.subscribe(undefined, {
      onData: (item) => expectTypeOf(item).toEqualTypeOf<'a' | 'b'>(),
    });
  });

  it('gives tracked items with their id', () => {
    api.tracked.subscribe(undefined, {
      onData: (item) =>
        expectTypeOf(item).toEqualTypeOf<{
          id: string;
          data: { readonly home: number; readonly at: string };
        }>(),
    });
    richApi.tracked.subscribe(undefined, {
      onData: (item) => expectTypeOf(item).toEqualTypeOf<{ id: string; data: Score }>(),
    });
  });

  it('is read with for await', async () => {
    for await (const item of api.observed.subscribe()) {
      expectTypeOf(item).toEqualTypeOf<'a' | 'b'>();
    }
  });

  it('refuses a wrong input', () => {
    // @ts-expect-error -- The input is missing.
    api.follow.subscribe({}, { onData: () => {} });
  });
});

describe('the error of a call', () => {
  it('has the default shape where nobody says otherwise', async () => {
    const [, error] = await safe(api.save.mutate('text'));
    if (error && isAnswered(error)) {
      expectTypeOf(error.data.httpStatus).toEqualTypeOf<number>();
      expectTypeOf(error.shape.message).toEqualTypeOf<string>();
    }
    // @ts-expect-error -- Without an answer there is no data.
    void error?.data.httpStatus;
  });

  it('has the shapes of .errors() as well', async () => {
    const [order, error] = await safe(api.buy.mutate());
    if (error === undefined) {
      expectTypeOf(order).toEqualTypeOf<number>();
      return;
    }
    expectTypeOf(order).toEqualTypeOf<undefined>();
    if (isAnswered(error)) {
      if ('kind' in error.data) expectTypeOf(error.data.left).toEqualTypeOf<3>();
      else expectTypeOf(error.data.httpStatus).toEqualTypeOf<number>();
    }
  });

  it('has one of three outcomes', () => {
    const say = (error: unknown): string => {
      switch (outcomeOf(error)) {
        case 'failed':
          return 'the procedure answered';
        case 'not-executed':
          return 'again';
        case 'unknown':
          return 'perhaps';
        // No default: a fourth outcome would make this function one that may return nothing.
      }
    };
    expectTypeOf(say).returns.toEqualTypeOf<string>();
    expectTypeOf(outcomeOf).toEqualTypeOf<(error: unknown) => Outcome>();
    expectTypeOf<Outcome>().toEqualTypeOf<'failed' | 'not-executed' | 'unknown'>();
  });

  it('has one of the codes that there are', () => {
    expectTypeOf(lineError).toEqualTypeOf<(error: unknown) => LineError | undefined>();
    expectTypeOf<LineError['code']>().toEqualTypeOf<LineErrorCode>();
    expectTypeOf<LineErrorCode>().toEqualTypeOf<
      | 'BUSY'
      | 'CANCELLED'
      | 'ABORTED'
      | 'NO_ANSWERER'
      | 'UNSUPPORTED'
      | 'INTERNAL'
      | 'TIMEOUT'
      | 'OFFLINE'
      | 'QUEUE_FULL'
      | 'SESSION_LOST'
      | 'KEY_REUSED'
      | 'REJECTED'
      | 'CLOSED'
      | 'LIMIT'
      | 'PAYLOAD_TOO_LARGE'
      | 'ENCODING'
      | 'DECODING'
    >();
    // @ts-expect-error -- No such code: a switch cannot wait for it.
    const isGap = (error: LineError): boolean => error.code === 'GAPP';
    void isGap;
  });

  it('is asked about only where it can be one', () => {
    // @ts-expect-error -- Without a shape there is nothing to narrow.
    isAnswered(new Error('a'));
  });
});

describe('a transformer', () => {
  it('is asked for where the router has one', () => {
    const line = openLine<RichRouter>({ url });
    line.client({ transformer: superjson });
    line.link({ transformer: superjson });
    line.link({ transformer: { input: superjson, output: superjson } });
    // @ts-expect-error -- The transformer is missing.
    line.client();
    // @ts-expect-error -- The transformer is missing.
    line.link();
    // @ts-expect-error -- The transformer is missing.
    line.client({});
    // @ts-expect-error -- That is none.
    line.client({ transformer: 'superjson' });
  });

  it('is refused, in words, where the router has none', () => {
    const line = openLine<PlainRouter>({ url });
    line.client();
    line.link();
    line.client({});
    // @ts-expect-error -- The router has no transformer.
    line.client({ transformer: superjson });
    type Options = NonNullable<Parameters<typeof line.client<PlainRouter>>[0]>;
    type Refusal = NonNullable<Options['transformer']>;
    expectTypeOf<Refusal>().toEqualTypeOf<'The router has no transformer: give one to initTRPC.create() first'>();
  });

  it('is asked for by the client that a link of an untyped line goes into', () => {
    const line = openLine({ url });
    createTRPCClient<RichRouter>({ links: [line.link({ transformer: superjson })] });
    createTRPCClient<PlainRouter>({ links: [line.link()] });
    line.client<RichRouter>({ transformer: superjson });
    // @ts-expect-error -- The transformer is missing.
    createTRPCClient<RichRouter>({ links: [line.link()] });
    // @ts-expect-error -- The transformer is missing.
    line.client<RichRouter>();
  });
});

describe('openLine', () => {
  const Params = z.object({ token: z.string(), tab: z.number().default(0) });
  const server = createServer({ router: plainRouter, params: Params });
  const optional = createServer({
    router: plainRouter,
    params: z.object({ tab: z.number() }).partial(),
  });
  const none = createServer({ router: plainRouter });
  type Own = typeof server;

  it('asks for the params that the server asks for, as a value or made by a function', () => {
    openLine<Own>({ params: { token: 'a' } });
    openLine<Own>({ url, params: () => ({ token: 'a', tab: 1 }) });
    openLine<Own>({ params: async () => ({ token: 'a' }) });
    openLine<Server<PlainRouter, { token: string }>>({ params: { token: 'a' } });
    // @ts-expect-error -- The params are missing.
    openLine<Own>();
    // @ts-expect-error -- The params are missing.
    openLine<Own>({ url });
    // @ts-expect-error -- A field is missing.
    openLine<Own>({ params: {} });
    // @ts-expect-error -- A field is of another type.
    openLine<Own>({ params: async () => ({ token: 1 }) });
  });

  it('leaves them out where the server asks for nothing that must be there', () => {
    openLine<typeof optional>();
    openLine<typeof optional>({ params: { tab: 1 } });
    openLine<typeof optional>({ params: undefined });
    openLine<typeof none>();
    openLine<typeof none>({ params: 'anything' });
    // @ts-expect-error -- A field is of another type.
    openLine<typeof optional>({ params: { tab: 'a' } });
  });

  it('does not know them where it knows the router alone', () => {
    openLine<PlainRouter>();
    openLine<PlainRouter>({ params: { anything: 1 } });
    openLine();
    openLine({ params: () => 'anything' });
  });

  it('takes its router from the server', () => {
    expectTypeOf(openLine<Own>({ params: { token: 'a' } }).client()).toEqualTypeOf<
      TRPCClient<PlainRouter>
    >();
    expectTypeOf(openLine<PlainRouter>().client()).toEqualTypeOf<TRPCClient<PlainRouter>>();
    expectTypeOf(openLine<PlainRouter>().link()).toEqualTypeOf<TRPCLink<PlainRouter>>();
    // @ts-expect-error -- That is neither a router nor a server.
    openLine<{ readonly router: PlainRouter }>();
  });

  it('takes options that are undefined for those that are left out', () => {
    const timeoutMs = undefined as number | undefined;
    const address = undefined as string | undefined;
    const WebSocketClass = undefined as typeof WebSocket | undefined;
    openLine<PlainRouter>({
      url: address,
      timeoutMs,
      queueCallsMax: timeoutMs,
      queueBytesMax: timeoutMs,
      WebSocket: WebSocketClass,
      params: undefined,
    });
    callOptions({ timeoutMs, idempotencyKey: undefined, whenOffline: undefined });
    expectTypeOf<CallOptions>().toEqualTypeOf<{
      readonly timeoutMs?: number | undefined;
      readonly idempotencyKey?: string | undefined;
      readonly whenOffline?: 'wait' | 'fail' | undefined;
    }>();
  });

  it('takes the class of the platform', () => {
    openLine<PlainRouter>({ url, WebSocket });
    openLine<PlainRouter>({ url: () => url });
    openLine<PlainRouter>({ url: async () => url });
    // @ts-expect-error -- That is no class.
    openLine<PlainRouter>({ WebSocket: 'ws' });
    // @ts-expect-error -- There is no such option.
    openLine<PlainRouter>({ urls: [url] });
  });

  it('makes a line that is passed on as one of any router', () => {
    const close = (line: Pick<Line, 'state' | 'close'>): Promise<void> => line.close();
    void close(openLine<RichRouter>());
    void close(openLine<Own>({ params: { token: 'a' } }));
    expectTypeOf<Line>().toEqualTypeOf<Line<AnyTRPCRouter>>();
  });
});

describe('the state of a line', () => {
  it('tells by its status what else it has', () => {
    const say = (state: LineState): string => {
      switch (state.status) {
        case 'idle':
          // @ts-expect-error -- Nothing has been tried.
          return state.attempt;
        case 'connecting':
          return `attempt ${state.attempt}`;
        case 'open':
          // @ts-expect-error -- It is open.
          void state.error;
          return `${state.sessionId} resumed ${state.resumed * 1} times`;
        case 'waiting':
          return `${state.attempt} ${state.error.code} ${state.retryAtMs - Date.now()}`;
        case 'closed':
          // @ts-expect-error -- The application may have closed it.
          void state.error.code;
          return state.error?.code ?? 'by the application';
        // No default: another status would make this function one that may return nothing.
      }
    };
    expectTypeOf(say).returns.toEqualTypeOf<string>();
  });

  it('is read and watched by functions without this', () => {
    expectTypeOf(openLine().state).toEqualTypeOf<Readable<LineState>>();
    expectTypeOf<Readable<LineState>['get']>().toEqualTypeOf<() => LineState>();
    expectTypeOf<Readable<LineState>['subscribe']>().toEqualTypeOf<
      (listener: (value: LineState) => void) => () => void
    >();
  });
});
