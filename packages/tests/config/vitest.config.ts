import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Tests run on the sources of the packages, so that none needs a build. */
const SOURCE = '@openline/source';

export default defineConfig({
  root: fromHere('../../..'),
  resolve: { conditions: [SOURCE, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [SOURCE, ...defaultServerConditions] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['{packages,examples}/*/test/**/*.test.{ts,tsx}'],
          globalSetup: fromHere('../src/say-what-is-missing.ts'),
          // Whoever waits, waits for what comes soon: these are for a machine that is slow today.
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'packaging',
          include: ['packages/tests/packaging/*.test.ts'],
          globalSetup: fromHere('../packaging/global-setup.ts'),
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});

function fromHere(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
