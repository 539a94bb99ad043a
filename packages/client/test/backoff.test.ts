import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../src/backoff.ts';

const NEARLY_ONE = 1 - Number.EPSILON;

describe('the wait before an attempt to connect', () => {
  it.each([
    { failures: 1, capMs: 500 },
    { failures: 2, capMs: 1_000 },
    { failures: 3, capMs: 2_000 },
    { failures: 6, capMs: 16_000 },
    { failures: 7, capMs: 30_000 },
    { failures: 8, capMs: 30_000 },
    { failures: 2_000, capMs: 30_000 },
  ])('after $failures failures is anywhere between 0 and $capMs ms', ({ failures, capMs }) => {
    expect(backoffMs(failures, 0)).toBe(0);
    expect(backoffMs(failures, 0.5)).toBe(capMs / 2);
    expect(backoffMs(failures, NEARLY_ONE)).toBeCloseTo(capMs);
  });

  it('comes on top of what the server asked for', () => {
    expect(backoffMs(1, 0, 1_000)).toBe(1_000);
    expect(backoffMs(2, 0.5, 1_000)).toBe(1_500);
  });

  it('is never shorter than the server asked for, nor longer than 30 seconds more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.double({ min: 0, max: NEARLY_ONE, noNaN: true }),
        fc.nat(),
        (failures, random, delayMs) => {
          const waitMs = backoffMs(failures, random, delayMs);
          expect(waitMs).toBeGreaterThanOrEqual(delayMs);
          expect(waitMs).toBeLessThanOrEqual(delayMs + 30_000);
        },
      ),
    );
  });
});
