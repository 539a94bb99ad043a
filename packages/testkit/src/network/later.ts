import { takeTurn, turnOwner } from '../turn.ts';

const { setImmediate, clearImmediate } = globalThis;

let soon = 0;

/** Steps that are due now and have not been taken. */
export function soonCount(): number {
  return soon;
}

/**
 * Takes a step after a while, in a turn that is nobody's: on no machine does it wait for a sleeper.
 * Where that is no time at all it does not wait for virtual time. Returns what takes it back.
 */
export function later(ms: number, step: () => void): () => void {
  const take = (): void => {
    takeTurn(undefined);
    step();
  };
  if (ms > 0) {
    // A timer belongs to whose turn sets it.
    const owner = turnOwner();
    takeTurn(undefined);
    const timer = setTimeout(take, ms);
    takeTurn(owner);
    return () => clearTimeout(timer);
  }
  let isDone = false;
  const done = (): void => {
    if (!isDone) soon--;
    isDone = true;
  };
  soon++;
  const immediate = setImmediate(() => {
    done();
    take();
  });
  return () => {
    done();
    clearImmediate(immediate);
  };
}
