import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JSON_CODEC } from '../src/index.ts';
import { describeCodec, jsonArbitrary } from './codec-contract.ts';
import { codec, failureOf } from './support.ts';

describe('the JSON codec', () => {
  it('has the name of its subprotocol', () => {
    expect(codec.name).toBe('openline.v1.json');
    expect(JSON_CODEC).toBe('openline.v1.json');
  });

  describeCodec({
    codec,
    values: jsonArbitrary,
    empty: '[]',
    hostile: fc.oneof(
      fc.string(),
      fc.json(),
      fc.constant('['.repeat(65_536)),
      fc.uint8Array({ maxLength: 64 }),
    ),
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

  it('takes lists in lists as deep as a message can hold', () => {
    const deep = '['.repeat(32_768) + ']'.repeat(32_768);
    expect(failureOf(() => codec.split(deep))).toBe('none');
  });
});
