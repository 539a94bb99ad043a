export interface Codec {
  readonly name: string;
  /** To text and back. */
  readonly roundTrip: (value: unknown) => unknown;
}

/** The median of the rounds, and between what eight in ten of them lie. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const ROUNDS = 401;
const ROUND_MS = 2;

/** Times of each round, by codec, in nanoseconds for one round trip. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** Runs the codecs in turns; each round begins with another one. */
export function measure(codecs: readonly Codec[], value: unknown): Rounds {
  const counts = codecs.map((codec) => countFor(codec, value));
  const rounds = codecs.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < codecs.length; turn++) {
      const at = (round + turn) % codecs.length;
      const [codec, count = 1] = [codecs[at], counts[at]];
      if (codec !== undefined) rounds[at]?.push(timeNs(codec, value, count) / count);
    }
  }
  return new Map(codecs.map(({ name }, i) => [name, rounds[i] ?? []]));
}

/** Compared within each round, so that a busy machine bears on both alike. */
export function ratioOf(times: readonly number[], base: readonly number[]): Spread {
  return spreadOf(times.map((time, round) => time / (base[round] ?? Number.NaN)));
}

/** How many round trips fill a round, found where the code is warm. */
function countFor(codec: Codec, value: unknown): number {
  const probe = 2_000;
  timeNs(codec, value, probe);
  return Math.max(1, Math.round((ROUND_MS * 1e6 * probe) / timeNs(codec, value, probe)));
}

function timeNs({ roundTrip }: Codec, value: unknown, count: number): number {
  const startNs = process.hrtime.bigint();
  for (let i = 0; i < count; i++) roundTrip(value);
  return Number(process.hrtime.bigint() - startNs);
}

export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  return { median: at(0.5), low: at(0.1), high: at(0.9) };
}
