import { openLine } from '@openline/client';
import {
  createServer,
  each,
  isStreamInput,
  stream,
  streams,
  type StreamInput,
} from '@openline/server';
import { initTRPC } from '@trpc/server';
import * as z from 'zod';

interface Store {
  append(room: string, line: string): Promise<void>;
  search(text: string, options: { signal: AbortSignal | undefined }): AsyncIterable<string>;
  rows(): AsyncIterable<{ readonly id: string }>;
}

const t = initTRPC.create();

export function routerOf(store: Store) {
  return t.router({
    upload: t.procedure
      .input(z.object({ room: z.string() }))
      .input(streams({ lines: z.string().max(1_000) }))
      .mutation(async ({ input }) => {
        let count = 0;
        for await (const line of input.lines) {
          await store.append(input.room, line);
          count++;
        }
        return { count };
      }),

    sum: t.procedure.input(stream(z.number())).mutation(async ({ input }) => {
      let sum = 0;
      for await (const n of input) sum += n;
      return sum;
    }),

    merge: t.procedure.input(Parts).mutation(({ input }) => input.parts.length),

    search: t.procedure.input(z.string()).query(async function* ({ input, signal }) {
      yield* store.search(input, { signal });
    }),
    report: t.procedure.query(() => ({ title: 'All rows', rows: store.rows() })),
  });
}

const Lines = z.custom<StreamInput<string>>(isStreamInput).transform(each(z.string()));
const Parts = z.object({ parts: z.array(z.object({ name: z.string(), lines: Lines })) });

export async function use(store: Store, file: File, show: (text: string) => void) {
  const server = createServer({ router: routerOf(store) });
  const { url } = await server.listen();
  const api = openLine<typeof server>({ url }).client();

  async function* lines() {
    yield 'first';
    yield 'second';
  }
  await api.upload.mutate({ room: 'r', lines: lines() });
  const text = file.stream().pipeThrough(new TextDecoderStream());
  await api.upload.mutate({ room: 'r', lines: text });

  for await (const hit of await api.search.query('line')) show(hit);

  const { title, rows } = await api.report.query();
  show(title);
  for await (const { id } of rows) show(id);
}
