import type { Cell } from '../cell.ts';
import type { LeanDialect } from '../systems/system.ts';
import { LeanConnection } from './lean-connection.ts';
import type { Load, LoadWindow } from './window.ts';

/** Load by bare sockets that do as little as they can, so that the server is what is measured. */
export class LeanLoad implements Load {
  readonly #connections: readonly LeanConnection[];

  private constructor(connections: readonly LeanConnection[]) {
    this.#connections = connections;
  }

  static async open(dialect: LeanDialect, url: string, cell: Cell): Promise<LeanLoad> {
    const connections: LeanConnection[] = [];
    while (connections.length < cell.connections) {
      connections.push(await LeanConnection.open(dialect, url, cell.inFlight));
    }
    return new LeanLoad(connections);
  }

  get parties(): number {
    return this.#connections.length;
  }

  begin(window: LoadWindow): void {
    for (const connection of this.#connections) connection.begin(window);
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }
}
