import type { Calls, Flow, Paused } from '../measure/scenarios.ts';
import type { BulkRequest } from '../systems/system.ts';

export const TICKS = 'a slow source';

export function describeFlow({ direction, bytes }: Flow): string {
  return `${direction}, items of ${describeBytes(bytes)}`;
}

export function describeCalls({ kind, beside }: Calls): string {
  return `${kind} load, small calls ${describeBeside(beside)}`;
}

export function describeBeside(beside: BulkRequest | undefined): string {
  if (beside === undefined) return 'alone';
  const { shape, bytes, items } = beside;
  const what = items === 0 ? 'a result' : `${items} items`;
  return `beside ${what} of ${describeBytes(bytes)}, ${shape}`;
}

export function describePaused({ connections, bytes }: Paused): string {
  const count = connections === 1 ? '1 connection' : `${connections} connections`;
  return `${count}, items of ${describeBytes(bytes)}`;
}

const KIB = 1_024;

/** Powers of two in their own units, others in decimal ones. */
function describeBytes(bytes: number): string {
  if (bytes % (KIB * KIB) === 0) return `${bytes / (KIB * KIB)} MiB`;
  if (bytes % KIB === 0) return `${bytes / KIB} KiB`;
  return bytes < 1_000 ? `${bytes} B` : `${bytes / 1_000} kB`;
}
