import type { TRPCClient } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { openLine, type Line, type LinkArgs } from '@openline/client';
import { createServer, type ContextOptions, type Server } from '@openline/server';
import { Machine } from './machine.ts';
import { MemoryNetwork } from './network/network.ts';
import { createRandom } from './random.ts';
import { contextOf, type GivenContext } from './serve.ts';
import { VirtualTime } from './virtual-time.ts';

/** Virtual time: it stands still until it is told to pass. */
export interface Clock {
  /** Since the line was made, in milliseconds. */
  readonly nowMs: number;
  /** Lets so much time pass, and all happen that happens in it: timers, calls, answers. */
  advance(ms: number): Promise<void>;
}

/** What can befall the line's connection. */
export interface Network {
  /** The connection breaks. What is on its way is lost. */
  cut(): void;
  /** Nothing arrives any more on the connection, and neither end is told. */
  halfOpen(): void;
  /** What is sent from now on takes so many milliseconds more, each way. */
  delay(ms: number): void;
  /** The delay is over, and a connection that is half open breaks. */
  heal(): void;
}

export interface TestLine<R extends AnyTRPCRouter> {
  readonly api: TRPCClient<R>;
  readonly line: Line<R>;
  readonly network: Network;
  readonly clock: Clock;
  /** Ends line, server and virtual time. */
  readonly close: () => Promise<void>;
}

export interface TestLineOptions<R extends AnyTRPCRouter> {
  readonly router: R;
  /** The context of each call, or what makes it of the session. */
  readonly context: GivenContext<R>;
  /** Of what is left to chance. Default: 1. */
  readonly seed?: number | undefined;
}

/**
 * A real client and a real server over a network in memory, in virtual time. Calls and answers need no
 * time; timeouts, keep-alive and the waits between two attempts pass with `clock.advance` alone. The
 * router's transformer is taken from the router.
 *
 * From here to `close()` the timers and clocks of the whole process are virtual.
 *
 * @throws a `TypeError` when another line of this kind is not closed.
 */
export function testLine<R extends AnyTRPCRouter>({
  router,
  context,
  seed = 1,
}: TestLineOptions<R>): TestLine<R> {
  const random = createRandom(seed);
  const time = VirtualTime.install(random);
  const server = serverOf(router, context);
  const acceptor = {
    accept: server.accept.bind(server),
    isListening: true,
    machine: new Machine(),
  };
  const pace = { latencyMs: 0, jitterMs: 0, bytesPerMs: Infinity };
  const network = new MemoryNetwork({ ...pace, route: () => acceptor }, random);
  let isDark = false;
  const delays: (() => void)[] = [];
  const endDelays = (): void => delays.splice(0).forEach((end) => end());
  const line = openLine<R>(
    ...([
      { url: 'ws://test/rpc', WebSocket: network.webSocketClass(0, new Machine()) },
    ] as unknown as Parameters<typeof openLine<R>>),
  );
  const { transformer } = router._def._config;
  return {
    line,
    api: line.client<R>(...([{ transformer }] as unknown as LinkArgs<R>)),
    network: {
      cut: () => network.latest(0)?.cut(),
      halfOpen() {
        isDark = true;
        for (const pipe of pipesOf(network)) pipe.darken('swallows');
      },
      delay(ms) {
        endDelays();
        for (const pipe of pipesOf(network)) delays.push(pipe.delay(ms));
      },
      heal() {
        if (isDark) network.latest(0)?.cut();
        isDark = false;
        endDelays();
      },
    },
    clock: {
      get nowMs() {
        return time.nowMs;
      },
      advance: (ms) => time.advance(ms),
    },
    async close() {
      let open = 2;
      const closed = (): void => void open--;
      void line.close().then(closed);
      await time.runUntil(() => open === 1, CLOSE_MS);
      void server.close().then(closed);
      await time.runUntil(() => open === 0, CLOSE_MS);
      time.uninstall();
    },
  };
}

/** Both ends give up on a goodbye that is not answered within this time, in milliseconds. */
const CLOSE_MS = 40_000;

function serverOf<R extends AnyTRPCRouter>(
  router: R,
  context: TestLineOptions<R>['context'],
): Server {
  const createContext = ({ session }: ContextOptions): unknown => contextOf(context, session);
  const options: unknown = { router, createContext };
  return createServer(options as Parameters<typeof createServer<AnyTRPCRouter>>[0]);
}

function pipesOf(network: MemoryNetwork) {
  return network.latest(0)?.pipes('both') ?? [];
}
