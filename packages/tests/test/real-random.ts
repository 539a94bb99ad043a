import { onTestFailed } from 'vitest';

/** Random numbers that one seed brings forth again. */
export interface Random {
  /** At least 0, below 1. */
  next(): number;
  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** From `min` to `max`, small ones as likely as large ones: each doubling has the same share. */
  spread(min: number, max: number): number;
  shuffled<T>(values: readonly T[]): T[];
}

/**
 * Random numbers for the test that runs, from the seed in `OPENLINE_SEED` or from a new one. When
 * the test fails its seed is printed. On real sockets it brings back the faults, not the instants.
 */
export function seededRandom(): Random {
  const given = process.env['OPENLINE_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  onTestFailed(() => console.error(`The faults of this run again: OPENLINE_SEED=${seed}`));
  return createRandom(seed);
}

/** The generator mulberry32: 32 bits of state are enough for faults. */
function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    integer,
    spread: (min, max) => Math.floor(min * (max / min) ** next()),
    shuffled(values) {
      const rest = [...values];
      return values.map(() => rest.splice(integer(0, rest.length - 1), 1)[0] as (typeof rest)[0]);
    },
  };
}
