export type StreamName = 'lines' | 'list' | 'left' | 'right' | 'echo';

/** An item of a stream. */
export interface Streamed {
  /** The call. */
  readonly n: number;
  readonly of: StreamName;
  /** The run that gives it, by its order; {@link CALLER} where the caller does. */
  readonly by: number;
  /** Its place, from 1. */
  readonly i: number;
  readonly pad: string;
}

/** Who makes the call, where runs are told apart by their order. */
export const CALLER = -1;

/** What became of whom the items of a stream are taken from. */
export type SourceState = 'untouched' | 'open' | 'ended' | 'failed' | 'closed';

/** A stream, as its writer saw it. */
export class Written {
  readonly name: StreamName;
  readonly by: number;
  /** For each item: how many of the stream had been read when it was given. */
  readonly readAt: number[] = [];
  /** How often somebody began to take items. */
  openings = 0;
  /** How often somebody asked for an item when the source was closed, or nobody wanted any. */
  lateAsks = 0;
  /** How many of its items were read. */
  readCount = 0;
  state: SourceState = 'untouched';

  constructor(name: StreamName, by: number) {
    this.name = name;
    this.by = by;
  }
}

/** A source that writes down what is asked of it. `tell` is told how it came to its end. */
export function watch<T>(
  written: Written,
  source: AsyncGenerator<T, void>,
  isOver: () => boolean,
  tell: (state: SourceState) => void,
): AsyncIterable<T> {
  let isClosing = false;
  const settle = (state: SourceState): void => {
    if (written.state !== 'open') return;
    written.state = state;
    tell(state);
  };
  return {
    [Symbol.asyncIterator]() {
      written.openings++;
      if (written.state === 'untouched') written.state = 'open';
      return {
        async next() {
          if (isClosing || isOver()) written.lateAsks++;
          try {
            const result = await source.next();
            if (result.done === true) settle(isClosing ? 'closed' : 'ended');
            else written.readAt.push(written.readCount);
            return result;
          } catch (error) {
            settle(isClosing ? 'closed' : 'failed');
            throw error;
          }
        },
        async return() {
          isClosing = true;
          const result = await source.return();
          settle('closed');
          return result;
        },
      };
    },
  };
}
