import {
  CALL_ERRORS,
  CLIENT_LIMITS,
  CLOSE_CODES,
  createJsonCodec,
  Driver,
  encodeHello,
  OpenlineError,
  Session,
  type AnswerFrame,
  type Connection,
  type DriverHost,
  type Message,
  type OutgoingCall,
  type SessionEvent,
  type Welcome,
} from '@openline/protocol';
import type { LineCall } from './call.ts';
import { TIMER_MS_MAX } from './timer.ts';

/** All that the line may hold of what the server does not take, in bytes. */
const SESSION_BYTES_MAX = 256 * 1_048_576;
/** Time for the server to answer a goodbye, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;
const CLIENT_NAME = 'openline-js/0';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const codec = createJsonCodec({
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
});

export interface LineSessionHost {
  /** The server leaves: come back within a random part of the spread. */
  goaway(spreadMs: number): void;
  /** The session is over, with the close code that says what may follow. */
  over(session: LineSession, closeCode: number, reason: string): void;
}

/** The client's side of a session: gives each call what the server says of it. */
export class LineSession implements DriverHost<LineCall, never> {
  readonly driver: Driver<LineCall, never>;
  readonly #host: LineSessionHost;
  readonly #session: Session<LineCall, never>;
  #id = '';
  #connection: Connection | undefined;
  #keepAlive: ReturnType<typeof setInterval> | undefined;
  #onDetached: (() => void) | undefined;

  constructor(host: LineSessionHost) {
    this.#host = host;
    this.#session = new Session<LineCall, never>({
      role: 'client',
      codec,
      limits: CLIENT_LIMITS,
      sessionBytesMax: SESSION_BYTES_MAX,
    });
    this.driver = new Driver(this.#session, this, (flush) => queueMicrotask(flush));
  }

  get id(): string {
    return this.#id;
  }

  /** Calls that have not ended and were not given up, in the order they were made. */
  get calls(): readonly OutgoingCall<LineCall>[] {
    return [...this.#session.caller.calls].filter((call) => !call.cancelled);
  }

  /** The first message on a new connection. @throws LIMIT_EXCEEDED when the params are too large. */
  hello(params: unknown): Message {
    this.#id = randomToken();
    return encodeHello(codec, {
      sessionId: this.#id,
      secret: randomToken(),
      attempt: 1,
      received: this.#session.received,
      next: this.#session.next,
      client: CLIENT_NAME,
      params,
      limits: CLIENT_LIMITS,
    });
  }

  attach(connection: Connection, welcome: Welcome): void {
    this.#connection = connection;
    this.driver.attach(connection, welcome);
    const keepAliveMs = Math.min(welcome.keepAliveMs, TIMER_MS_MAX);
    this.#keepAlive = setInterval(() => this.driver.tick(), keepAliveMs);
  }

  /** @throws what the codec throws at the input. */
  call(call: LineCall): void {
    const { kind, path, input, timeoutMs, lastEventId } = call;
    // A subscription's timeout is for its first word alone: past it, a `cancel` tells the server.
    const options = { timeoutMs: kind === 'subscription' ? undefined : timeoutMs, lastEventId };
    call.outgoing = this.#session.caller.call({ kind, path, input, options }, call);
  }

  cancel(call: LineCall): void {
    if (call.outgoing === undefined) return;
    this.#session.caller.cancel(call.outgoing);
    call.outgoing = undefined;
    this.driver.wake();
  }

  /** The server is told that this is the end. */
  close(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve();
    this.driver.end(new OpenlineError('CLOSED', 'the line is closed'));
    return new Promise((resolve) => {
      const grace = setTimeout(() => {
        connection.abandon();
        this.driver.closed(CLOSE_CODES.CLOSED, '');
      }, CLOSE_GRACE_MS);
      this.#onDetached = () => {
        clearTimeout(grace);
        resolve();
      };
    });
  }

  event(event: SessionEvent<LineCall, never>): void {
    switch (event.kind) {
      case 'answer':
        return this.#answer(event.call.owner, event.frame);
      case 'too-large':
        event.call.owner.outgoing = undefined;
        return event.call.owner.sink.failed({
          code: 'PAYLOAD_TOO_LARGE',
          outcome: 'not-executed',
          message: 'the input is larger than the server takes',
        });
      case 'goaway':
        return this.#host.goaway(event.spreadMs);
      case 'ended':
        clearInterval(this.#keepAlive);
        return this.#host.over(this, CLOSE_CODES[event.error.code], event.error.message);
      default:
        return; // This side answers no calls, and gives no items.
    }
  }

  detached(code: number, reason: string): void {
    clearInterval(this.#keepAlive);
    this.#connection = undefined;
    this.#onDetached?.();
    this.#host.over(this, code, reason);
  }

  #answer(call: LineCall, frame: AnswerFrame): void {
    if (call.outgoing === undefined) return; // Given up by a callback of an event before this one.
    const { sink } = call;
    switch (frame.type) {
      case 'subscribed':
        call.deadlineMs = Infinity;
        return sink.subscribed();
      case 'item':
        call.lastEventId = frame.eventId ?? call.lastEventId;
        return sink.item(frame.data, frame.eventId);
      case 'result':
        call.outgoing = undefined;
        return sink.result(frame.data);
      case 'end':
        call.outgoing = undefined;
        return sink.end();
      case 'error':
        call.outgoing = undefined;
        if (frame.code === null) return sink.answered(frame.shape);
        return sink.failed({
          code: frame.code,
          outcome: CALL_ERRORS[frame.code],
          message: `the server ended the call: ${frame.code}`,
        });
    }
  }
}

/** 128 random bits. */
function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
