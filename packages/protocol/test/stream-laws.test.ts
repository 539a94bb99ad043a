import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { Limits } from '../src/index.ts';
import { StreamStory, type Name, type StreamStep } from './stream-story.ts';

/** Tight, so that calls wait, writers wait for the backlog too, and items go in pieces. */
const TIGHT: Limits = { payloadBytesMax: 400_000, callsMax: 3, backlogBytesMax: 131_072 };

const side = fc.constantFrom<Name>('client', 'server');
const pick = fc.nat(9);
const size = fc.oneof(
  { weight: 8, arbitrary: fc.nat(20) },
  { weight: 1, arbitrary: fc.constantFrom(7_000, 21_800, 22_000, 60_000) },
);
const times = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 }));

const stepArbitrary: fc.Arbitrary<StreamStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      side,
      inputs: fc.nat(2),
      live: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('give' as const),
      pick,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'settle'), pick }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('item' as const), pick, size, times }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'fail', 'stop'), pick }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('consume' as const), side, count: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tick' as const), side }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'read'), side }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<StreamStep>({ do: 'hello' }, { do: 'attach' }, { do: 'welcome' }),
  },
);

describe('the streams of two sessions, over any connections,', () => {
  it('lose, double and reorder nothing, use what is granted and no more, and all end (cases 24 to 28)', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 150, size: 'max' }), (steps) => {
        const story = new StreamStory(TIGHT);
        for (const step of steps) story.play(step);
        story.end();
        story.check();
      }),
      { numRuns: 300 },
    );
  });
});
