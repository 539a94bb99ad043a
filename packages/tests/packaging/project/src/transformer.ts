/** Takes rich values through JSON text, and prints what they were then. */
import { isTransformerError, transformer } from '@openline/transformer';

const values = {
  at: new Date(5),
  stock: new Map([['a', 1n]]),
  count: 1n,
  bytes: new Uint8Array(100),
  problem: new RangeError('no'),
  link: new URL('https://example.com'),
};
const text = JSON.stringify(transformer.serialize({ at: values.at, stock: values.stock }));
const arrived = transformer.deserialize(
  JSON.parse(JSON.stringify(transformer.serialize(values))),
) as typeof values;
const carried = Object.values(arrived).map((value) =>
  typeof value === 'object' ? value.constructor.name : typeof value,
);

const circle: unknown[] = [];
circle.push(circle);
let refused: string | undefined;
try {
  transformer.serialize(circle);
} catch (error) {
  if (isTransformerError(error)) refused = error.code;
}

console.log(JSON.stringify({ node: process.version, carried, text, refused }));
