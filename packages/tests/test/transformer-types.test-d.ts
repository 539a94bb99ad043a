import { openLine } from '@openline/client';
import { transformer } from '@openline/transformer';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import {
  initTRPC,
  type inferRouterInputs,
  type inferRouterOutputs,
  type TRPCCombinedDataTransformer,
  type TRPCDataTransformer,
} from '@trpc/server';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';

interface Rich {
  readonly at: Date;
  readonly stock: Map<string, { left: number }>;
  readonly cents: bigint;
  readonly bytes: Uint8Array;
  readonly maybe: Set<string> | undefined;
}
declare const value: Rich;

const t = initTRPC.create({ transformer });
const router = t.router({
  rich: t.procedure.query(() => value),
  since: t.procedure.input(z.date()).mutation(({ input }) => [input] as const),
  items: t.procedure.subscription(async function* () {
    yield value;
  }),
});

const url = 'ws://localhost/rpc';

describe('the transformer', () => {
  it('is one of tRPC, alone or for each direction', () => {
    expectTypeOf(transformer).toExtend<TRPCDataTransformer>();
    const both = { input: transformer, output: transformer };
    expectTypeOf(both).toExtend<TRPCCombinedDataTransformer>();
    const split = initTRPC.create({ transformer: both });
    const splitRouter = split.router({ rich: split.procedure.query(() => value) });
    const api = openLine<typeof splitRouter>({ url }).client({ transformer: both });
    expectTypeOf(api.rich.query()).resolves.toEqualTypeOf<Rich>();
  });

  it('gives clients what procedures return, and takes what they take', () => {
    const line = openLine<typeof router>({ url });
    const links = [httpBatchLink({ url, transformer })];
    for (const api of [line.client({ transformer }), createTRPCClient<typeof router>({ links })]) {
      expectTypeOf(api.rich.query()).resolves.toEqualTypeOf<Rich>();
      expectTypeOf(api.since.mutate).parameter(0).toEqualTypeOf<Date>();
      expectTypeOf(api.since.mutate(new Date())).resolves.toEqualTypeOf<readonly [Date]>();
      api.items.subscribe(undefined, {
        onData: (item) => expectTypeOf(item).toEqualTypeOf<Rich>(),
      });
    }
    expectTypeOf<inferRouterOutputs<typeof router>['rich']>().toEqualTypeOf<Rich>();
    expectTypeOf<inferRouterInputs<typeof router>['since']>().toEqualTypeOf<Date>();
    expectTypeOf(router.createCaller({}).rich()).resolves.toEqualTypeOf<Rich>();
    // @ts-expect-error -- The router has a transformer.
    line.client();
  });
});
