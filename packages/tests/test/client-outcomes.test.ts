import { initTRPC, tracked } from '@trpc/server';
import { callOptions, lineError, openLine, outcomeOf } from '@openline/client';
import { createServer } from '@openline/server';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { closing, listen, settled, TcpProxy } from './client-support.ts';

/** A router that remembers how often each mutation ran, and counts for whoever follows. */
function createApp() {
  const runs = new Map<number, number>();
  const t = initTRPC.create({ isDev: false });
  const Follow = (input: unknown): { readonly lastEventId?: string } => input ?? {};
  const router = t.router({
    save: t.procedure.input(Number).mutation(async ({ input }) => {
      runs.set(input, (runs.get(input) ?? 0) + 1);
      if (input % 3 === 0) await settled();
      if (input % 5 === 0) throw new Error('refused');
      return input;
    }),
    echo: t.procedure.input(Number).query(({ input }) => input),
    /** Goes on from where its reader was, so that nothing is missing and nothing comes twice. */
    count: t.procedure.input(Follow).subscription(async function* ({ input, signal }) {
      for (let i = Number(input.lastEventId ?? 0) + 1; ; i++) {
        if (signal?.aborted === true) return;
        yield tracked(`${i}`, i);
        if (i % 2 === 0) await settled();
      }
    }),
  });
  return { router, runs };
}

const stepArbitrary = fc.constantFrom(
  'save',
  'save',
  'echo',
  'tick',
  'tick',
  'cut',
  'abort',
  'brief',
);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('whatever the network does', () => {
  it('each call ends once, no mutation runs twice, and no outcome is a lie', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.001);
    const { router, runs } = createApp();
    const { port } = await listen(createServer({ router }));
    const proxy = await TcpProxy.to(port);
    let id = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 40 }), async (steps) => {
        const line = closing(openLine<typeof router>({ url: proxy.url }));
        const api = line.client();
        const ended: Promise<{ readonly id: number; readonly end: string }>[] = [];
        let controller = new AbortController();

        const items: number[] = [];
        const following = new Promise<void>((onComplete) => {
          api.count.subscribe(
            {},
            {
              onData: ({ data }) => items.push(data),
              onError: (error) => expect.unreachable(error.message),
              onComplete,
            },
          );
        });
        for (const step of steps) {
          const name = ++id;
          const { signal } = controller;
          if (step === 'tick') await settled();
          else if (step === 'cut') proxy.cut();
          else if (step === 'abort') {
            controller.abort();
            controller = new AbortController();
          } else if (step === 'echo') {
            const call = api.echo.query(name, { signal });
            ended.push(call.then(String, outcomeOf).then((end) => ({ id: name, end })));
          } else {
            const options = step === 'brief' ? callOptions({ timeoutMs: 1 }) : {};
            const call = api.save.mutate(name, { signal, ...options });
            ended.push(call.then(String, outcomeOf).then((end) => ({ id: name, end })));
          }
        }
        const isGivenUp = steps.some((step) => step === 'abort' || step === 'brief');
        for (const { id: name, end } of await Promise.all(ended)) {
          const ran = runs.get(name) ?? 0;
          if (end === `${name}`) continue;
          // A lost connection is no error: only who gives a call up does without its answer.
          if (!isGivenUp) expect({ name, end }).toEqual({ name, end: 'failed' });
          expect({ name, end, ran }).toEqual({
            name,
            end: expect.stringMatching(/^(?:failed|not-executed|unknown)$/) as string,
            ran: end === 'failed' ? 1 : end === 'not-executed' ? 0 : ran,
          });
        }
        await line.close();
        await following;
        expect(items).toEqual(items.map((_, i) => i + 1));
        expect(Math.max(0, ...runs.values())).toBeLessThanOrEqual(1);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('what is said not to have been executed was not, whether it waited or was cancelled', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.001);
    const { router, runs } = createApp();
    const { port } = await listen(createServer({ router, limits: { callsMax: 4 } }));
    const proxy = await TcpProxy.to(port);
    const line = closing(openLine<typeof router>({ url: proxy.url }));
    const api = line.client();
    const ends = new Map<number, string>();
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const { signal } = controller;
      const calls = Array.from({ length: 10 }, (_, i) => round * 10 + i).map((id) =>
        api.save.mutate(id, { signal }).then(
          () => ends.set(id, 'result'),
          (error: unknown) => ends.set(id, lineError(error)?.outcome ?? 'failed'),
        ),
      );
      await settled();
      if (round % 2 === 0) controller.abort();
      if (round % 3 === 0) proxy.cut();
      await Promise.all(calls);
    }
    await api.echo.query(1); // Everything before it has been read.
    const lies = [...ends].filter(([id, end]) => {
      const ran = runs.get(id) ?? 0;
      return ran > 1 || (end === 'not-executed' && ran > 0) || (end === 'result' && ran === 0);
    });
    expect([lies, ends.size]).toEqual([[], 200]);
    expect(new Set(ends.values()).size).toBeGreaterThan(1);
  });
});
