import { takeTurn, turnOwner, type TurnOwner } from './turn.ts';

type Timer = ReturnType<typeof setTimeout>;
type Callback = (...args: unknown[]) => void;

/** Timers that came due while their owner was asleep. */
const waiting = new Set<unknown>();

/**
 * Makes each timer of the platform that of whose turn sets it: it fires in a turn of the owner, and late
 * where that one is asleep. For as long as what is replaced here is not itself replaced.
 */
export function ownTimers(): void {
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
  waiting.clear();
  globalThis.setTimeout = Object.assign(owned(setTimeout), setTimeout);
  globalThis.setInterval = Object.assign(owned(setInterval), setInterval);
  globalThis.clearTimeout = clearing(clearTimeout);
  globalThis.clearInterval = clearing(clearInterval);
}

function owned(set: (callback: Callback, ms?: number) => Timer) {
  return (callback: Callback, ms?: number, ...args: unknown[]): Timer => {
    const owner = turnOwner();
    const timer = set(() => fire(timer, owner, () => callback(...args)), ms);
    return timer;
  };
}

function fire(timer: Timer, owner: TurnOwner | undefined, step: () => void): void {
  if (owner === undefined) {
    takeTurn(undefined);
    return step();
  }
  // An interval that comes due more than once meanwhile fires once.
  if (waiting.has(timer)) return;
  waiting.add(timer);
  owner.run(() => {
    if (waiting.delete(timer)) step();
  });
}

function clearing(clear: (timer: Timer | undefined) => void): typeof clearTimeout {
  return (timer) => {
    waiting.delete(timer);
    clear(timer as Timer | undefined);
  };
}
