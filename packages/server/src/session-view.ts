import type { Identity, IdentityOptions, Session } from './options.ts';

/**
 * A session as the context of one connection has it. Who it says the client is counts from when the
 * server takes the connection: until then another connection may still have the session.
 */
export class SessionView implements Session {
  readonly #session: Session;
  #claim: Identity | undefined;
  #isTaken = false;

  constructor(session: Session) {
    this.#session = session;
  }

  get id(): string {
    return this.#session.id;
  }

  get signal(): AbortSignal {
    return this.#session.signal;
  }

  get identity(): string | undefined {
    return this.#isTaken ? this.#session.identity : this.#claim?.id;
  }

  /** Who `createContext` says the client is. */
  get claim(): Identity | undefined {
    return this.#claim;
  }

  identify(id: string, { expiresAtMs = Infinity }: IdentityOptions = {}): void {
    if (typeof id !== 'string' || id === '') throw new TypeError('an identity is a string');
    if (!(expiresAtMs > 0)) throw new RangeError('expiresAtMs is above zero');
    this.#claim = { id, expiresAtMs };
    if (this.#isTaken) this.#session.identify(id, { expiresAtMs });
  }

  /** The server takes what was made with this view. */
  take(): void {
    this.#isTaken = true;
  }

  end(reason?: string): void {
    this.#session.end(reason);
  }
}
