/** Calls servers of its own and prints what came back. */
import { isAnswered, lineError, openLine, outcomeOf } from '@openline/client';
import { msgpack, msgpackTransformer } from '@openline/msgpack';
import { safe } from '@trpc/client';
import superjson from 'superjson';
import { binaryServer, richServer, server } from './server.js';

const { url } = await server.listen();
const line = openLine<typeof server>({ url });
const api = line.client();

const { greeting } = await api.greet.query({ name: 'world' });
const sum = await api.add.mutate([1, 2]);
const counted = await new Promise<number[]>((resolve, reject) => {
  const items: number[] = [];
  api.count.subscribe(
    { to: 3 },
    { onData: (item) => items.push(item), onComplete: () => resolve(items), onError: reject },
  );
});
const refused = await api.greet.query({ name: 1 as unknown as string }).catch((error: unknown) => ({
  outcome: outcomeOf(error),
  lineError: lineError(error)?.code ?? null,
}));

const { url: richUrl } = await richServer.listen();
const richLine = openLine<typeof richServer>({ url: richUrl, params: { user: 'ada' } });
const rich = richLine.client({ transformer: superjson });

const { user, since } = await rich.who.query();
const bought = await rich.buy.mutate({ books: 2 });
const [, error] = await safe(rich.buy.mutate({ books: 4 }));
const left = error && isAnswered(error) && 'kind' in error.data ? error.data.left : null;
const days: unknown[] = [];
for await (const { id, data } of rich.days.subscribe()) days.push(id, data.getTime());

const { url: binaryUrl } = await binaryServer.listen();
const binaryLine = openLine<typeof binaryServer>({ url: binaryUrl, codec: msgpack });
const bytes = binaryLine.client({ transformer: msgpackTransformer });
const reversed: Uint8Array = await bytes.reverse.mutate(Uint8Array.of(1, 2, 3));
const sum6: bigint = await bytes.sum.query(reversed);
const binary = { sum: Number(sum6), reversed: [...reversed] };

const closables = [line, richLine, binaryLine, server, richServer, binaryServer];
for (const it of closables) await it.close();

console.log(
  JSON.stringify({
    node: process.version,
    // Where there is none, the line brings `ws` itself.
    globalWebSocket: typeof (globalThis as { WebSocket?: unknown }).WebSocket,
    ...{ greeting, sum, counted, refused, binary },
    rich: { user, since: since.getTime(), bought: typeof bought, left, days },
  }),
);

/** Never called: what must compile, and what must not. */
export async function types(): Promise<void> {
  const said: { greeting: string } = await api.greet.query({ name: 'world' });
  const total: number = await api.add.mutate([1, 2]);
  api.count.subscribe(
    { to: 1 },
    { onData: (item: number) => item, onError: (e) => isAnswered(e) && e.data.code },
  );

  // @ts-expect-error: the name is a string.
  await api.greet.query({ name: 1 });
  // @ts-expect-error: a query is not a mutation.
  await api.greet.mutate({ name: 'world' });
  // @ts-expect-error: there is no such procedure.
  await api.part.query({ name: 'world' });
  // @ts-expect-error: a result is no `any`.
  const wrong: { parting: string } = said;
  const transformer = { serialize: String, deserialize: String };
  // @ts-expect-error: the router has no transformer.
  line.client({ transformer });
  void [total, wrong];

  const asBigint: bigint = bought;
  const three: 3 | null = left;
  rich.days.subscribe(undefined, {
    onData: ({ id, data }: { id: string; data: Date }) => [id, data],
  });
  // @ts-expect-error: the router has a transformer.
  richLine.client();
  // @ts-expect-error: the server takes params.
  openLine<typeof richServer>({ url });
  // @ts-expect-error: the user is a string.
  openLine<typeof richServer>({ url, params: { user: 1 } });
  // @ts-expect-error: a date came as one.
  const text: string = since;
  void [asBigint, three, text];
}
