import { WebSocket } from 'ws';
import { INPUT, isAnswer } from '../../workload.ts';
import type { BulkRequest, StreamClient, StreamSystem } from '../systems/system.ts';
import { checkBulk } from '../workload.ts';
import type { Caller } from './caller.ts';

/** By the system's own client, as an application would: everything is parsed in this process. */
export class OwnCaller implements Caller {
  readonly #client: StreamClient;

  private constructor(client: StreamClient) {
    this.#client = client;
  }

  static async open(system: StreamSystem, url: string): Promise<OwnCaller> {
    return new OwnCaller(await system.connect(url, WebSocket));
  }

  async call(): Promise<void> {
    const reply = await this.#client.api.send.mutate(INPUT);
    if (!isAnswer(reply)) throw new Error('a reply is not the answer to its call');
  }

  async bulk({ items: count, ...size }: BulkRequest): Promise<void> {
    const { api } = this.#client;
    if (count === 0) return checkBulk(await api.bulk.query(size), size);
    let came = 0;
    await new Promise<void>((resolve, reject) => {
      api.bulkItems.subscribe(
        { ...size, count },
        {
          onData(item) {
            came++;
            try {
              checkBulk(item, size);
            } catch (error) {
              reject(error as Error);
            }
          },
          onError: reject,
          onComplete: resolve,
        },
      );
    });
    if (came !== count) throw new Error(`${came} items came, not ${count}`);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
