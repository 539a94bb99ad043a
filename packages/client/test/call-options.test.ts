import { describe, expect, it } from 'vitest';
import { callOptions, readCallOptions } from '../src/call-options.ts';

describe('callOptions', () => {
  it.each([
    {},
    { timeoutMs: 1 },
    { timeoutMs: 0.001 },
    { timeoutMs: Infinity },
    { timeoutMs: Number.MAX_VALUE },
    { timeoutMs: undefined, whenOffline: undefined },
    { timeoutMs: 500, whenOffline: 'fail' },
    { whenOffline: 'wait' },
    { idempotencyKey: 'k' },
    { idempotencyKey: 'k'.repeat(256), timeoutMs: 5 },
    { idempotencyKey: undefined },
  ] as const)('carries %o through the context of an operation', (options) => {
    expect(readCallOptions(callOptions(options).context)).toEqual(options);
  });

  it.each([0, -1, -Infinity, NaN, -0])('refuses a timeout of %d', (timeoutMs) => {
    expect(() => callOptions({ timeoutMs })).toThrow(new RangeError('timeoutMs is above zero'));
  });

  it.each(['', 'k'.repeat(257)])('refuses a key of another length: %j', (idempotencyKey) => {
    const error = new RangeError('idempotencyKey has 1 to 256 characters');
    expect(() => callOptions({ idempotencyKey })).toThrow(error);
  });

  it('leaves room in a context for what others put there', () => {
    const context = { skipBatch: true, ...callOptions({ timeoutMs: 5 }).context };
    expect(context).toEqual({ skipBatch: true, openline: { timeoutMs: 5 } });
  });

  it('says nothing where nothing was said', () => {
    expect(readCallOptions({})).toEqual({});
    expect(readCallOptions({ skipBatch: true })).toEqual({});
  });
});
