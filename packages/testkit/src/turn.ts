/** Something whose code runs in turns of the event loop, or waits for its turn. */
export interface TurnOwner {
  /** Runs a step now, or once the owner is awake. */
  run(step: () => void): void;
}

let owner: TurnOwner | undefined;

/** Whose turn it is; `undefined` for that of the network, and of the test itself. */
export function turnOwner(): TurnOwner | undefined {
  return owner;
}

/** What runs from here to the end of the turn, ticks and microtasks with it, is the owner's. */
export function takeTurn(by: TurnOwner | undefined): void {
  owner = by;
}
