import { inputFrame, type IncomingCall, type OutgoingCall, type StreamPath } from '../src/index.ts';
import { Pair, type PairOptions, type Side } from './pair.ts';

/** The two ends of a stream, whichever way it goes. */
export interface OpenStream {
  readonly pair: Pair;
  readonly writer: Side;
  readonly reader: Side;
  readonly stream: number;
  readonly call: OutgoingCall<string>;
  readonly incoming: IncomingCall<string>;
  mayWrite(): boolean;
  write(data: unknown): void;
  close(): void;
  fail(shape: unknown): void;
  stop(): void;
  /** Writes as many items as may be written, up to so many. Gives how many. */
  writeAll(data?: unknown, most?: number): number;
}

export type Direction = 'input' | 'returned' | 'subscription';

export const PATHS: readonly StreamPath[] = [['a'], ['b']];

/** A stream of a call of the client, both hosts of which have it: the second of two, where there are two. */
export function openStream(direction: Direction, options: PairOptions = {}): OpenStream {
  const pair = new Pair(options);
  const { client, server } = pair;
  const isInput = direction === 'input';
  const kind = direction === 'subscription' ? 'subscription' : 'mutation';
  const call = client.call('a', 1, kind, isInput ? { streams: PATHS } : {});
  pair.settle();
  const incoming = server.incoming(call.id);
  const { caller } = client.session;
  const { callee } = server.session;
  if (direction === 'subscription') callee.subscribed(incoming);
  if (direction === 'returned') callee.returned(incoming, PATHS, 1);
  pair.settle();
  client.told();
  server.told();
  const stream = direction === 'subscription' ? 0 : 2;
  const mayWrite = (): boolean =>
    isInput ? caller.streams.mayWrite(call, stream) : callee.streams.mayWrite(incoming, stream);
  const write = (data: unknown): void => {
    if (isInput) caller.streams.write(call, stream, inputFrame(call.id, stream, data));
    else callee.item(incoming, data, undefined, stream);
  };
  return {
    pair,
    writer: isInput ? client : server,
    reader: isInput ? server : client,
    stream,
    call,
    incoming,
    mayWrite,
    write,
    close: () =>
      isInput ? caller.streams.close(call, stream) : callee.streams.close(incoming, stream),
    fail: (shape) =>
      isInput
        ? caller.streams.fail(call, stream, shape)
        : callee.streams.fail(incoming, stream, shape),
    stop: () =>
      isInput ? callee.streams.stop(incoming, stream) : caller.streams.stop(call, stream),
    writeAll(data = 'x', most = Infinity) {
      let count = 0;
      while (count < most && mayWrite()) {
        write(data);
        count++;
      }
      return count;
    },
  };
}
