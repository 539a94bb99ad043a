// What runs in the browser. The test bundles it.
import { openLine } from '@openline/client';
import { msgpack, msgpackTransformer } from '@openline/msgpack';
import type { RichRouter } from './msgpack-app.ts';

export interface Seen {
  readonly kinds: readonly string[];
  readonly bytes: readonly number[];
  readonly sum: number;
  readonly reversed: number;
}

async function lookAt(url: string): Promise<Seen> {
  const line = openLine<RichRouter>({ url, codec: msgpack });
  const api = line.client({ transformer: msgpackTransformer });
  const rich = await api.rich.query();
  const { sum } = await api.sum.query(Uint8Array.of(1, 2, 3));
  const large = await api.reversed.mutate(new Uint8Array(200_000).fill(1, 0, 2));
  await line.close();
  return {
    kinds: Object.values(rich).map((value) => Object.prototype.toString.call(value)),
    bytes: Array.from(rich.bytes),
    sum,
    reversed: large.lastIndexOf(1),
  };
}

Object.assign(globalThis, { lookAt });
