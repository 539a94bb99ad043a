import { transformer } from '@openline/transformer';

const values: readonly unknown[] = [
  new Date(5),
  [new Map([[1n, new Set([undefined])]])],
  new Uint8Array(20_000).map((_, index) => index * 31),
  new Float64Array([0.1]),
  [new URL('https://example.com/?a'), /a+b/giu, Number.NaN, -0],
  new RangeError('no', { cause: new AggregateError([1n], 'inner') }),
];

/** Of each value what goes over the wire, what goes when it has arrived, and as what it arrives. */
export const story = values.map((value) => {
  const before = JSON.stringify(transformer.serialize(value));
  const arrived = transformer.deserialize(JSON.parse(before)) as object;
  return [before, JSON.stringify(transformer.serialize(arrived)), arrived.constructor.name];
});

export const hasBuffer = 'Buffer' in globalThis;
