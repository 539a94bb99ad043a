import type { AnyTRPCRouter } from '@trpc/server';
import { openLine, type Line } from '@openline/client';
import { Machine } from '../machine.ts';
import type { MemoryNetwork } from '../network/network.ts';
import type { Log } from './log.ts';

/** Calls without a timeout of their own wait for ever. */
const NO_TIMEOUT = Infinity;
/** What a server says to a connection when a later one has its session. */
const TAKEN = 'another connection has the session';

/** One client of a story: a line on a machine of its own. */
export class SimulatedClient {
  readonly index: number;
  readonly machine: Machine = new Machine();
  readonly line: Line<AnyTRPCRouter>;

  constructor(index: number, network: MemoryNetwork, log: Log) {
    this.index = index;
    this.line = openLine<AnyTRPCRouter>({
      url: 'ws://simulated/rpc',
      WebSocket: network.webSocketClass(index, this.machine),
      params: index,
      timeoutMs: NO_TIMEOUT,
    });
    let wasOpen = false;
    this.line.state.subscribe((state) => {
      const about = state.status === 'waiting' ? ` (${state.error.message})` : '';
      const resumed = state.status === 'open' ? `, resumed ${state.resumed} times` : '';
      log.tell(`line ${index} is ${state.status}${resumed}${about}`);
      const isTaken = state.status === 'waiting' && state.error.message.includes(TAKEN);
      if (isTaken && wasOpen) log.fault(`a stale hello has taken the session of line ${index}`);
      wasOpen = state.status === 'open';
    });
  }

  /** It sleeps for a while. `felt`: something has to wait for that. */
  sleep(ms: number, log: Log, felt: () => void): void {
    this.machine.sleep(ms, felt);
    log.sleeps(this.index, this.machine.wakesAtMs);
  }
}
