export interface LeftRunsLimits {
  /** Runs. */
  readonly onceRunsMax: number;
  /** Of these, runs of one identity; those who have none are one together. */
  readonly onceRunsPerIdentityMax: number;
}

/**
 * Counts runs whose session is over. No cap of a session holds them any more, and they are not ended:
 * so where they are too many nothing more is begun.
 */
export class LeftRuns {
  readonly #limits: LeftRunsLimits;
  readonly #byIdentity = new Map<string | undefined, number>();
  #count = 0;

  constructor(limits: LeftRunsLimits) {
    this.#limits = limits;
  }

  isFull(identity: string | undefined): boolean {
    const { onceRunsMax, onceRunsPerIdentityMax } = this.#limits;
    return this.#count >= onceRunsMax || this.#of(identity) >= onceRunsPerIdentityMax;
  }

  add(identity: string | undefined): void {
    this.#count++;
    this.#byIdentity.set(identity, this.#of(identity) + 1);
  }

  remove(identity: string | undefined): void {
    this.#count--;
    const rest = this.#of(identity) - 1;
    if (rest > 0) this.#byIdentity.set(identity, rest);
    else this.#byIdentity.delete(identity);
  }

  #of(identity: string | undefined): number {
    return this.#byIdentity.get(identity) ?? 0;
  }
}
