import { describe, expect, it } from 'vitest';
import { measureCalls } from '../src/streams/load/fairness.ts';
import type { Caller } from '../src/streams/load/caller.ts';
import { Tap } from '../src/streams/endless.ts';
import { parseStreamOptions } from '../src/streams/options.ts';
import { numberedItems } from '../src/streams/router.ts';
import { checkBulk, createBulk, ItemChecker, itemText } from '../src/streams/workload.ts';

const ROOM = Number.MAX_SAFE_INTEGER;
const RESULT = { shape: 'text', bytes: 1, items: 0 } as const;

describe('items', () => {
  it('come as they are checked, and of about the size that is said', async () => {
    const checker = new ItemChecker(100);
    for await (const item of numberedItems(100, 150)) checker.check(item);
    expect(checker.count).toBe(150);
    expect(JSON.stringify({ n: 1_000, text: itemText(100) })).toHaveLength(100);
  });

  it.each([
    { fault: 'lost', items: [0, 2] },
    { fault: 'doubled', items: [0, 0] },
    { fault: 'early', items: [1] },
  ])('are refused where one is $fault', ({ items }) => {
    const checker = new ItemChecker(100);
    const check = () => items.forEach((n) => checker.check({ n, text: itemText(100) }));
    expect(check).toThrow('is wrong');
  });

  it('are refused where the text is another', () => {
    expect(() => new ItemChecker(100).check({ n: 0, text: itemText(101) })).toThrow('is wrong');
  });
});

describe('what comes in bulk', () => {
  it.each(['text', 'rows'] as const)('has at least the size that is said, as %s', (shape) => {
    const size = { shape, bytes: 100_000 };
    const bulk = createBulk(size);
    expect(JSON.stringify(bulk).length).toBeGreaterThanOrEqual(100_000);
    expect(() => checkBulk(bulk, size)).not.toThrow();
    expect(() => checkBulk(bulk.slice(1), size)).toThrow('is wrong');
    expect(() => checkBulk(undefined, size)).toThrow('is wrong');
  });
});

describe('a source that never ends', () => {
  it('counts what is taken of it', async () => {
    const tap = new Tap();
    tap.reset(ROOM);
    let n = 0;
    for await (const item of tap.open(100)) {
      expect(item.n).toBe(n++);
      if (n === 200) break;
    }
    expect([tap.taken, tap.isShut]).toEqual([200, false]);
  });

  it('ends where the process has grown by more than it may', async () => {
    const tap = new Tap();
    tap.reset(-ROOM);
    let came = 0;
    for await (const _ of tap.open(100)) came++;
    expect(tap.isShut).toBe(true);
    expect(came).toBe(tap.taken);
  });
});

describe('small calls', () => {
  it('are made beside something large until all of it has come', async () => {
    let finish = () => {};
    let made = 0;
    const caller: Caller = {
      async call() {
        if (++made === 7) finish();
      },
      bulk: () => new Promise((resolve) => (finish = resolve)),
      close: () => Promise.resolve(),
    };
    const { count } = await measureCalls(caller, RESULT, 0);
    expect(count).toBe(made);
    expect(made).toBeGreaterThanOrEqual(7);
  });

  it('fail with what is large', async () => {
    const caller: Caller = {
      call: () => Promise.resolve(),
      bulk: () => Promise.reject(new Error('too few bytes')),
      close: () => Promise.resolve(),
    };
    await expect(measureCalls(caller, RESULT, 0)).rejects.toThrow('too few bytes');
  });
});

describe('the command line', () => {
  it('runs everything unless it says less', () => {
    const options = parseStreamOptions(['--only', 'flows,paused', '--quick']);
    if (options === 'help') throw new Error('it asks for no help');
    const { scenarios, quick, rounds } = options;
    const counts = [scenarios.flows, scenarios.ticks, scenarios.calls, scenarios.paused];
    expect(counts.map(({ length }) => length)).toEqual([4, 0, 0, 2]);
    expect([quick, rounds]).toEqual([true, 1]);
  });

  it.each([
    ['--only', 'toString'],
    ['--systems', 'raw-ws'],
    ['--rounds', '0'],
    ['--seconds', '31'],
  ])('refuses %s %s', (...args) => {
    expect(() => parseStreamOptions(args)).toThrow();
  });
});
