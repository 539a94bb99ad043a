/** Calls a server of its own and prints what came back. */
import { isAnswered, lineError, openLine, outcomeOf } from '@openline/client';
import { server } from './server.js';

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

await line.close();
await server.close();

console.log(JSON.stringify({ greeting, sum, counted, refused }));

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
}
