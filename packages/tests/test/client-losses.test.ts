import { lineError, openLine } from '@openline/client';
import { createServer } from '@openline/server';
import { initTRPC } from '@trpc/server';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { closing, failureOf, freePort, listen, WORDS } from './client-support.ts';

const file = new File(['text'], 'name.txt');
const form = new FormData();
form.append('file', file);

/** A router with inputs that tRPC takes over HTTP, and how often a procedure of it ran. */
function createApp() {
  const t = initTRPC.create();
  const app = { runs: 0 };
  const run = (): number => ++app.runs;
  const router = t.router({
    file: t.procedure.input(z.object({ files: z.array(z.file()) })).mutation(run),
    blob: t.procedure.input(z.instanceof(Blob)).mutation(run),
    form: t.procedure.input(z.instanceof(FormData)).mutation(run),
    follow: t.procedure.input(z.instanceof(Blob)).subscription(async function* () {
      yield run();
    }),
    any: t.procedure.input((input: unknown) => input).query(({ input }) => input),
  });
  return { app, router };
}

describe('an input that JSON would make nothing of', () => {
  it('ends its call as ENCODING, not executed, and is named', async () => {
    const { app, router } = createApp();
    const { url } = await listen(createServer({ router }));
    const api = closing(openLine<typeof router>({ url })).client();
    const calls = {
      File: api.file.mutate({ files: [file] }),
      Blob: api.blob.mutate(file.slice()),
      FormData: api.form.mutate(form),
      Map: api.any.query(new Map([[1, 2]])),
      Promise: api.any.query([[Promise.resolve(1)]]),
    };
    for (const [kind, call] of Object.entries(calls)) {
      const error = await failureOf(call);
      const told = { code: 'ENCODING', outcome: 'not-executed', message: WORDS };
      expect(lineError(error)).toEqual(told);
      expect(error).toMatchObject({ message: expect.stringContaining(`[object ${kind}]`) });
    }
    const error = await failureOf(
      new Promise((_, onError) => api.follow.subscribe(file, { onError })),
    );
    expect(lineError(error)).toMatchObject({ code: 'ENCODING', outcome: 'not-executed' });
    expect(app.runs).toBe(0);
  });

  it('ends its call at once, also on a line that is not open', async () => {
    const { router } = createApp();
    const url = `ws://127.0.0.1:${await freePort()}/`;
    const line = closing(openLine<typeof router>({ url }));
    const error = await failureOf(line.client().blob.mutate(file));
    expect(lineError(error)?.code).toBe('ENCODING');
  });

  it('is the same behind a transformer that does not know it', async () => {
    const t = initTRPC.create({ transformer: superjson });
    const router = t.router({
      file: t.procedure.input(z.file()).mutation(() => true),
      map: t.procedure.input(z.map(z.string(), z.date())).query(({ input }) => input),
    });
    const { url } = await listen(createServer({ router }));
    const api = closing(openLine<typeof router>({ url })).client({ transformer: superjson });
    expect(lineError(await failureOf(api.file.mutate(file)))?.code).toBe('ENCODING');
    const map = new Map([['a', new Date(0)]]);
    expect(await api.map.query(map)).toEqual(map);
    expect(await api.map.query(new Map())).toEqual(new Map());
  });

  it('is none that has no members, or says itself what it is', async () => {
    const { router } = createApp();
    const { url } = await listen(createServer({ router }));
    const api = closing(openLine<typeof router>({ url })).client();
    class Nothing {
      readonly #hidden = 1;
      get hidden(): number {
        return this.#hidden;
      }
    }
    const inputs = [
      {},
      { a: {}, b: [{}], c: '{}', d: null, e: new Date(0), f: undefined, g: [[], [[]]] },
      [Object.create(null), new Nothing()],
      { empty: {}, said: { toJSON: () => 'text', hidden: new Map() } },
    ];
    for (const input of inputs) {
      expect(await api.any.query(input)).toEqual(JSON.parse(JSON.stringify(input)));
    }
  });
});
