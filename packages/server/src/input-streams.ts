import { TRPCError } from '@trpc/server';
import { isStreamSource, type StreamSource } from '@openline/protocol';
import type {
  InputOf,
  OutputOf,
  StandardSchemaIssue,
  StandardSchemaResult,
  StandardSchemaV1,
} from './standard-schema.ts';

/** What a client gives for a stream in an input: an async iterable or a `ReadableStream`. */
export type StreamInput<T> = StreamSource<T>;

type StreamFields = Readonly<Record<string, StandardSchemaV1>>;
type StreamOutput<S> = AsyncIterable<OutputOf<S>, void, undefined>;

/**
 * For `.input()`, beside another `.input()`: each named field is a stream, of which `item` is checked
 * and given in its output form, one by one as the procedure pulls them. An item that is refused ends
 * the stream with a `TRPCError`, code `BAD_REQUEST`, and the client's with it.
 *
 * A call with a stream is never sent again by itself.
 */
export function streams<F extends StreamFields>(
  fields: F,
): StandardSchemaV1<
  { [K in keyof F]: StreamInput<InputOf<F[K]>> },
  { [K in keyof F]: StreamOutput<F[K]> }
> {
  return schemaOf((value) => {
    const given = (typeof value === 'object' ? value : undefined) as StreamFields | undefined;
    const issues: StandardSchemaIssue[] = [];
    const output: Record<string, AsyncIterable<unknown>> = {};
    for (const [name, item] of Object.entries(fields)) {
      const source: unknown = given?.[name];
      if (isAsyncIterable(source)) output[name] = validated(item, source);
      else issues.push({ message: `${name} is a stream`, path: [name] });
    }
    return issues.length > 0 ? { issues } : { value: output };
  });
}

/** For `.input()`: the whole input is a stream. Its items are checked as those of {@link streams}. */
export function stream<S extends StandardSchemaV1>(
  item: S,
): StandardSchemaV1<StreamInput<InputOf<S>>, StreamOutput<S>> {
  return schemaOf((value) =>
    isAsyncIterable(value)
      ? { value: validated(item, value) }
      : { issues: [{ message: 'the input is a stream' }] },
  );
}

/**
 * For the transform of a schema library, where a stream is deep in an object:
 * `z.custom<StreamInput<T>>(isStreamInput).transform(each(item))`.
 */
export function each<S extends StandardSchemaV1>(
  item: S,
): (source: StreamInput<InputOf<S>>) => StreamOutput<S> {
  return (source) => validated(item, source as AsyncIterable<unknown>) as StreamOutput<S>;
}

/** Whether something is a stream, as an input may hold it. */
export function isStreamInput(value: unknown): boolean {
  return isStreamSource(value);
}

/** An iterator by hand: a generator that was not begun would not end its source. */
function validated(
  schema: StandardSchemaV1,
  source: AsyncIterable<unknown>,
): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await iterator.next();
          if (result.done === true) return result;
          try {
            const checked = await schema['~standard'].validate(result.value);
            if (checked.issues === undefined) return { done: false, value: checked.value };
            throw new TRPCError({ code: 'BAD_REQUEST', message: textOf(checked.issues) });
          } catch (cause) {
            await iterator.return?.();
            throw cause;
          }
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function textOf(issues: readonly StandardSchemaIssue[]): string {
  return `an item of the stream is refused: ${issues.map(({ message }) => message).join('; ')}`;
}

function schemaOf<Input, Output>(
  validate: (value: unknown) => StandardSchemaResult<unknown>,
): StandardSchemaV1<Input, Output> {
  const validateTyped = validate as (value: unknown) => StandardSchemaResult<Output>;
  return { '~standard': { version: 1, vendor: 'openline', validate: validateTyped } };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
