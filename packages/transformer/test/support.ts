import { transformer, type TransformerError } from '../src/index.ts';

/** Through JSON text and back, as a call goes. */
export function overTheWire<T>(value: T): T {
  return transformer.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value)))) as T;
}

/** What goes over the wire. */
export function textOf(value: unknown): string {
  return JSON.stringify(transformer.serialize(value));
}

/** Reads what a peer sent. */
export function read(text: string): unknown {
  return transformer.deserialize(JSON.parse(text));
}

/** The code and message of what is thrown; `none` where nothing is. */
export function failureOf(run: () => unknown): readonly [code: unknown, message?: string] {
  try {
    run();
    return ['none'];
  } catch (error) {
    const { name, code, message } = error as TransformerError;
    return name === 'TransformerError' ? [code, message] : [error];
  }
}

/** So many levels around a value. */
export function nested(
  levels: number,
  value: unknown,
  wrap = (inner: unknown): unknown => [inner],
) {
  let outer = value;
  for (let level = 0; level < levels; level++) outer = wrap(outer);
  return outer;
}
