import { initTRPC } from '@trpc/server';
import { openLine, type Line } from '@openline/client';
import { createServer } from '@openline/server';
import { describe, expect, it } from 'vitest';
import { describeWith } from '../src/describe-with.ts';
import { haproxy } from '../src/haproxy.ts';
import { closing, freePort, listen, statesOf } from './client-support.ts';
import { HaProxy } from './real-haproxy.ts';
import { RealNode } from './real-node.ts';
import type { NodeRouter } from './real-node-program.ts';
import { eventually, Follower } from './server-support.ts';

const LINES = 6;
/** Calls that each line has under way at any time. */
const CALLERS = 4;
const ITEM_EVERY_MS = 10;

/** A client that calls all the time and follows a feed, until it is told to stop. */
class Load {
  readonly line: Line<NodeRouter>;
  readonly made: string[] = [];
  readonly answers: { readonly id: string; readonly node: string }[] = [];
  readonly follower: Follower<{ readonly id: string; readonly data: number }> = new Follower();
  readonly states: ReturnType<typeof statesOf>;
  readonly #name: string;
  readonly #callers: Promise<unknown>;
  #isStopped = false;

  constructor(name: string, url: string, startMs: number) {
    this.#name = name;
    this.line = closing(openLine<NodeRouter>({ url }));
    this.states = statesOf(this.line);
    this.line.client().feed.subscribe({ startMs, everyMs: ITEM_EVERY_MS }, this.follower.callbacks);
    this.#callers = Promise.all(Array.from({ length: CALLERS }, () => this.#call()));
    // Who stops the load is told.
    this.#callers.catch(() => {});
  }

  /** Nodes that have answered. */
  get nodes(): Set<string> {
    return new Set(this.answers.map(({ node }) => node));
  }

  /** Resolves when all its calls are answered. @throws what the first one failed with. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#callers;
  }

  async #call(): Promise<void> {
    const api = this.line.client();
    while (!this.#isStopped) {
      const id = `${this.#name}-${this.made.length}`;
      this.made.push(id);
      const isQuery = this.made.length % 2 === 0;
      this.answers.push(await (isQuery ? api.ask.query({ id }) : api.tell.mutate({ id })));
    }
  }
}

describeWith(
  haproxy,
  'two servers behind an HAProxy that are restarted one after the other',
  () => {
    it('fail no call, run none twice, and miss and double no item', async () => {
      const ports = { a: await freePort(), b: await freePort() };
      const before = {
        a: await RealNode.start('a, before', ports.a),
        b: await RealNode.start('b, before', ports.b),
      };
      const proxy = await HaProxy.before(ports);
      const startMs = Date.now();
      const loads = Array.from(
        { length: LINES },
        (_, index) => new Load(`line ${index}`, proxy.url, startMs),
      );
      const served = (): Set<string> => new Set(loads.flatMap(({ nodes }) => [...nodes]));
      await eventually(() => expect(served()).toEqual(new Set(['a, before', 'b, before'])));

      const after: RealNode[] = [];
      for (const name of ['a', 'b'] as const) {
        expect(await before[name].leave()).toBe(0);
        await proxy.until(name, 'DOWN');
        after.push(await RealNode.start(`${name}, after`, ports[name]));
        await proxy.until(name, 'UP');
      }
      await eventually(() => {
        for (const { nodes } of loads) expect([...nodes].at(-1)).toMatch(/after/);
      });

      await Promise.all(loads.map((load) => load.stop()));
      const last = Math.floor((Date.now() - startMs) / ITEM_EVERY_MS);
      const items = Array.from({ length: last }, (_, index) => index + 1);
      for (const { made, answers, follower, states } of loads) {
        expect(answers.map(({ id }) => id).sort()).toEqual([...made].sort());
        const followed = (): unknown[] =>
          follower.log
            .filter((entry) => entry !== 'started')
            .map((entry) => (typeof entry === 'object' && 'data' in entry ? entry.data : entry));
        await eventually(() => expect(followed().length).toBeGreaterThanOrEqual(last));
        expect(followed().slice(0, last)).toEqual(items);
        // The next connection is there before the one before it goes.
        expect(states.map(({ status }) => status).slice(0, 3)).toEqual([
          'idle',
          'connecting',
          'open',
        ]);
        expect(new Set(states.slice(2).map(({ status }) => status))).toEqual(new Set(['open']));
      }

      await Promise.all(loads.map(({ line }) => line.close()));
      expect(await Promise.all(after.map((node) => node.leave()))).toEqual([0, 0]);
      const ran = [before.a, before.b, ...after].flatMap((node) => node.ran);
      expect(ran.sort()).toEqual(loads.flatMap(({ made }) => made).sort());
    }, 60_000);
  },
);

describe('500 clients of a server that drains', () => {
  const CLIENTS = 500;
  const SPREAD_MS = 4_000;
  /** A tenth of them would come in each tenth of the time, give or take; at once, all in the first. */
  const SHARE_OF_TENTH_MAX = 0.2;

  it('come to another one spread over the stated time, and not at once', async () => {
    const t = initTRPC.context<object>().create();
    const nodeOf = (name: string, arrived: () => void) =>
      createServer({
        router: t.router({ where: t.procedure.query(() => name) }),
        createContext: () => {
          arrived();
          return {};
        },
      });
    const arrivalsMs: number[] = [];
    const old = nodeOf('old', () => {});
    const other = nodeOf('other', () => void arrivalsMs.push(performance.now()));
    const [{ url: oldUrl }, { url: otherUrl }] = [await listen(old), await listen(other)];
    let url = oldUrl;
    const lines = Array.from({ length: CLIENTS }, () =>
      closing(openLine<typeof old>({ url: () => url })),
    );
    await Promise.all(lines.map((line) => line.open()));

    url = otherUrl;
    const drainedAtMs = performance.now();
    await old.drain({ timeoutMs: 30_000, spreadMs: SPREAD_MS });

    const nodes = await Promise.all(lines.map((line) => line.client().where.query()));
    expect(new Set(nodes)).toEqual(new Set(['other']));
    expect(arrivalsMs.length).toBe(CLIENTS);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const atMs of arrivalsMs) {
      const tenth = Math.floor(((atMs - drainedAtMs) / SPREAD_MS) * 10);
      // What comes a little late, since the machine is busy, was due in the last tenth.
      tenths[Math.min(tenth, 9)] = (tenths[Math.min(tenth, 9)] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(0);
    expect(Math.max(...tenths)).toBeLessThan(CLIENTS * SHARE_OF_TENTH_MAX);
  }, 60_000);
});
