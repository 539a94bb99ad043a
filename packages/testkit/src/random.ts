import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chance that comes again: the same seed gives the same answers in the same order. */
export interface Random {
  /** At least 0, below 1. */
  real(): number;
  /** An integer, both ends included. */
  integer(min: number, max: number): number;
  /** `true` so often out of a hundred. */
  chance(percent: number): boolean;
  /** One of them. @throws a `RangeError` when there is none. */
  pick<T>(from: readonly T[]): T;
}

const RANGE = 2 ** 32;

/** @param seed An integer; its lower 53 bits count. */
export function createRandom(seed: number): Random {
  // The generator takes 32 bits: what is above is mixed in, so that no two of a million seeds are one.
  const mixed = Math.imul(Math.floor(seed / RANGE) + 1, 0x9e37_79b1) ^ (seed | 0);
  const generator = xoroshiro128plus(mixed);
  const random: Random = {
    real: () => (generator.next() >>> 0) / RANGE,
    integer: (min, max) => uniformInt(generator, min, max),
    chance: (percent) => random.integer(0, 99) < percent,
    pick(from) {
      if (from.length === 0) throw new RangeError('there is nothing to pick from');
      return from[random.integer(0, from.length - 1)] as (typeof from)[number];
    },
  };
  return random;
}
