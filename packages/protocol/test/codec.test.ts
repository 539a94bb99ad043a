import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JSON_CODEC } from '../src/index.ts';
import { bytesOf, codec, failureOf } from './support.ts';

/** What JSON can say: minus zero and the like become what they are after one trip. */
const jsonArbitrary = fc
  .oneof(fc.jsonValue(), fc.string({ unit: 'binary' }))
  .map((value): unknown => JSON.parse(JSON.stringify(value)));
const frameArbitrary = fc.array(jsonArbitrary);

describe('the JSON codec', () => {
  it('has the name of its subprotocol', () => {
    expect(codec.name).toBe('openline.v1.json');
    expect(JSON_CODEC).toBe('openline.v1.json');
  });

  it('splits a message into the frames that were joined', () => {
    fc.assert(
      fc.property(fc.array(frameArbitrary), (frames) => {
        const message = codec.join(frames.map((frame) => codec.encode(frame)));
        expect(codec.split(message)).toEqual(frames);
      }),
    );
  });

  it('gives back a frame from its bytes', () => {
    fc.assert(
      fc.property(frameArbitrary, (frame) => {
        expect(codec.fromBytes(codec.toBytes(codec.encode(frame)))).toEqual(frame);
      }),
    );
  });

  it('says of each frame whether its message has at most so many bytes', () => {
    fc.assert(
      fc.property(frameArbitrary, fc.nat(64), (frame, slack) => {
        const encoded = codec.encode(frame);
        const bytes = bytesOf(codec.join([encoded]));
        expect(codec.fits(encoded, bytes + slack)).toBe(true);
        expect(codec.fits(encoded, bytes - 1 - slack)).toBe(false);
      }),
    );
  });

  it('throws what JSON throws at a value that it cannot carry', () => {
    const circular: unknown[] = [];
    circular.push(circular);
    expect(() => codec.encode([1n])).toThrow(TypeError);
    expect(() => codec.encode(circular)).toThrow(TypeError);
  });

  it.each([
    { what: 'nothing', message: '' },
    { what: 'text that is not JSON', message: 'hello' },
    { what: 'half a message', message: '[[5]' },
    { what: 'an object', message: '{}' },
    { what: 'null', message: 'null' },
    { what: 'a number', message: '5' },
    { what: 'a frame without its list', message: '[5]' },
    { what: 'an object among the frames', message: '[[5],{"0":5}]' },
    { what: 'null among the frames', message: '[null]' },
    { what: 'two messages in one', message: '[[5]][[5]]' },
    { what: 'bytes', message: new Uint8Array([0x5b, 0x5d]) },
  ])('refuses $what', ({ message }) => {
    expect(failureOf(() => codec.split(message))).toBe('FRAME_MALFORMED');
  });

  it.each([
    { what: 'no bytes', bytes: [] },
    { what: 'bytes that are not UTF-8', bytes: [0x5b, 0x22, 0xff, 0x22, 0x5d] },
    { what: 'half a character', bytes: [0x5b, 0x22, 0xe2, 0x82] },
    { what: 'bytes that are not JSON', bytes: [0x5b] },
    { what: 'bytes that are no frame', bytes: [0x7b, 0x7d] },
  ])('refuses $what as a frame', ({ bytes }) => {
    expect(failureOf(() => codec.fromBytes(new Uint8Array(bytes)))).toBe('FRAME_MALFORMED');
  });

  it('takes a list without frames', () => {
    expect(codec.split('[]')).toEqual([]);
  });

  it('refuses or takes any text, and throws nothing else', () => {
    const hostile = fc.oneof(fc.string(), fc.json(), fc.constant('['.repeat(65_536)));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(['none', 'FRAME_MALFORMED']).toContain(failureOf(() => codec.split(text)));
      }),
    );
  });

  it('takes lists in lists as deep as a message can hold', () => {
    const deep = '['.repeat(32_768) + ']'.repeat(32_768);
    expect(failureOf(() => codec.split(deep))).toBe('none');
  });
});
