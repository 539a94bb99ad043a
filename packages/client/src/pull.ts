import { createTRPCClientProxy, createTRPCUntypedClient, type TRPCClient } from '@trpc/client';
import type { AnyTRPCRouter } from '@trpc/server';
import { StreamReader } from '@openline/protocol';
import { LineCall } from './call.ts';
import { combined, createLink, startCall, type CallStarter, type LinkTransformer } from './link.ts';

type UntypedClient<R extends AnyTRPCRouter> = ReturnType<typeof createTRPCUntypedClient<R>>;
interface SubscribeOptions {
  readonly context?: Record<string, unknown>;
  readonly signal?: AbortSignal;
}

/**
 * A client of tRPC over the line. One difference to `createTRPCClient`: a subscription without
 * callbacks gives its items as they are pulled. tRPC's own would take all that come, and keep them.
 */
export function createPullingClient<R extends AnyTRPCRouter>(
  line: CallStarter,
  transformer?: LinkTransformer,
): TRPCClient<R> {
  const client = createTRPCUntypedClient<R>({ links: [createLink<R>(line, transformer)] });
  const subscribe = client.subscription.bind(client);
  const subscription = (path: string, input: unknown, options: SubscribeOptions = {}): unknown =>
    Object.values(options).some((option) => typeof option === 'function')
      ? subscribe(path, input, options as Parameters<typeof subscribe>[2])
      : pullItems(line, path, input, options, transformer);
  return createTRPCClientProxy(Object.assign(client, { subscription }) as UntypedClient<R>);
}

function pullItems(
  line: CallStarter,
  path: string,
  input: unknown,
  { context = {}, signal }: SubscribeOptions,
  transformer: LinkTransformer | undefined,
): AsyncIterableIterator<unknown> {
  const operation = { id: 0, type: 'subscription', path, input, context, signal } as const;
  const observer = {
    next: () => {},
    error: (cause: unknown) => reader.end({ cause }),
    complete: () => reader.end(),
  };
  const call = new LineCall(
    { ...operation, signal: signal ?? null },
    line.defaultTimeoutMs,
    observer,
    combined(transformer),
  );
  const reader = new StreamReader({
    read: (data) => call.read(data),
    consumed: (item) => call.consumed(item),
    stopped: () => drop(),
  });
  call.reader = reader;
  const drop = startCall(line, call, signal ?? null);
  return reader;
}
