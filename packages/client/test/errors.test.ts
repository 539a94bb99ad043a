import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { isAnswered, lineError, outcomeOf, type LineError } from '../src/index.ts';
import { answeredClientError, lineClientError } from '../src/errors.ts';

const LOST: LineError = { code: 'SESSION_LOST', outcome: 'unknown', message: 'it was lost' };
const REJECTED: LineError = { code: 'REJECTED', outcome: 'not-executed', message: 'go away' };
const SHAPE = { code: -32_001, message: 'no', data: { code: 'UNAUTHORIZED', httpStatus: 401 } };

/** What the three functions say of an error. */
function verdictOf(error: unknown): object {
  return {
    line: lineError(error),
    outcome: outcomeOf(error),
    isAnswered: isAnswered(error as { shape: unknown; data: unknown }),
  };
}

const STRANGE = { line: undefined, outcome: 'unknown', isAnswered: false };

describe('the error of a call', () => {
  describe('that ended without an answer', () => {
    const error = lineClientError(LOST);

    it('tells its code and outcome', () => {
      expect(verdictOf(error)).toEqual({ line: LOST, outcome: 'unknown', isAnswered: false });
    });

    it('is one of tRPC, with words for people, and neither shape nor data', () => {
      expect(error).toBeInstanceOf(TRPCClientError);
      expect(error).toMatchObject({ message: 'it was lost', shape: undefined, data: undefined });
    });

    it('keeps the error that caused it', () => {
      const cause = new DOMException('The call was aborted.', 'AbortError');
      const aborted = lineClientError({ ...LOST, code: 'ABORTED' }, cause);
      expect(aborted.cause).toBe(cause);
      expect(verdictOf(aborted)).toMatchObject({ line: { code: 'ABORTED' }, outcome: 'unknown' });
    });

    it('keeps a cause that is no error inside of one', () => {
      const { cause, message } = lineClientError(LOST, 'thrown as a string');
      expect(message).toBe('it was lost');
      expect(cause).toEqual(new Error('it was lost', { cause: 'thrown as a string' }));
    });
  });

  describe('that the procedure answered with', () => {
    it('has failed, and has its shape and data', () => {
      const error = answeredClientError(SHAPE);
      expect(error).toMatchObject({ message: 'no', shape: SHAPE, data: SHAPE.data });
      expect(verdictOf(error)).toEqual({ line: undefined, outcome: 'failed', isAnswered: true });
    });
  });

  describe('of a client that was refused', () => {
    it('has shape and data, and was not executed', () => {
      const error = answeredClientError(SHAPE, REJECTED);
      expect(error).toMatchObject({ shape: SHAPE, data: SHAPE.data });
      expect(verdictOf(error)).toEqual({
        line: REJECTED,
        outcome: 'not-executed',
        isAnswered: true,
      });
    });
  });

  describe('of another link', () => {
    it('has failed where that one brought an answer', () => {
      const error = TRPCClientError.from({ error: SHAPE }, { meta: { response: { status: 401 } } });
      expect(verdictOf(error)).toEqual({ line: undefined, outcome: 'failed', isAnswered: true });
    });

    it('is unknown where it did not', () => {
      const error = TRPCClientError.from(new TypeError('fetch failed'), { meta: {} });
      expect(verdictOf(error)).toEqual(STRANGE);
    });
  });

  it('is read from what was written to JSON and back as well', () => {
    const error = answeredClientError(SHAPE, REJECTED);
    expect(verdictOf(JSON.parse(JSON.stringify(error)))).toEqual(verdictOf(error));
  });
});

describe('anything else that was caught', () => {
  const throwing = {
    get meta(): unknown {
      throw new Error('meta');
    },
    get shape(): unknown {
      throw new Error('shape');
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  it.each([
    { name: 'undefined', error: undefined },
    { name: 'null', error: null },
    { name: 'a string', error: 'meta' },
    { name: 'a number', error: 7 },
    { name: 'a symbol', error: Symbol('meta') },
    { name: 'a function', error: () => {} },
    { name: 'an error', error: new Error('a') },
    { name: 'an empty object', error: {} },
    { name: 'an object without a prototype', error: Object.create(null) },
    { name: 'an array', error: [] },
    { name: 'an error with a meta that is null', error: { meta: null } },
    { name: 'an error with a meta that is a string', error: { meta: 'openline' } },
    { name: 'an error with an empty meta', error: { meta: {} } },
    { name: 'a meta of ours that is null', error: { meta: { openline: null } } },
    { name: 'a meta of ours that is true', error: { meta: { openline: true } } },
    { name: 'a meta of ours that is empty', error: { meta: { openline: {} } } },
    { name: 'a meta of ours without an outcome', error: { meta: { openline: { code: 'BUSY' } } } },
    { name: 'a meta of ours without a code', error: { meta: { openline: { outcome: 'failed' } } } },
    { name: 'a shape that is null', error: { shape: null, data: null } },
    { name: 'members that throw', error: throwing },
    { name: 'a meta whose members throw', error: { meta: { openline: throwing } } },
    { name: 'a proxy that was revoked', error: revoked.proxy },
  ])('says nothing of a call: $name', ({ error }) => {
    expect(verdictOf(error)).toEqual(STRANGE);
  });
});
