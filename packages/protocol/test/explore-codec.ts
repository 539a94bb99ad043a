import type { Codec, Message, WireFrame } from '../src/index.ts';
import { codec } from './support.ts';

/** Of what is computed again and again in millions of steps, the result for each `key`. */
export function memoized<Value>(): (key: string, compute: () => Value) => Value {
  const known = new Map<string, Value>();
  return (key, compute) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = compute()));
    return value;
  };
}

const framesOf = memoized<readonly WireFrame[]>();
const bytesOf = memoized<Uint8Array>();

/** The real codec. Stories say the same few messages, and each of them is read once. */
export const exploredCodec: Codec = {
  ...codec,
  split: (message: Message) => framesOf(message as string, () => codec.split(message)),
  toBytes: (message: Message) => bytesOf(message as string, () => codec.toBytes(message)),
};
