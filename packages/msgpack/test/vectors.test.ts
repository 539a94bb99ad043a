import { describe, expect, it } from 'vitest';
import { failureOf, fromHex, toHex } from '../../protocol/test/support.ts';
import { msgpack } from '../src/index.ts';
import { meant, vectors } from './vectors.ts';

describe('the vectors of MessagePack:', () => {
  it.each(vectors.frames)('$name is read', ({ hex, frame }) => {
    expect(msgpack.fromBytes(fromHex(hex))).toStrictEqual(meant(frame));
    expect(msgpack.split(fromHex(hex))).toStrictEqual([meant(frame)]);
  });

  it.each(vectors.frames.filter(({ written }) => written === true))(
    '$name is written so',
    ({ hex, frame }) => {
      const bytes = msgpack.toBytes(msgpack.encode(meant(frame) as readonly unknown[]));
      expect(toHex(bytes)).toBe(hex.replaceAll(' ', ''));
    },
  );

  it.each(vectors.messages)('a message of $name', ({ hex, frames }) => {
    expect(msgpack.split(fromHex(hex))).toStrictEqual(frames.map(meant));
    const joined = msgpack.join(
      frames.map((frame) => msgpack.encode(meant(frame) as readonly unknown[])),
    );
    expect(toHex(joined as Uint8Array)).toBe(hex.replaceAll(' ', ''));
  });

  it.each(vectors.refused)('$name is refused', ({ hex }) => {
    expect(failureOf(() => msgpack.split(fromHex(hex)))).toBe('FRAME_MALFORMED');
    expect(failureOf(() => msgpack.fromBytes(fromHex(hex)))).toBe('FRAME_MALFORMED');
  });
});
