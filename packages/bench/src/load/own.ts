import type { Cell } from '../cell.ts';
import type { OwnClient } from '../systems/system.ts';
import { INPUT, isAnswer } from '../workload.ts';
import type { Load, LoadWindow } from './window.ts';

/** Load by each system's own client, as an application would call it: one `await` after the other. */
export class OwnLoad implements Load {
  readonly #clients: readonly OwnClient[];
  readonly #inFlight: number;

  private constructor(clients: readonly OwnClient[], inFlight: number) {
    this.#clients = clients;
    this.#inFlight = inFlight;
  }

  static async open(
    connect: (url: string) => Promise<OwnClient>,
    url: string,
    { connections, inFlight }: Cell,
  ): Promise<OwnLoad> {
    const clients: OwnClient[] = [];
    while (clients.length < connections) clients.push(await connect(url));
    return new OwnLoad(clients, inFlight);
  }

  get parties(): number {
    return this.#clients.length * this.#inFlight;
  }

  begin(window: LoadWindow): void {
    for (const client of this.#clients) {
      for (let n = 0; n < this.#inFlight; n++) {
        callOn(client, window).then(
          () => window.partyDone(),
          (error: unknown) => window.fail(error),
        );
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }
}

async function callOn(client: OwnClient, window: LoadWindow): Promise<void> {
  do {
    const sentAtMs = performance.now();
    const reply = await client.call(INPUT);
    if (!isAnswer(reply)) throw new Error('a reply is not the answer to its call');
    window.record(performance.now() - sentAtMs);
  } while (!window.stopping);
}
