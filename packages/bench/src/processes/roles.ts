import type { Cell, LoadKind } from '../cell.ts';
import type { SystemName } from '../systems/index.ts';

/** What the command may ask of a process that serves one system. */
export interface ServerRole {
  /** Resolves when the server listens, with where. */
  serve(system: SystemName): Promise<{ readonly url: string }>;
  cpu(): CpuUsage;
  /** What is still needed, once what was closed is gone and garbage is collected. */
  memory(): Promise<MemoryUsage>;
}

/** CPU time of all of the process's threads since it started. */
export interface CpuUsage {
  readonly totalMicros: number;
}

export interface MemoryUsage {
  /** The JavaScript heap and what it owns outside, such as buffers. */
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** What the command may ask of a process that calls one system. */
export interface LoadRole {
  /** Opens a cell's connections, warms both sides up and checks every reply on the way. */
  prepare(request: LoadRequest): Promise<void>;
  /** Loads for so long, then waits for what is in flight, so that nothing runs before and after. */
  measure(durationMs: number): Promise<LoadResult>;
  /** Closes the connections. */
  release(): Promise<void>;
}

export interface LoadRequest {
  readonly system: SystemName;
  readonly url: string;
  readonly kind: LoadKind;
  readonly cell: Cell;
  /** 0: the connections do a call for each of the cell in flight, and are then idle. */
  readonly warmUpMs: number;
  /** Checks every reply while measuring too, which costs the load more than it costs the server. */
  readonly checked: boolean;
}

export interface LoadResult {
  readonly calls: number;
  readonly elapsedMs: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}
