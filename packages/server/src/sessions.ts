import { timingSafeEqual } from 'node:crypto';
import { CODES, type Codec, type Hello } from '@openline/protocol';
import { Bucket } from './bucket.ts';
import { otherCodec } from './codecs.ts';
import { digestOf } from './digest.ts';
import { GoneSessions } from './gone.ts';
import { LEAVING, RESUMED_TOO_OFTEN, SESSION_GONE, SUPERSEDED, type Refusal } from './refusal.ts';
import { ServerSession, type SessionEnvironment, type SessionHost } from './session.ts';
import type { ResumeSettings } from './settings.ts';

/** A page that was left may come back in this time, in milliseconds. */
const LEFT_WINDOW_MS = 5_000;

interface Held {
  readonly session: ServerSession;
  /** When it is pinged, so that the pings of many do not go out at once. */
  readonly turn: number;
}

/** The sessions of a node: those that have a connection, and for a while those that lost it. */
export class Sessions implements SessionHost {
  readonly #node: string;
  readonly #environment: SessionEnvironment;
  readonly #settings: ResumeSettings;
  readonly #turns: number;
  readonly #held = new Map<string, Held>();
  /** Those without a connection, the one that lost it first in front, and when their time is over. */
  readonly #detached = new Map<ServerSession, number>();
  readonly #gone = new GoneSessions();
  readonly #resumes: Bucket;
  /** How its clients are to spread, once the server leaves. */
  #leavingSpreadMs: number | undefined;
  readonly #whenEmpty: (() => void)[] = [];

  /** `turns`: how many sweeps there are in a keep-alive interval. */
  constructor(
    node: string,
    environment: SessionEnvironment,
    settings: ResumeSettings,
    turns: number,
  ) {
    this.#node = node;
    this.#environment = environment;
    this.#settings = settings;
    this.#turns = turns;
    this.#resumes = new Bucket(settings.resumesPerSecondMax, settings.resumesPerSecondMax);
  }

  get size(): number {
    return this.#held.size;
  }

  /** Nothing is left to be looked after. */
  get isIdle(): boolean {
    return this.#held.size === 0 && this.#environment.onceRuns.size === 0;
  }

  get all(): readonly ServerSession[] {
    return Array.from(this.#held.values(), ({ session }) => session);
  }

  /**
   * Gives the session that a `hello` makes or asks for, or says why it cannot have it. One that is
   * unknown and one that belongs to somebody else look alike.
   */
  claim(
    { sessionId, secret, attempt, node }: Hello,
    codec: Codec,
    nowMs: number,
  ): ServerSession | Refusal {
    // A first `hello` may have come here too, late: what that made is not the client's session.
    if (node !== undefined && node !== this.#node) return SESSION_GONE;
    const secretHash = digestOf(secret);
    const held = this.#held.get(sessionId);
    if (held === undefined) {
      const gone = this.#gone.get(sessionId);
      // Also the first `hello`, come again: its client would take a new session for the one that ended.
      if (gone !== undefined) {
        return isEqual(gone.secretHash, secretHash) ? gone.refusal : SESSION_GONE;
      }
      if (attempt > 1) return SESSION_GONE;
      if (this.#leavingSpreadMs !== undefined) return LEAVING;
      const session = new ServerSession(sessionId, secretHash, codec, this.#environment, this);
      this.#held.set(sessionId, { session, turn: this.#held.size % this.#turns });
      return session;
    }
    const { session } = held;
    if (!isEqual(session.secretHash, secretHash)) return SESSION_GONE;
    // What it keeps for its client is encoded already.
    if (session.codec !== codec) return otherCodec(session.codec);
    if (attempt <= session.attempt) return SUPERSEDED;
    if (!session.resumes.take(nowMs) || !this.#resumes.take(nowMs)) return RESUMED_TOO_OFTEN;
    return session;
  }

  /** The clock has ticked: looks after deadlines, keep-alive and what waits for its client. */
  sweep(nowMs: number, turn: number): void {
    for (const held of this.#held.values()) {
      held.session.sweep(nowMs);
      if (held.turn === turn) held.session.driver.tick();
    }
    for (const [session, untilMs] of this.#detached) if (untilMs <= nowMs) session.expire();
    this.#environment.onceRuns.sweep(nowMs);
    this.#evict();
    this.#gone.sweep(nowMs);
  }

  /**
   * Takes no new sessions, and tells the clients of those that there are. One that has no connection
   * may still come back to calls under way.
   */
  drain(spreadMs: number): void {
    this.#leavingSpreadMs = spreadMs;
    for (const session of this.all) {
      if (this.#detached.has(session) && session.callee.count === 0) session.expire();
      else session.goaway(spreadMs);
    }
  }

  /** Resolves when there is no session. */
  untilEmpty(): Promise<void> {
    if (this.#held.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  attached(session: ServerSession): void {
    this.#detached.delete(session);
    if (this.#leavingSpreadMs !== undefined) session.goaway(this.#leavingSpreadMs);
  }

  detached(session: ServerSession, closeCode: number): void {
    const { windowMs } = this.#settings;
    const keptMs = closeCode === 1001 ? Math.min(windowMs, LEFT_WINDOW_MS) : windowMs;
    if (keptMs === 0 || session.isUnused) session.expire();
    else this.#detached.set(session, performance.now() + keptMs);
  }

  over(session: ServerSession, isClientsWish: boolean): void {
    const { id, secretHash, books, endedBy } = session;
    this.#held.delete(id);
    this.#detached.delete(session);
    if (this.#held.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
    // One that was attached may have lost a first call on its way: its client is told that none came.
    if (isClientsWish || session.attempt === 0) return;
    const { received } = books;
    // A client whose session was ended while it was away is told so now.
    const { code, message } = endedBy?.code === CODES.SESSION_ENDED ? endedBy : SESSION_GONE;
    const refusal: Refusal = { code, message, received };
    this.#gone.add(id, { secretHash, refusal, atMs: performance.now() }, session.isUnused);
  }

  #evict(): void {
    const { sessionsMax, sessionsPerIdentityMax, bytesMax } = this.#settings;
    const byIdentity = new Map<string, ServerSession[]>();
    for (const session of this.#detached.keys()) {
      const { identity } = session;
      if (identity === undefined) continue;
      const group = byIdentity.get(identity);
      if (group === undefined) byIdentity.set(identity, [session]);
      else group.push(session);
    }
    for (const group of byIdentity.values()) evict(group, sessionsPerIdentityMax, Infinity);
    evict([...this.#detached.keys()], sessionsMax, bytesMax);
  }
}

/** Ends what is beyond the limits: first sessions without calls in flight, the oldest first. */
function evict(sessions: readonly ServerSession[], countMax: number, bytesMax: number): void {
  let count = sessions.length;
  let bytes = sessions.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  if (count <= countMax && bytes <= bytesMax) return;
  const isIdle = ({ callee }: ServerSession): boolean => callee.count === 0;
  const idle = sessions.filter(isIdle);
  const busy = sessions.filter((session) => !isIdle(session));
  for (const session of [...idle, ...busy]) {
    if (count <= countMax && bytes <= bytesMax) return;
    count--;
    bytes -= session.heldBytes;
    session.expire();
  }
}

/** In constant time. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
