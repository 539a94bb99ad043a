import { isDeepStrictEqual } from 'node:util';
import type { Frame } from './frames.ts';
import type { Subject } from './subjects.ts';

/** In these code is compiled. */
const WARM_UP_ROUNDS = 3;

/** What one subject took for one frame, in µs for encoding and decoding it once, round by round. */
export interface Taken {
  readonly micros: number[];
  readonly bytes: number;
}

/** Of the subjects that give the frame back as it was. In each round they take turns. */
export function measure(
  subjects: readonly Subject[],
  frame: Frame,
  { rounds, times }: { readonly rounds: number; readonly times: number },
): ReadonlyMap<Subject, Taken> {
  const taken = new Map<Subject, Taken>();
  for (const subject of subjects) {
    const bytes = bytesOf(subject, frame);
    if (bytes !== undefined) taken.set(subject, { micros: [], bytes });
  }
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [subject, { micros }] of taken) {
      const each = once(subject, frame, times);
      if (round >= 0) micros.push(each);
    }
  }
  return taken;
}

function once({ encode, decode }: Subject, frame: Frame, times: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < times; i++) decode(encode(frame));
  return Number(process.hrtime.bigint() - start) / 1_000 / times;
}

/** `undefined`: it does not carry the frame. */
function bytesOf({ encode, decode }: Subject, frame: Frame): number | undefined {
  try {
    const bytes = encode(frame);
    return isDeepStrictEqual(plain(decode(bytes)), plain(frame)) ? bytes.length : undefined;
  } catch {
    return undefined;
  }
}

/** A Buffer is as good as a Uint8Array here. */
function plain(frame: unknown): unknown {
  return (frame as Frame).map((it) => (Buffer.isBuffer(it) ? new Uint8Array(it) : it));
}
