import { describe, expect, it } from 'vitest';
import { failureOf } from '../../protocol/test/support.ts';
import { msgpackTransformer } from '../src/index.ts';
import { through } from './support.ts';

const RICH = { at: new Date(1), bytes: Uint8Array.of(1, 2), big: 3n, map: new Map([[1, 'a']]) };
const MEMBER = 'openline.v1.msgpack';

describe('the transformer', () => {
  it('leaves a value as it is for the codec', () => {
    expect(through(msgpackTransformer.serialize(RICH))).toEqual(RICH);
    expect(msgpackTransformer.deserialize(RICH)).toBe(RICH);
  });

  it('carries it through JSON as one text', () => {
    const text = JSON.stringify(msgpackTransformer.serialize(RICH));
    expect(Object.keys(JSON.parse(text) as object)).toEqual([MEMBER]);
    expect(msgpackTransformer.deserialize(JSON.parse(text))).toEqual(RICH);
  });

  it('reads on one side what went through JSON, and on through the codec', () => {
    const json: unknown = JSON.parse(JSON.stringify(msgpackTransformer.serialize(RICH)));
    expect(msgpackTransformer.deserialize(through(json))).toEqual(RICH);
  });

  it('says nothing where there is nothing', () => {
    expect(msgpackTransformer.serialize(undefined)).toBeUndefined();
    expect(msgpackTransformer.deserialize(undefined)).toBeUndefined();
    const nothing = JSON.stringify(msgpackTransformer.serialize(null));
    expect(msgpackTransformer.deserialize(JSON.parse(nothing))).toBeNull();
  });

  it.each(['?', '', 'wQ==', '3f////8=', 'kQU=kQU='])('refuses %j', (text) => {
    expect(failureOf(() => msgpackTransformer.deserialize({ [MEMBER]: text }))).toBe(
      'FRAME_MALFORMED',
    );
  });

  it.each([1, 'a', null, [], { [MEMBER]: 1 }, { [MEMBER]: 'kQU=', more: 1 }, { a: MEMBER }])(
    'leaves %j as it is',
    (value) => {
      expect(msgpackTransformer.deserialize(value)).toBe(value);
    },
  );
});
