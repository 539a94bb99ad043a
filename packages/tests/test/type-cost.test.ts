import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../src/command.ts';
import { COMPILERS, TESTS } from '../src/paths.ts';
import { generate, type Use } from '../types/generate.ts';

/** What Openline's types may add to those of stock tRPC on a router of 500 procedures. */
const INCREASE_PERCENT_MAX = 3;

const FOLDER = join(TESTS, 'dist/type-cost');

describe('a router of 500 procedures', { timeout: 240_000 }, () => {
  beforeAll(async () => {
    // The declarations, as users have them.
    const { succeeded, output } = await run(process.execPath, [COMPILERS['6.0'], '-b']);
    if (!succeeded) throw new Error(output);
    await generate(FOLDER);
  }, 240_000);

  it.each(['6.0', '7.0'] as const)(
    `costs TypeScript %s at most ${INCREASE_PERCENT_MAX} percent more instantiations than stock tRPC`,
    async (version) => {
      const stock = await instantiations(version, 'stock');
      const openline = await instantiations(version, 'openline');
      const increasePercent = (openline / stock - 1) * 100;
      expect(
        increasePercent,
        `${stock} instantiations through wsLink, ${openline} through openLine`,
      ).toBeLessThanOrEqual(INCREASE_PERCENT_MAX);
    },
  );
});

async function instantiations(version: keyof typeof COMPILERS, use: Use): Promise<number> {
  const { succeeded, output } = await run(process.execPath, [
    COMPILERS[version],
    '--extendedDiagnostics',
    '-p',
    join(FOLDER, `tsconfig.${use}.json`),
  ]);
  const count = /^Instantiations:\s+(\d+)$/m.exec(output)?.[1];
  if (!succeeded || count === undefined) throw new Error(output);
  return Number(count);
}
