import { skipLine } from './capability.ts';
import { chromium } from './chromium.ts';

/** Before the tests run, one line for each thing that this machine lacks. */
export function setup(): void {
  for (const capability of [chromium]) {
    if (!capability.isThere) console.warn(skipLine(capability));
  }
}
