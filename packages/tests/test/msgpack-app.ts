import { msgpack, msgpackTransformer } from '@openline/msgpack';
import { createServer, once, type Server } from '@openline/server';
import { initTRPC, tracked } from '@trpc/server';
import { z } from 'zod';
import { deferred, Queue } from './client-support.ts';

const t = initTRPC.create({ isDev: false, transformer: msgpackTransformer });
const Bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** What JSON cannot carry, as members and as they are. */
export const RICH = {
  at: new Date(1_700_000_000_123),
  big: 2n ** 70n,
  bytes: Uint8Array.of(0, 39, 255),
  floats: Float64Array.of(0.5, NaN),
  map: new Map<unknown, unknown>([[1n, new Set(['a'])]]),
  none: Infinity,
};

/** What the items of `chunks` are made of, when the test gives them. */
export class Chunks {
  readonly log: Uint8Array[] = [];
  #wake = deferred<undefined>();

  publish(chunk: Uint8Array): void {
    this.log.push(chunk);
    this.#wake.resolve(undefined);
    this.#wake = deferred<undefined>();
  }

  async *read(from: number, signal: AbortSignal | undefined): AsyncGenerator<[string, Uint8Array]> {
    const isOver = deferred<undefined>();
    signal?.addEventListener('abort', () => isOver.resolve(undefined));
    for (let at = from; ;) {
      if (signal?.aborted === true) return;
      const chunk = this.log[at];
      if (chunk !== undefined) yield [`${++at}`, chunk];
      else await Promise.race([this.#wake.promise, isOver.promise]);
    }
  }
}

/** A router whose types say what the codec carries. */
export function richRouter(chunks = new Chunks(), charged = new Queue<Uint8Array>()) {
  const gate = deferred<undefined>();
  const router = t.router({
    rich: t.procedure.query(() => RICH),
    dayAfter: t.procedure
      .input(z.object({ at: z.date() }))
      .query(({ input }) => new Date(input.at.getTime() + 86_400_000)),
    sum: t.procedure.input(Bytes).query(({ input }) => ({
      kind: Object.prototype.toString.call(input),
      isBuffer: Buffer.isBuffer(input),
      sum: input.reduce((sum, byte) => sum + byte, 0),
    })),
    /** Gives a Buffer, as Node's own functions do. */
    reversed: t.procedure
      .input(Bytes)
      .mutation(({ input }): Uint8Array => Buffer.from(input).reverse()),
    chunks: t.procedure
      .input(z.object({ lastEventId: z.string().optional() }).optional())
      .subscription(async function* ({ input, signal }) {
        const read = chunks.read(Number(input?.lastEventId ?? 0), signal);
        for await (const [id, chunk] of read) yield tracked(id, chunk);
      }),
    charge: t.procedure
      .concat(once)
      .input(z.object({ bytes: Bytes, amount: z.bigint(), at: z.date() }))
      .mutation(async ({ input }) => {
        charged.push(input.bytes);
        await gate.promise;
        return { ...RICH, charged: input.amount };
      }),
  });
  return { router, finish: () => gate.resolve(undefined) };
}
export type RichRouter = ReturnType<typeof richRouter>['router'];

export function richServer(router: RichRouter): Server<RichRouter> {
  return createServer({ router, codecs: [msgpack] });
}
