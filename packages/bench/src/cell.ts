/** A shape of load: so many connections, each with so many calls in flight at any time. */
export interface Cell {
  readonly connections: number;
  readonly inFlight: number;
}

export const CELLS: readonly Cell[] = [
  { connections: 1, inFlight: 1 },
  { connections: 1, inFlight: 64 },
  { connections: 50, inFlight: 16 },
];

export function formatCell({ connections, inFlight }: Cell): string {
  return `${connections}x${inFlight}`;
}

/** Reads `50x16`. */
export function parseCell(text: string): Cell {
  const match = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text);
  if (match === null) throw new Error(`a cell is written as 50x16, not ${text}`);
  return { connections: Number(match[1]), inFlight: Number(match[2]) };
}

/** Who speaks for the clients: the same bare sockets for every system, or each system's own client. */
export type LoadKind = 'lean' | 'own';
export const LOAD_KINDS: readonly LoadKind[] = ['lean', 'own'];
