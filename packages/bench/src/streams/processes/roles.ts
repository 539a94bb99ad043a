import type { CpuUsage, MemoryUsage } from '../../processes/roles.ts';
import type { LoadKind } from '../../cell.ts';
import type { FlowRequest } from '../load/flow.ts';
import type { LatencyFigures } from '../load/latencies.ts';
import type { StreamSystemName } from '../systems/index.ts';
import type { BulkRequest } from '../systems/system.ts';

/** What the command may ask of a process that serves one system. */
export interface StreamServerRole {
  /** Resolves when the server listens, with where. */
  serve(system: StreamSystemName): Promise<{ readonly url: string }>;
  cpu(): CpuUsage;
  /** From here on endless sources are counted, and end where the process has grown by so much. */
  resetTap(growthBytesMax: number): void;
  tap(): TapReading;
  /** What is held once garbage is collected. */
  memory(): MemoryUsage;
}

export interface TapReading {
  /** Items that were taken of endless sources. */
  readonly taken: number;
  /** They were ended, since the process had grown by as much as it may. */
  readonly isShut: boolean;
}

/** What the command may ask of a process that reads and calls one system. Each opens and closes what it needs. */
export interface StreamLoadRole {
  /** A client with one connection, for `down`, `up` and `ticks`. It has done one call. */
  open(system: StreamSystemName, url: string): Promise<void>;
  close(): Promise<void>;
  /** How long the items took, in milliseconds. */
  down(request: FlowRequest): Promise<number>;
  up(request: FlowRequest): Promise<number>;
  ticks(request: { readonly everyMs: number; readonly count: number }): Promise<LatencyFigures>;
  /** Small calls beside something large, on a connection of their own. */
  calls(request: CallsRequest): Promise<LatencyFigures>;
  openReaders(request: ReadersRequest): Promise<void>;
  /** Each of the readers reads so many more, and then stops to read. */
  read(count: number): Promise<void>;
  cutReaders(): void;
}

export interface CallsRequest {
  readonly system: StreamSystemName;
  readonly url: string;
  readonly kind: LoadKind;
  readonly beside: BulkRequest | undefined;
  readonly durationMs: number;
}

export interface ReadersRequest {
  readonly system: StreamSystemName;
  readonly url: string;
  readonly connections: number;
  /** Of an item. */
  readonly bytes: number;
}
