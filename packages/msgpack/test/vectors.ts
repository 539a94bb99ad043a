import { readFileSync } from 'node:fs';

/** `vectors/msgpack.json`, as its `about` describes it. */
export interface Vectors {
  readonly about: string;
  readonly frames: readonly {
    readonly name: string;
    readonly hex: string;
    readonly frame: readonly unknown[];
    readonly written?: boolean;
  }[];
  readonly messages: readonly {
    readonly name: string;
    readonly hex: string;
    readonly frames: readonly (readonly unknown[])[];
  }[];
  readonly refused: readonly { readonly name: string; readonly hex: string }[];
}

const file = new URL('../../protocol/vectors/msgpack.json', import.meta.url);
export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

const KINDS = { Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array };
const LARGE_KINDS = { Float32Array, Float64Array };
const BIG_KINDS = { BigInt64Array, BigUint64Array };

/** What is written as an object of one member whose name begins with "$", as the value that it means. */
export function meant(written: unknown): unknown {
  if (Array.isArray(written)) return written.map(meant);
  if (typeof written !== 'object' || written === null) return written;
  const [name = '', value] = Object.entries(written as Record<string, unknown>)[0] ?? [];
  if (!name.startsWith('$')) {
    return Object.fromEntries(Object.entries(written).map(([key, item]) => [key, meant(item)]));
  }
  const kind = name.slice(1);
  const items = value as readonly unknown[];
  switch (kind) {
    case 'bytes':
      return new Uint8Array(Buffer.from(value as string, 'hex'));
    case 'date':
      return new Date(value as number);
    case 'bigint':
      return BigInt(value as string);
    case 'number':
      return Number(value);
    case 'map':
      return new Map(items.map((entry) => meant(entry) as [unknown, unknown]));
    case 'set':
      return new Set(items.map(meant));
    default:
  }
  if (kind in BIG_KINDS)
    return BIG_KINDS[kind as keyof typeof BIG_KINDS].from(items.map((it) => BigInt(it as string)));
  const all = { ...KINDS, ...LARGE_KINDS };
  return all[kind as keyof typeof all].from(items as readonly number[]);
}
