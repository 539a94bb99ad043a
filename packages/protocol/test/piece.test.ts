import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_BYTES_MAX } from '../src/index.ts';
import { Assembly, cutPiece, parsePiece, pieceLength } from '../src/piece.ts';
import { failureOf, fromHex, toHex } from './support.ts';

const PAYLOAD_BYTES_MAX = 1_048_576;

function cut(id: number, frame: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < frame.length;) {
    const piece = cutPiece(id, frame, offset);
    pieces.push(piece);
    offset += pieceLength(piece);
  }
  return pieces;
}

function put(pieces: readonly Uint8Array[], max = PAYLOAD_BYTES_MAX): Uint8Array | undefined {
  let assembly: Assembly | undefined;
  let whole: Uint8Array | undefined;
  for (const message of pieces) {
    const piece = parsePiece(message);
    assembly ??= new Assembly(piece, max);
    whole = assembly.add(piece);
  }
  return whole;
}

/** A message as the peer may make it: any flags, any size, any bytes. */
function raw(flags: number, id: bigint, size: bigint | undefined, length: number): Uint8Array {
  const header = size === undefined ? 10 : 18;
  const message = new Uint8Array(header + length);
  const view = new DataView(message.buffer);
  message[0] = 39;
  message[1] = flags;
  view.setBigUint64(2, id);
  if (size !== undefined) view.setBigUint64(10, size);
  return message;
}

/** Hexadecimal without the gaps that make it readable. */
const hexOf = (spaced: string): string => spaced.replaceAll(' ', '');

describe('a piece', () => {
  it('has its flags, its call and, if it is the first, the size in front of its bytes', () => {
    const frame = new Uint8Array(MESSAGE_BYTES_MAX).fill(0x78);
    const [first, last, ...none] = cut(258, frame);
    expect(none).toEqual([]);
    expect(toHex(first!.subarray(0, 20))).toBe(
      hexOf('27 01 0000000000000102 0000000000010000 7878'),
    );
    expect(toHex(last!)).toBe(hexOf(`27 02 0000000000000102 ${'78'.repeat(18)}`));
  });

  it('is never larger than a message, and the pieces make the frame again', () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 300_000 }),
      // Around each length at which one more piece is needed.
      fc
        .tuple(fc.nat(3), fc.integer({ min: -2, max: 2 }))
        .map(([more, near]) => MESSAGE_BYTES_MAX - 18 + more * (MESSAGE_BYTES_MAX - 10) + near),
    );
    const id = fc.maxSafeInteger().map((value) => Math.max(1, Math.abs(value)));
    fc.assert(
      fc.property(size, id, (bytes, call) => {
        const frame = new Uint8Array(bytes).map((_, index) => index % 251);
        const pieces = cut(call, frame);
        for (const piece of pieces.slice(0, -1)) expect(piece.length).toBe(MESSAGE_BYTES_MAX);
        expect(pieces.at(-1)!.length).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
        for (const piece of pieces) expect(parsePiece(piece).id).toBe(call);
        expect(Buffer.from(put(pieces)!).equals(Buffer.from(frame))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('is read from the middle of a larger buffer', () => {
    const message = cutPiece(7, new Uint8Array([1, 2, 3]), 0);
    const buffer = new Uint8Array(100);
    buffer.set(message, 40);
    expect(parsePiece(buffer.subarray(40, 40 + message.length))).toEqual({
      id: 7,
      size: 3,
      last: true,
      bytes: new Uint8Array([1, 2, 3]),
    });
  });

  it.each([
    { what: 'nothing', hex: '' },
    { what: 'its tag alone', hex: '27' },
    { what: 'another tag', hex: '26 03 0000000000000001 0000000000000001 78' },
    { what: 'an unknown flag', hex: '27 04 0000000000000001 0000000000000001 78' },
    { what: 'all flags', hex: '27 ff 0000000000000001 0000000000000001 78' },
    { what: 'half a header', hex: '27 03 00000000' },
    {
      what: 'a first header without bytes behind it',
      hex: '27 03 0000000000000001 0000000000000001',
    },
    { what: 'a later header without bytes behind it', hex: '27 02 0000000000000001' },
    { what: 'a first header where the size is cut', hex: '27 01 0000000000000001 00000000000000' },
    { what: 'id zero', hex: '27 02 0000000000000000 78' },
    { what: 'an id of 2^53', hex: '27 02 0020000000000000 78' },
    { what: 'the highest id of 64 bits', hex: '27 02 ffffffffffffffff 78' },
    { what: 'a size of zero', hex: '27 03 0000000000000001 0000000000000000 78' },
    { what: 'a size of 2^53', hex: '27 01 0000000000000001 0020000000000000 78' },
  ])('is not $what', ({ hex }) => {
    expect(failureOf(() => parsePiece(fromHex(hex)))).toBe('FRAME_MALFORMED');
  });

  it('is refused or read, and nothing else, whatever the bytes are', () => {
    const near = fc
      .tuple(fc.integer({ min: 36, max: 41 }), fc.nat(5), fc.uint8Array({ maxLength: 32 }))
      .map(([tag, flags, rest]) => Uint8Array.from([tag, flags, ...rest]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), near), (bytes) => {
        expect(['none', 'FRAME_MALFORMED']).toContain(failureOf(() => parsePiece(bytes)));
      }),
    );
  });
});

describe('an assembly', () => {
  it.each([
    { size: PAYLOAD_BYTES_MAX, expected: 'none' },
    { size: PAYLOAD_BYTES_MAX + 1, expected: 'LIMIT_EXCEEDED' },
    { size: Number.MAX_SAFE_INTEGER, expected: 'LIMIT_EXCEEDED' },
  ])('of $size bytes is begun: $expected', ({ size, expected }) => {
    const piece = parsePiece(raw(1, 1n, BigInt(size), 1));
    expect(failureOf(() => new Assembly(piece, PAYLOAD_BYTES_MAX))).toBe(expected);
  });

  it('begins with a first piece', () => {
    const piece = parsePiece(raw(0, 1n, undefined, 5));
    expect(failureOf(() => new Assembly(piece, PAYLOAD_BYTES_MAX))).toBe('FRAME_MALFORMED');
  });

  it.each([
    { what: 'more than was stated, at once', pieces: [raw(1, 1n, 4n, 5)] },
    {
      what: 'more than was stated, at last',
      pieces: [raw(1, 1n, 4n, 3), raw(2, 1n, undefined, 2)],
    },
    { what: 'less than was stated', pieces: [raw(1, 1n, 4n, 1), raw(2, 1n, undefined, 2)] },
    { what: 'less than was stated, in one', pieces: [raw(3, 1n, 4n, 3)] },
    { what: 'all of it, and not the last mark', pieces: [raw(1, 1n, 4n, 4)] },
    {
      what: 'all of it in two, and not the last mark',
      pieces: [raw(1, 1n, 4n, 2), raw(0, 1n, undefined, 2)],
    },
  ])('refuses $what', ({ pieces }) => {
    expect(failureOf(() => put(pieces))).toBe('FRAME_MALFORMED');
  });

  it('is whole with its last piece, and not before', () => {
    expect(put([raw(1, 1n, 4n, 3)])).toBeUndefined();
    expect(put([raw(1, 1n, 4n, 3), raw(2, 1n, undefined, 1)])).toEqual(new Uint8Array(4));
    expect(put([raw(3, 1n, 4n, 4)])).toEqual(new Uint8Array(4));
  });

  it('keeps what it was given when the transport uses its memory again', () => {
    const memory = Buffer.from(raw(1, 1n, 4n, 2));
    memory.set([1, 2], 18);
    const first = parsePiece(memory);
    const assembly = new Assembly(first, PAYLOAD_BYTES_MAX);
    expect(assembly.add(first)).toBeUndefined();
    memory.fill(0xff);
    const last = raw(2, 1n, undefined, 2);
    last.set([3, 4], 10);
    expect([...assembly.add(parsePiece(last))!]).toEqual([1, 2, 3, 4]);
  });

  it('costs about what arrived, also where it came in pieces of one byte', () => {
    const first = parsePiece(raw(1, 1n, 1_048_576n, 1));
    const later = parsePiece(raw(0, 1n, undefined, 1));
    const before = process.memoryUsage();
    const assemblies = Array.from({ length: 4 }, () => {
      const assembly = new Assembly(first, PAYLOAD_BYTES_MAX);
      assembly.add(first);
      for (let i = 0; i < 250_000; i++) assembly.add(later);
      return assembly;
    });
    const after = process.memoryUsage();
    const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    expect(assemblies.length).toBe(4);
    // A million bytes arrived. One object for each would be a hundred times that.
    expect(grown).toBeLessThan(40_000_000);
  });
});
