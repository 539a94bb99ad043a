import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../src/deadlines.ts';

/** The longest that a timer of the platform can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

interface Timed {
  readonly path: string;
  deadlineMs: number;
}

describe('the deadlines of calls', () => {
  let calls: Timed[];
  let expired: string[];
  let deadlines: Deadlines<Timed>;
  beforeEach(() => {
    vi.useFakeTimers();
    calls = [];
    expired = [];
    deadlines = new Deadlines(
      () => calls,
      (call) => {
        expired.push(call.path);
        end(call);
      },
    );
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function add(path: string, timeoutMs: number): Timed {
    const call = { path, deadlineMs: performance.now() + timeoutMs };
    calls.push(call);
    deadlines.add(call, performance.now());
    return call;
  }
  function end(call: Timed): void {
    calls = calls.filter((other) => other !== call);
  }

  it('end a call at its deadline, and not a millisecond before', () => {
    add('a', 100);
    vi.advanceTimersByTime(99);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('do not come before a deadline that lies between two milliseconds', () => {
    add('a', 100.25);
    vi.advanceTimersByTime(100);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual(['a']);
  });

  it('end each call in its turn, whatever the order in which they came', () => {
    add('late', 300);
    add('early', 100);
    add('middle', 200);
    const seen = [100, 100, 100].map((ms) => {
      vi.advanceTimersByTime(ms);
      return [...expired];
    });
    expect(seen).toEqual([['early'], ['early', 'middle'], ['early', 'middle', 'late']]);
  });

  it('have one timer, however many calls there are', () => {
    for (let i = 0; i < 100; i++) add(`${i}`, 1_000 + i);
    expect(vi.getTimerCount()).toBe(1);
  });

  it('leave a call alone that has ended before', () => {
    const call = add('a', 100);
    add('b', 200);
    end(call);
    vi.advanceTimersByTime(200);
    expect(expired).toEqual(['b']);
  });

  it('leave a call alone that has no deadline', () => {
    add('a', Infinity);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leave a call alone whose deadline was taken back', () => {
    add('a', 100).deadlineMs = Infinity;
    vi.advanceTimersByTime(100);
    expect([expired, vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('wait longer than a timer of the platform can', () => {
    add('a', TIMER_MS_MAX + 1_000);
    vi.advanceTimersByTime(TIMER_MS_MAX + 999);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual(['a']);
  });

  it('hold no timer once they are cleared, and can be added to again', () => {
    add('a', 100);
    deadlines.clear();
    expect(vi.getTimerCount()).toBe(0);
    calls = [];
    add('b', 300);
    vi.advanceTimersByTime(300);
    expect(expired).toEqual(['b']);
  });

  it('hold no timer when the owner of an expired call ends all the others', () => {
    deadlines = new Deadlines(
      () => calls,
      (call) => {
        expired.push(call.path);
        calls = [];
        deadlines.clear();
      },
    );
    add('a', 100);
    add('b', 200);
    vi.advanceTimersByTime(100);
    expect([expired, vi.getTimerCount()]).toEqual([['a'], 0]);
  });
});
