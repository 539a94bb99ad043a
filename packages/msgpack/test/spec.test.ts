import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ARRAY_KINDS } from '../src/extensions.ts';
import { msgpack } from '../src/index.ts';
import { BIGINT_BYTES_MAX, DEPTH_MAX, HEAVY_VALUES_MAX, NESTED_MAX } from '../src/limits.ts';

const spec = readFileSync(new URL('../../../docs/protocol/SPEC.md', import.meta.url), 'utf8');
const section = spec
  .split('### The MessagePack codec\n')[1]!
  .split('\n## ')[0]!
  .replaceAll(/\s+/g, ' ');

describe('the SPEC', () => {
  it('names the codec', () => {
    expect(section).toContain(`\`${msgpack.name}\``);
  });

  it('states the limits that hold', () => {
    expect(section).toContain(`values more than ${DEPTH_MAX} deep`);
    expect(section).toContain(`maps and sets more than ${NESTED_MAX} deep`);
    expect(section).toContain(`more than ${HEAVY_VALUES_MAX.toLocaleString('en')} byte strings`);
    expect(section).toContain(`at most ${BIGINT_BYTES_MAX.toLocaleString('en')} bytes`);
  });

  it('lists the kinds of typed arrays in their order', () => {
    const words = ARRAY_KINDS.map(({ name }, kind) =>
      name
        .replace('Uint8ClampedArray', `${kind} uint 8 clamped`)
        .replace(
          /^(?:Big)?(Int|Uint|Float)(\d+)Array$/,
          (_, type: string, bits: string) => `${kind} ${type.toLowerCase()} ${bits}`,
        ),
    );
    expect(section).toContain(`${words.join(', ')}.`);
  });
});
