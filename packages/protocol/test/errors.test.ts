import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CALL_ERRORS,
  CODES,
  CLOSE_REASON_BYTES_MAX,
  cutReason,
  isCallErrorCode,
  nameOf,
  OpenlineError,
  retryOf,
} from '../src/index.ts';
import { bytesOf } from './support.ts';

const BUILT_IN_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''];

describe('the retry class of a close code', () => {
  it.each([
    { closeCode: 1000, retry: 'afresh' },
    { closeCode: 1001, retry: 'resume' },
    { closeCode: 1006, retry: 'resume' },
    { closeCode: 1009, retry: 'afresh' },
    { closeCode: 1012, retry: 'resume' },
    { closeCode: 3000, retry: 'resume' },
    { closeCode: 4000, retry: 'resume' },
    { closeCode: 4299, retry: 'resume' },
    { closeCode: 4300, retry: 'afresh' },
    { closeCode: 4399, retry: 'afresh' },
    { closeCode: 4400, retry: 'never' },
    { closeCode: 4499, retry: 'never' },
    { closeCode: 4500, retry: 'later' },
    { closeCode: 4599, retry: 'later' },
    { closeCode: 4600, retry: 'resume' },
    { closeCode: 4999, retry: 'resume' },
  ])('$closeCode is $retry', ({ closeCode, retry }) => {
    expect(retryOf(closeCode)).toBe(retry);
  });
});

describe('an error code', () => {
  it('has a close code of its own, 1000 or of private use', () => {
    const codes = Object.values(CODES);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code === 1000 || (code >= 4000 && code <= 4999)).toBe(true);
  });

  it('is known by its name', () => {
    for (const [name, code] of Object.entries(CODES)) expect(nameOf(code)).toBe(name);
    for (const code of Object.keys(CALL_ERRORS)) expect(isCallErrorCode(code)).toBe(true);
  });

  it.each([...BUILT_IN_NAMES, 4001, null, undefined, ['CLOSED']])('is not %j', (value) => {
    expect(isCallErrorCode(value)).toBe(false);
  });

  it('is carried by an error with its cause', () => {
    const cause = new Error('why');
    const error = new OpenlineError(CODES.INTERNAL, 'what', { cause });
    expect(error).toMatchObject({
      name: 'OpenlineError',
      code: CODES.INTERNAL,
      message: 'what',
      cause,
    });
  });
});

describe('a close reason', () => {
  it.each([
    { what: 'nothing', reason: '', expected: '' },
    { what: '123 letters', reason: 'a'.repeat(123), expected: 'a'.repeat(123) },
    { what: '124 letters', reason: 'a'.repeat(124), expected: 'a'.repeat(123) },
    {
      what: '61 letters of two bytes and one more',
      reason: 'é'.repeat(62),
      expected: 'é'.repeat(61),
    },
    { what: '41 letters of three bytes', reason: '€'.repeat(41), expected: '€'.repeat(41) },
    { what: '42 letters of three bytes', reason: '€'.repeat(42), expected: '€'.repeat(41) },
    { what: '31 emoji', reason: '😀'.repeat(31), expected: '😀'.repeat(30) },
    { what: 'an emoji on the edge', reason: 'a'.repeat(120) + '😀', expected: 'a'.repeat(120) },
    {
      what: 'an emoji at the edge',
      reason: 'a'.repeat(119) + '😀',
      expected: 'a'.repeat(119) + '😀',
    },
  ])('of $what is cut between characters', ({ reason, expected }) => {
    expect(cutReason(reason)).toBe(expected);
  });

  it('fits, is the beginning of what was given, and is as long as it can be', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (reason) => {
        const cut = cutReason(reason);
        expect(bytesOf(cut)).toBeLessThanOrEqual(CLOSE_REASON_BYTES_MAX);
        expect(reason.startsWith(cut)).toBe(true);
        const [next = ''] = reason.slice(cut.length);
        expect(next === '' || bytesOf(cut + next) > CLOSE_REASON_BYTES_MAX).toBe(true);
      }),
    );
  });
});
