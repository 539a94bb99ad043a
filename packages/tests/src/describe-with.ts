import { describe, it } from 'vitest';
import type { Capability } from './capability.ts';

/**
 * `describe` for tests that need what not every machine has. Without it they are skipped, and the
 * run says so in one line; with `CI=true` they fail.
 */
export function describeWith(capability: Capability, title: string, suite: () => void): void {
  if (capability.isThere) {
    describe(title, suite);
  } else if (process.env['CI'] === 'true') {
    describe(title, () => {
      it(`needs ${capability.name}`, () => {
        throw new Error(
          `With CI=true nothing may be skipped, and there is not ${capability.name}.`,
        );
      });
    });
  } else {
    describe.skip(title, suite);
  }
}
