import { createServer, type ContextOptions } from '@openline/server';
import { msgpack, msgpackTransformer } from '@openline/msgpack';
import { initTRPC, tracked, TRPCError } from '@trpc/server';
import superjson from 'superjson';
import { z } from 'zod';

const t = initTRPC.create();

const appRouter = t.router({
  greet: t.procedure.input(z.object({ name: z.string() })).query(({ input }) => ({
    greeting: `hello ${input.name}`,
  })),
  add: t.procedure
    .input(z.tuple([z.number(), z.number()]))
    .mutation(({ input: [left, right] }) => left + right),
  count: t.procedure.input(z.object({ to: z.number() })).subscription(async function* ({ input }) {
    for (let number = 1; number <= input.to; number += 1) yield number;
  }),
});

export type AppRouter = typeof appRouter;

export const server = createServer({ router: appRouter });

/** A second one, with a transformer, params, a context and errors of its own. */
const Params = z.object({ user: z.string() });

function createContext({ params }: ContextOptions<z.output<typeof Params>>) {
  return { user: params.user };
}

const rich = initTRPC.context<typeof createContext>().create({ transformer: superjson });

const richRouter = rich.router({
  who: rich.procedure.query(({ ctx }) => ({ user: ctx.user, since: new Date(0) })),
  buy: rich.procedure
    .input(z.object({ books: z.number() }))
    .errors(({ error, shape }) =>
      error.code === 'CONFLICT'
        ? { ...shape, data: { kind: 'sold-out', left: 3 } as const }
        : undefined,
    )
    .mutation(({ input }): bigint => {
      if (input.books > 3) throw new TRPCError({ code: 'CONFLICT' });
      return BigInt(input.books);
    }),
  days: rich.procedure.subscription(async function* () {
    yield tracked('first', new Date(0));
  }),
});

export const richServer = createServer({ router: richRouter, params: Params, createContext });

/** A third one, whose clients may speak MessagePack. */
const binary = initTRPC.create({ transformer: msgpackTransformer });
const bytes = binary.procedure.input(
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && !Buffer.isBuffer(value)),
);

const binaryRouter = binary.router({
  reverse: bytes.mutation(({ input }) => input.slice().reverse()),
  sum: bytes.query(({ input }) => input.reduce((sum, byte) => sum + BigInt(byte), 0n)),
});

export const binaryServer = createServer({ router: binaryRouter, codecs: [msgpack] });
