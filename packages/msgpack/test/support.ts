import fc from 'fast-check';
import { msgpack } from '../src/index.ts';

/** What the other side has of a value. */
export function through(value: unknown): unknown {
  return msgpack.fromBytes(msgpack.toBytes(msgpack.encode([1, value])))[1];
}

/** Frames in which a byte or two were changed: they reach deeper than bytes at random. */
export function nearlyValid(frames: fc.Arbitrary<readonly unknown[]>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  return fc.tuple(frames, fc.array(change, { maxLength: 2 })).map(([frame, changes]) => {
    const bytes = msgpack.toBytes(msgpack.encode(frame));
    for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });
}
