// What the guide shows of a client that reads streams.
import { isGap } from '@openline/client';
import type { TRPCClient } from '@trpc/client';
import type { StreamsRouter } from './streams.ts';

export async function follow(
  api: TRPCClient<StreamsRouter>,
  plot: (reading: number) => void,
  tellMissing: (count: number | null) => void,
) {
  for await (const item of api.readings.subscribe()) {
    if (isGap(item)) tellMissing(item.missed);
    else plot(item);
  }
}
