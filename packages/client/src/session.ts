import {
  CLIENT_LIMITS,
  CLIENT,
  CLOSED,
  Driver,
  encodeHello,
  OpenlineError,
  paramsFrame,
  Session,
  type Codec,
  type Connection,
  type DriverHost,
  type Message,
  type Notice,
  type OutgoingCall,
  type SessionEvent,
  type Streams,
  type Welcome,
} from '@openline/protocol';
import type { CallSession, LineCall } from './call.ts';
import { CLIENT_NAME, CLOSE_GRACE_MS, SESSION_BYTES_MAX, TIMER_MS_MAX } from './constants.ts';

export interface LineSessionHost {
  readonly codec: Codec;
  /** The server says something that is not of a call. */
  notice(session: LineSession, frame: Notice): void;
  /** It has no connection any more. The close code says whether it is over, and what may follow. */
  detached(session: LineSession, closeCode: number, reason: string): void;
  /** No connection could be had for as long as the server keeps it, or it was left and is done. */
  expired(session: LineSession): void;
}

/** The client's side of a session: gives each call what the server says of it. */
export class LineSession implements CallSession, DriverHost<LineCall, never> {
  readonly id: string = randomToken();
  readonly driver: Driver<LineCall, never>;
  /** How often it went on over another connection. */
  resumed = -1;
  readonly #host: LineSessionHost;
  readonly #session: Session<LineCall, never>;
  readonly #secret = randomToken();
  /** What the server said at the last attach. */
  #welcome: Welcome | undefined;
  /** Connections on which it has said `hello`. */
  #attempts = 0;
  /** Runs while there is no connection: past it the session is given up. */
  #window: ReturnType<typeof setTimeout> | undefined;
  #keepAlive: ReturnType<typeof setInterval> | undefined;
  #connection: Connection | undefined;
  #isLeaving = false;
  #isOver = false;
  #onDetached: (() => void) | undefined;

  constructor(host: LineSessionHost) {
    this.#host = host;
    this.#session = new Session<LineCall, never>({
      role: CLIENT,
      codec: host.codec,
      limits: CLIENT_LIMITS,
      sessionBytesMax: SESSION_BYTES_MAX,
    });
    this.driver = new Driver(this.#session, this, (flush) => queueMicrotask(flush));
  }

  get streams(): Streams<OutgoingCall<LineCall>> {
    return this.#session.caller.streams;
  }

  wake(): void {
    this.driver.wake();
  }

  /** Calls that have not ended and were not given up, in the order they were made. */
  get calls(): readonly LineCall[] {
    return Array.from(this.#session.caller.calls).flatMap(({ cancelled, owner }) =>
      cancelled ? [] : owner,
    );
  }

  /** The first message on a new connection. @throws LIMIT_EXCEEDED when the params are too large. */
  hello(params: unknown): Message {
    return encodeHello(this.#host.codec, {
      sessionId: this.id,
      secret: this.#secret,
      attempt: ++this.#attempts,
      // Elsewhere a `hello` that came late may have made another session of its name.
      node: this.#welcome?.node,
      received: this.#session.received,
      next: 0,
      client: CLIENT_NAME,
      params,
      limits: CLIENT_LIMITS,
    });
  }

  /** `false`: the session has ended over what the server says of it. */
  attach(connection: Connection, welcome: Welcome): boolean {
    this.stopClocks();
    this.#welcome = welcome;
    if (!this.driver.attach(connection, welcome)) return false;
    this.#connection = connection;
    this.resumed++;
    this.#keepAlive = setInterval(
      () => {
        this.driver.tick();
        this.#closeIfDone();
      },
      Math.min(welcome.keepAliveMs, TIMER_MS_MAX),
    );
    return true;
  }

  /** Says fresh params over the connection. @throws what the codec throws, and LIMIT_EXCEEDED. */
  renew(number: number, params: unknown): void {
    this.#session.say(paramsFrame(number, params));
    this.driver.wake();
  }

  /** @throws what the transformer and the codec throw at its input. */
  call(call: LineCall): void {
    call.begin(this, this.#session.caller.call(call.request(), call));
    this.driver.wake();
  }

  /** How a server that records outcomes may know a call of this session, once that is gone. */
  sendingOf({ outgoing }: LineCall): LineCall['first'] {
    const journal = this.#welcome?.journal;
    return outgoing && journal !== undefined
      ? { secret: this.#secret, id: outgoing.id, journal }
      : undefined;
  }

  cancel(call: LineCall): void {
    if (call.outgoing === undefined) return;
    this.#session.caller.cancel(call.outgoing);
    call.outgoing = undefined;
    this.driver.wake();
  }

  /** It gets no more calls: it is closed when those that it has are over. */
  leave(): void {
    this.#isLeaving = true;
    this.#closeIfDone();
  }

  /** It gets no other connection. */
  stopClocks(): void {
    clearInterval(this.#keepAlive);
    clearTimeout(this.#window);
  }

  /** The server is told that this is the end. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.stopClocks();
    if (connection === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onDetached = resolve;
      this.driver.end(new OpenlineError(CLOSED, 'the line is closed'));
      this.#window = setTimeout(() => {
        connection.abandon();
        this.driver.closed(connection, CLOSED, '');
      }, CLOSE_GRACE_MS);
    });
  }

  event(event: SessionEvent<LineCall, never>): void {
    switch (event.kind) {
      case 'answer':
        // Behind this event there may be others of the same message.
        if (this.#isLeaving) queueMicrotask(() => this.#closeIfDone());
        return event.call.owner.answer(event.frame);
      case 'too-large': {
        const { owner } = event.call;
        owner.outgoing = undefined;
        const message = 'the input is larger than the server takes';
        return owner.fail({ code: 'PAYLOAD_TOO_LARGE', message });
      }
      case 'stream':
        return event.call.owner?.heard(event.stream, event.news);
      case 'notice':
        return this.#host.notice(this, event.frame);
      case 'ended':
        this.#isOver = true;
        // The end that is of the line's own making is no news.
        if (this.#onDetached !== undefined) return;
        this.stopClocks();
        return this.#host.detached(this, event.error.code, event.error.message);
      default: // This side answers no calls, and gives no items.
    }
  }

  detached(code: number, reason: string): void {
    this.stopClocks();
    this.#connection = undefined;
    this.#onDetached?.();
    if (this.#isOver) return;
    const windowMs = Math.min(this.#welcome?.windowMs ?? 0, TIMER_MS_MAX);
    this.#window = setTimeout(() => this.#host.expired(this), windowMs);
    this.#host.detached(this, code, reason);
  }

  #closeIfDone(): void {
    if (!this.#isLeaving || this.calls.length > 0) return;
    this.#isLeaving = false;
    this.#host.expired(this);
    void this.close();
  }
}

/** 128 random bits. */
function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
