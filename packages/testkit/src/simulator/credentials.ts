import type { Session } from '@openline/server';
import type { Machine } from '../machine.ts';

/** What is said later than that counts for ever: else no long call could come to its end, in milliseconds. */
const FLEETING_UNTIL_MS = 10_000;

interface Claim {
  readonly expiresAtMs: number;
}

/** What clients say of themselves to a node, where that counts for a while only. */
export class Credentials {
  readonly #machine: Machine;
  readonly #lastMs: number | undefined;
  readonly #expired: (client: string) => void;
  /** By session: what its connections and renewals say, in order, as far as the server took it. */
  readonly #claims = new Map<string, Set<Claim>>();
  #jumpedAtMs = -Infinity;

  /** `expired`: a session of the client has ended, and what it had said did not count any more. */
  constructor(machine: Machine, lastMs: number | undefined, expired: (client: string) => void) {
    this.#machine = machine;
    this.#lastMs = lastMs;
    this.#expired = expired;
  }

  /** Sessions whose clients have to say who they are again. */
  get count(): number {
    return this.#claims.size;
  }

  /** The clock on the wall was set: what has expired by that has expired just now. */
  jumped(): void {
    this.#jumpedAtMs = performance.now();
  }

  /** How long the server could have known that this has expired, in milliseconds. */
  overdueMs(expiresAtMs: number): number {
    const nowMs = performance.now();
    const sinceMs = Math.max(this.#jumpedAtMs, this.#machine.wakesAtMs);
    return Math.min(Date.now() - expiresAtMs, nowMs - sinceMs);
  }

  /** `admission` aborts where the server does not take it. Gives when it expires. */
  identify(session: Session, client: string, admission: AbortSignal): number {
    if (this.#lastMs === undefined) {
      session.identify(client);
      return Infinity;
    }
    const isFleeting = performance.now() < FLEETING_UNTIL_MS;
    const claim = { expiresAtMs: isFleeting ? Date.now() + this.#lastMs : Infinity };
    session.identify(client, claim);
    // A session that is over has no claims, and another one of its name may follow.
    if (session.signal.aborted) return claim.expiresAtMs;
    const claims = this.#claims.get(session.id) ?? this.#begin(session, client);
    // Of a connection that is lost meanwhile the server takes nothing.
    if (!admission.aborted) claims.add(claim);
    admission.addEventListener('abort', () => claims.delete(claim), { once: true });
    return claim.expiresAtMs;
  }

  #begin({ id, signal }: Session, client: string): Set<Claim> {
    const claims = new Set<Claim>();
    this.#claims.set(id, claims);
    const over = (): void => {
      this.#claims.delete(id);
      // It alone counts: one before may last longer, by a clock that was set back since.
      const last = [...claims].at(-1);
      if (last !== undefined && Date.now() >= last.expiresAtMs) this.#expired(client);
    };
    signal.addEventListener('abort', over, { once: true });
    return claims;
  }
}
