import { lineError, openLine, outcomeOf, callOptions, type Codec } from '@openline/client';
import { msgpack, msgpackTransformer } from '@openline/msgpack';
import { createServer } from '@openline/server';
import { createTRPCClient, httpLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { closing, failureOf, listen, Queue, TcpProxy, until } from './client-support.ts';
import { Chunks, RICH, richRouter, richServer, type RichRouter } from './msgpack-app.ts';
import { eventually, leaveNoSocket, listening } from './server-support.ts';

beforeEach(leaveNoSocket);
beforeEach(() => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.01);
  return () => random.mockRestore();
});

const transformer = msgpackTransformer;

async function world(codec: Codec | undefined = msgpack) {
  const chunks = new Chunks();
  const charged = new Queue<Uint8Array>();
  const { router, finish } = richRouter(chunks, charged);
  const { port } = await listen(richServer(router));
  const proxy = await TcpProxy.to(port);
  const line = closing(openLine<RichRouter>({ url: proxy.url, codec }));
  return { chunks, charged, finish, proxy, line, api: line.client({ transformer }) };
}

/** Some bytes in which every value occurs. */
function bytesOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

/** Each with the transformer: the values are the same, whatever is underneath. */
describe.each([
  { name: 'MessagePack', codec: msgpack },
  { name: 'JSON', codec: undefined },
])('a line that speaks $name', ({ codec }) => {
  it('gives a caller dates, bigints, bytes, maps and sets, and types that say so', async () => {
    const { api } = await world(codec);
    const rich = await api.rich.query();
    expectTypeOf(rich).toEqualTypeOf<typeof RICH>();
    expect(rich).toStrictEqual(RICH);
  });

  it('gives a procedure bytes as a Uint8Array, also where they were a Buffer', async () => {
    const { api } = await world(codec);
    const given = { kind: '[object Uint8Array]', isBuffer: false, sum: 6 };
    expect(await api.sum.query(Uint8Array.of(1, 2, 3))).toEqual(given);
    expect(await api.sum.query(Buffer.from([1, 2, 3]))).toEqual(given);
    const reversed = await api.reversed.mutate(Uint8Array.of(1, 2));
    expect(reversed).toStrictEqual(Uint8Array.of(2, 1));
    expect(Buffer.isBuffer(reversed)).toBe(false);
  });

  it.each([65_535, 65_536, 200_000])('carries %i bytes both ways', async (size) => {
    const { api } = await world(codec);
    const bytes = bytesOf(size);
    expect(await api.reversed.mutate(bytes)).toStrictEqual(bytes.slice().reverse());
  });

  it('carries a stream of bytes over lost connections, each item once', async () => {
    const { api, chunks, line, proxy } = await world(codec);
    const items: Uint8Array[] = [];
    const errors: unknown[] = [];
    const subscription = api.chunks.subscribe(undefined, {
      onData: ({ data }) => items.push(data),
      onError: (error) => errors.push(error),
    });
    for (let round = 1; round <= 3; round++) {
      chunks.publish(bytesOf(round));
      await eventually(() => expect(items).toHaveLength(2 * round - 1));
      chunks.publish(bytesOf(100_000 + round));
      proxy.cut();
      await until(line, 'open', ({ resumed }) => resumed === round);
    }
    await eventually(() => expect(items).toHaveLength(6));
    expect(items).toStrictEqual(chunks.log);
    expect(errors).toEqual([]);
    subscription.unsubscribe();
  });

  it('gives the outcome of a `once` mutation as it was, from its record', async () => {
    const { api, charged, finish } = await world(codec);
    const key = callOptions({ idempotencyKey: 'k' });
    const input = { bytes: bytesOf(10), amount: 5n, at: new Date(1) };
    const first = api.charge.mutate(input, key);
    expect(await charged.next()).toEqual(bytesOf(10));
    finish();
    const outcome = { ...RICH, charged: 5n };
    expect(await first).toStrictEqual(outcome);
    expect(await api.charge.mutate({ ...input }, key)).toStrictEqual(outcome);
    expect(charged.length).toBe(0);
    for (const other of [{ bytes: bytesOf(11) }, { amount: 6n }, { at: new Date(2) }]) {
      const error = await failureOf(api.charge.mutate({ ...input, ...other }, key));
      expect(lineError(error)?.code).toBe('KEY_REUSED');
    }
  });

  it('ends a call whose input it cannot carry, alone', async () => {
    const { api } = await world(codec);
    const { proxy, revoke } = Proxy.revocable(new Uint8Array(), {});
    revoke();
    const error = await failureOf(api.sum.query(proxy));
    expect(lineError(error)?.code).toBe('ENCODING');
    expect(outcomeOf(error)).toBe('not-executed');
    expect((await api.sum.query(Uint8Array.of(1))).sum).toBe(1);
  });
});

describe('without a transformer', () => {
  it('values travel as they are, and the types are those of tRPC', async () => {
    const t = initTRPC.create();
    const router = t.router({
      now: t.procedure.query(() => ({ at: new Date(1), left: undefined })),
    });
    const { url } = await listen(createServer({ router, codecs: [msgpack] }));
    const now = (codec?: Codec) =>
      closing(openLine<typeof router>({ url, codec })).client().now.query();
    expectTypeOf(await now(msgpack)).toEqualTypeOf<{ at: string }>();
    expect(await now(msgpack)).toStrictEqual({ at: new Date(1) });
    expect(await now()).toStrictEqual({ at: new Date(1).toISOString() });
  });
});

describe("tRPC's own link over HTTP", () => {
  it('carries the same values by the transformer', async () => {
    const { router } = richRouter();
    const http = await listening(createHttpServer(createHTTPHandler({ router })));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const api = createTRPCClient<RichRouter>({ links: [httpLink({ url, transformer })] });
    expect(await api.rich.query()).toStrictEqual(RICH);
    expect(await api.dayAfter.query({ at: new Date(0) })).toStrictEqual(new Date(86_400_000));
    http.closeAllConnections();
  });
});

describe('a server', () => {
  it('that speaks JSON alone refuses the line in words that say so', async () => {
    const { router } = richRouter();
    const { url } = await listen(createServer({ router }));
    const line = closing(openLine<RichRouter>({ url, codec: msgpack }));
    const error = await failureOf(line.client({ transformer }).rich.query());
    const message = 'this server speaks openline.v1.json';
    expect(lineError(error)).toMatchObject({ code: 'REJECTED', outcome: 'not-executed', message });
    expect(line.state.get()).toMatchObject({ status: 'closed', error: { message } });
  });

  it('that speaks more names all of it', async () => {
    const { router } = richRouter();
    const { url } = await listen(richServer(router));
    const codec: Codec = { ...msgpack, name: 'openline.v9.cbor' };
    const error = await failureOf(openLine<RichRouter>({ url, codec }).open());
    expect(lineError(error)?.message).toBe(
      'this server speaks openline.v1.json, openline.v1.msgpack',
    );
  });

  it('answers lines of both codecs at once', async () => {
    const { router } = richRouter();
    const { url } = await listen(richServer(router));
    const lines = [msgpack, undefined].map((codec) =>
      closing(openLine<RichRouter>({ url, codec })),
    );
    const answers = await Promise.all(
      lines.map((line) => line.client({ transformer }).rich.query()),
    );
    expect(answers).toStrictEqual([RICH, RICH]);
  });
});
