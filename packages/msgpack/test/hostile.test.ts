import { describe, expect, it } from 'vitest';
import { failureOf, fromHex } from '../../protocol/test/support.ts';
import { msgpack } from '../src/index.ts';

/** A frame with one member, `hex`, behind its tag. */
function frame(hex: string): string {
  return `92 28 ${hex}`;
}

const REFUSED: readonly { readonly what: string; readonly hex: string }[] = [
  { what: 'a list that claims 4,294,967,295 members', hex: 'dd ffffffff' },
  { what: 'a list that claims one member more than there are bytes', hex: frame('93 01 02') },
  {
    what: 'lists that each claim all that is left',
    hex: `dd 00000fff ${'dd00000fff'.repeat(1_000)}`,
  },
  { what: 'an object that claims 4,294,967,295 members', hex: frame('df ffffffff') },
  { what: 'text that claims 4,294,967,295 bytes', hex: frame('db ffffffff 61') },
  { what: 'bytes that claim 4,294,967,295 bytes', hex: frame('c6 ffffffff 00') },
  { what: 'an extension value that claims 4,294,967,295 bytes', hex: frame('c9 ffffffff 01 00') },
  { what: 'a map that claims more than is in it', hex: frame('c7 05 02 dd ffffffff') },
  { what: 'lists that are 101 deep', hex: `${'91'.repeat(100)}01` },
  { what: 'lists that are 65,536 deep', hex: '91'.repeat(65_536) },
  { what: 'objects that are 101 deep', hex: frame('81 a1 61 '.repeat(99) + 'c0') },
  { what: 'maps that are 17 deep', hex: frame(nestedMap(17)) },
  { what: 'an extension type that there is not', hex: frame('d4 06 00') },
  { what: 'a negative extension type that there is not', hex: frame('d4 fe 00') },
  { what: 'the type of the library that stands for nothing here', hex: frame('d4 00 00') },
  { what: 'the type byte that MessagePack never uses', hex: frame('c1') },
  { what: 'nothing where a member has to be', hex: '92 28' },
  { what: 'half an integer', hex: frame('cd 01') },
  { what: 'half a float', hex: frame('cb 00000000') },
  { what: 'half a text', hex: frame('a3 6161') },
  { what: 'half an extension value', hex: frame('d6 ff 0000') },
  { what: 'a member twice', hex: frame('82 a1 61 01 a1 61 02') },
  { what: 'a member twice in two forms', hex: frame('82 a1 61 01 d9 01 61 02') },
  { what: 'a member twice among many', hex: frame(`de 0012 ${keys(17)} a2 6b61 00`) },
  { what: 'a member named __proto__', hex: frame('81 a9 5f5f70726f746f5f5f 81 a1 61 01') },
  {
    what: 'a member named __proto__ among many',
    hex: frame(`de 0012 ${keys(17)} a9 5f5f70726f746f5f5f 00`),
  },
  { what: 'a member whose name is a number', hex: frame('81 01 01') },
  { what: 'a member whose name is nothing', hex: frame('81 c0 01') },
  { what: 'a member whose name is a list', hex: frame('81 90 01') },
  { what: 'a member whose name is bytes', hex: frame('81 c4 01 61 01') },
  { what: 'text that is not UTF-8', hex: frame('a1 ff') },
  { what: 'text with half a character', hex: frame('a2 e282') },
  { what: 'text with half a character and more behind it', hex: '93 28 a2 e282 a1 ac' },
  { what: 'text with a character in a longer form than its own', hex: frame('a2 c0af') },
  { what: 'text with a character of three bytes in four', hex: frame('a4 f08282ac') },
  { what: 'text with half of a pair', hex: frame('a3 eda080') },
  { what: 'text above the last code point', hex: frame('a4 f4908080') },
  { what: 'a name that is not UTF-8', hex: frame('81 a1 80 01') },
  { what: 'an integer of 2^53', hex: frame('cf 0020000000000000') },
  { what: 'the largest integer of 64 bits', hex: frame('cf ffffffffffffffff') },
  { what: 'an integer of -2^53', hex: frame('d3 ffe0000000000000') },
  { what: 'a date of three bytes', hex: frame('c7 03 ff 000000') },
  { what: 'a date with too many nanoseconds', hex: frame(`c7 0c ff 3b9aca00 ${'00'.repeat(8)}`) },
  { what: 'a date that there is not', hex: frame('c7 0c ff 00000000 000007dba8218001') },
  { what: 'a date just behind the last', hex: frame('c7 0c ff 00000001 000007dba8218000') },
  { what: 'a bigint without a sign', hex: frame('c7 00 01') },
  { what: 'a bigint with another sign', hex: frame('d5 01 0201') },
  { what: 'a bigint with a zero in front', hex: frame('d5 01 0000') },
  { what: 'a zero below zero', hex: frame('d4 01 01') },
  { what: 'a bigint of 1,025 bytes', hex: frame(`c8 0402 01 00 ${'01'.repeat(1_025)}`) },
  { what: 'a map that is no list', hex: frame('d4 02 01') },
  { what: 'a map with a key alone', hex: frame('d5 02 9101') },
  { what: 'a map with a key twice', hex: frame('c7 05 02 9401010102') },
  { what: 'a map with more behind it', hex: frame('d5 02 9001') },
  { what: 'a map of nothing', hex: frame('c7 00 02') },
  { what: 'a set with a value twice', hex: frame('c7 03 03 920101') },
  { what: 'a typed array without a kind', hex: frame('c7 00 04') },
  { what: 'a typed array of another kind', hex: frame('d4 04 0a') },
  { what: 'a typed array with half an item', hex: frame('d5 04 0200') },
  { what: 'text of half a unit', hex: frame('d4 05 00') },
  { what: 'a frame that is no list', hex: '01' },
  { what: 'a frame that is an object', hex: '80' },
  { what: 'a frame and then what is none', hex: '9105 05' },
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

/** So many members, `ka`, `kb` and so on. */
function keys(count: number): string {
  return Array.from({ length: count }, (_, i) => `a2 6b${(0x61 + i).toString(16)} 00`).join(' ');
}
