import { describe, expect, it } from 'vitest';
import { failureOf, fromHex } from '../../protocol/test/support.ts';
import { msgpack } from '../src/index.ts';

/** A frame with one member, `hex`, behind its tag. */
function frame(hex: string): string {
  return `92 28 ${hex}`;
}

/** What is too long, or too much of the same, for the vectors, which have the rest. */
const REFUSED: readonly { readonly what: string; readonly hex: string }[] = [
  {
    what: 'lists that each claim all that is left',
    hex: `dd 00000fff ${'dd00000fff'.repeat(1_000)}`,
  },
  { what: 'lists that are 101 deep', hex: `${'91'.repeat(100)}01` },
  { what: 'lists that are 65,536 deep', hex: '91'.repeat(65_536) },
  { what: 'maps that are 17 deep', hex: frame(nestedMap(17)) },
  { what: 'a bigint of 1,025 bytes', hex: frame(`c8 0402 01 00 ${'01'.repeat(1_025)}`) },
];

describe('the MessagePack codec refuses', () => {
  it.each(REFUSED)('$what', ({ hex }) => {
    const bytes = fromHex(hex);
    expect(failureOf(() => msgpack.split(bytes))).toBe('FRAME_MALFORMED');
    expect(failureOf(() => msgpack.fromBytes(bytes))).toBe('FRAME_MALFORMED');
  });

  it('more byte strings than a frame may have, and takes as many', () => {
    const of = (count: number): Uint8Array =>
      fromHex(`92 28 dd ${count.toString(16).padStart(8, '0')} ${'c400'.repeat(count)}`);
    expect(failureOf(() => msgpack.fromBytes(of(262_144)))).toBe('none');
    expect(failureOf(() => msgpack.fromBytes(of(262_145)))).toBe('FRAME_MALFORMED');
  });

  it('any part of a frame with everything in it', () => {
    const value = [
      new Map([[1n, new Set([new Date(1), 'ü'])]]),
      { a: Float32Array.of(1) },
      2 ** 40,
    ];
    const bytes = msgpack.encode([40, 1, value]) as Uint8Array;
    for (let end = 1; end < bytes.length; end++) {
      expect(failureOf(() => msgpack.split(bytes.subarray(0, end)))).toBe('FRAME_MALFORMED');
    }
    expect(failureOf(() => msgpack.split(bytes))).toBe('none');
  });

  it('a claim without making room for it', () => {
    const bombs = [
      'dd ffffffff',
      'dd 0000ffff '.repeat(13_000),
      frame('c6 ffffffff'),
      frame('df 7fffffff'),
    ];
    const messages = bombs.map(fromHex);
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000; i++) {
      for (const message of messages) failureOf(() => msgpack.split(message));
    }
    const after = process.memoryUsage();
    // To believe the second alone would take 6 GB.
    expect(
      after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers,
    ).toBeLessThan(256 * 1_048_576);
  });
});

function nestedMap(times: number): string {
  let inner = 'c0';
  for (let i = 0; i < times; i++) {
    const length = (inner.replaceAll(' ', '').length / 2 + 2).toString(16).padStart(4, '0');
    inner = `c8 ${length} 02 92 01 ${inner}`;
  }
  return inner;
}
