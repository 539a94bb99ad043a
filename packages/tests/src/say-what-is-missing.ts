import { missingCapabilities } from './capabilities.ts';
import { skipLine } from './capability.ts';

/** Before the tests run, one line for each thing that this machine lacks. */
export function setup(): void {
  for (const capability of missingCapabilities()) console.warn(skipLine(capability));
}
