import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec, Message, WireFrame } from '../src/index.ts';
import { PING_FRAME } from '../src/frame.ts';
import { isPiece } from '../src/piece.ts';
import { bytesOf, failureOf } from './support.ts';

/** What JSON can say: minus zero and the like become what they are after one trip. */
export const jsonArbitrary: fc.Arbitrary<unknown> = fc
  .oneof(fc.jsonValue(), fc.string({ unit: 'binary' }))
  .map((value): unknown => JSON.parse(JSON.stringify(value)));

export interface CodecContract {
  readonly codec: Codec;
  /** What a member of a frame may be. */
  readonly values: fc.Arbitrary<unknown>;
  /** A message without frames. */
  readonly empty: Message;
  /** Bytes or text, as a peer may send who means ill. */
  readonly hostile: fc.Arbitrary<Message>;
}

/** What each codec has to keep to, whatever its messages are. */
export function describeCodec({ codec, values, empty, hostile }: CodecContract): void {
  const frames = fc.array(values);
  /** With a tag in front, as every frame of the protocol has one. */
  const tagged = fc.tuple(fc.nat(), frames).map(([tag, members]): WireFrame => [tag, ...members]);

  describe('as every codec', () => {
    it('splits a message into the frames that were joined', () => {
      fc.assert(
        fc.property(fc.array(frames, { minLength: 1 }), (given) => {
          const message = codec.join(given.map((frame) => codec.encode(frame)));
          expect(codec.split(message)).toEqual(given);
        }),
      );
    });

    it('gives back a frame from its bytes', () => {
      fc.assert(
        fc.property(frames, (frame) => {
          expect(codec.fromBytes(codec.toBytes(codec.encode(frame)))).toEqual(frame);
        }),
      );
    });

    it('says of each frame whether its message has at most so many bytes', () => {
      fc.assert(
        fc.property(frames, fc.nat(64), (frame, slack) => {
          const encoded = codec.encode(frame);
          const bytes = bytesOf(codec.join([encoded]));
          expect(codec.fits(encoded, bytes + slack)).toBe(true);
          expect(codec.fits(encoded, bytes - 1 - slack)).toBe(false);
        }),
      );
    });

    it('keeps nothing between frames: one encodes alike whatever was encoded before', () => {
      fc.assert(
        fc.property(frames, frames, (frame, other) => {
          const first = codec.encode(frame);
          codec.split(codec.join([codec.encode(other)]));
          expect(codec.encode(frame)).toEqual(first);
        }),
      );
    });

    it('makes frames that later ones leave as they are', () => {
      fc.assert(
        fc.property(fc.array(tagged, { minLength: 2 }), (given) => {
          const encoded = given.map((frame) => codec.encode(frame));
          expect(encoded.map((frame) => codec.split(codec.join([frame]))[0])).toEqual(given);
        }),
      );
    });

    it('makes no message of frames that is taken for a piece', () => {
      fc.assert(
        fc.property(fc.array(tagged, { minLength: 1 }), (given) => {
          expect(isPiece(codec.join(given.map((frame) => codec.encode(frame))))).toBe(false);
        }),
      );
    });

    it('leaves out members without a value', () => {
      const frame = [1, { a: undefined, b: [1, undefined], c: { d: undefined } }];
      expect(codec.fromBytes(codec.toBytes(codec.encode(frame)))).toStrictEqual([
        1,
        { b: [1, null], c: {} },
      ]);
    });

    it('gives plain names to what is built in, and changes nothing by them', () => {
      const names = { constructor: { prototype: { polluted: 1 } }, toString: 2, valueOf: 3 };
      expect(codec.fromBytes(codec.toBytes(codec.encode([1, names])))).toEqual([1, names]);
      expect('polluted' in {}).toBe(false);
    });

    it('throws at what turns in a circle', () => {
      const circular: unknown[] = [];
      circular.push(circular);
      expect(() => codec.encode([1, circular])).toThrow(Error);
      expect(codec.split(codec.join([codec.encode(PING_FRAME)]))).toEqual([PING_FRAME]);
    });

    it('takes a message without frames', () => {
      expect(codec.split(empty)).toEqual([]);
    });

    it('refuses a frame that is cut short anywhere, and one with more behind it', () => {
      fc.assert(
        fc.property(tagged, fc.nat(), (frame, at) => {
          const bytes = codec.toBytes(codec.encode(frame));
          const cut = bytes.slice(0, at % bytes.length);
          expect(failureOf(() => codec.fromBytes(cut))).toBe('FRAME_MALFORMED');
          const doubled = new Uint8Array([...bytes, ...bytes]);
          expect(failureOf(() => codec.fromBytes(doubled))).toBe('FRAME_MALFORMED');
        }),
      );
    });

    it('refuses or takes any message, and throws nothing else', () => {
      fc.assert(
        fc.property(hostile, (message) => {
          expect(['none', 'FRAME_MALFORMED']).toContain(failureOf(() => codec.split(message)));
        }),
        { numRuns: 1_000 },
      );
    });
  });
}
