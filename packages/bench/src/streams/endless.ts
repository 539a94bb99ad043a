import { setImmediate } from 'node:timers/promises';
import { itemText, ITEMS_A_TURN, type Item } from './workload.ts';

/** What sources that never end have given, and where they stop before they fill the machine. */
export class Tap {
  /** Since the last reset. */
  taken = 0;
  /** It was more than the machine shall hold, and every source has ended. */
  isShut = false;
  #rssBytesMax = 0;

  reset(growthBytesMax: number): void {
    this.taken = 0;
    this.isShut = false;
    this.#rssBytesMax = process.memoryUsage.rss() + growthBytesMax;
  }

  async *open(bytes: number): AsyncGenerator<Item> {
    const text = itemText(bytes);
    for (let n = 0; !this.isShut; n++) {
      this.taken++;
      yield { n, text };
      if (n % ITEMS_A_TURN !== 0) continue;
      await setImmediate();
      this.isShut ||= process.memoryUsage.rss() > this.#rssBytesMax;
    }
  }
}
