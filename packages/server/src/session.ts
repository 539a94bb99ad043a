import type { AnyTRPCRouter, TRPCError } from '@trpc/server';
import {
  Callee,
  CODES,
  cutReason,
  Driver,
  goawayFrame,
  OpenlineError,
  renewedFrame,
  RENEW_FRAME,
  retryOf,
  SERVER,
  Session as ProtocolSession,
  type Codec,
  type Connection,
  type DriverHost,
  type Hello,
  type IncomingCall,
  type SessionEvent,
} from '@openline/protocol';
import { Bucket } from './bucket.ts';
import type { Codecs } from './codecs.ts';
import { RunningCall, type CallHost } from './call.ts';
import type { Contexts } from './contexts.ts';
import type { ErrorReporter } from './errors.ts';
import { Expiry } from './expiry.ts';
import type { OnceMarks } from './once-marks.ts';
import type { OnceRuns } from './once.ts';
import type { ConnectionInfo, ErrorReport, IdentityOptions, SessionLimits } from './options.ts';
import { readInput } from './procedure-call.ts';
import type { RunProcedure } from './procedure.ts';
import { Renewal, type RenewalHost } from './renewal.ts';
import type { SessionView } from './session-view.ts';

/** What all sessions of a server share. */
export interface SessionEnvironment {
  readonly router: AnyTRPCRouter;
  readonly runProcedure: RunProcedure;
  readonly errors: ErrorReporter;
  readonly contexts: Contexts;
  readonly onceMarks: OnceMarks;
  readonly onceRuns: OnceRuns;
  readonly codecs: Codecs;
  readonly limits: SessionLimits;
  /** Time for a context to be made of fresh params. */
  readonly handshakeTimeoutMs: number;
}

/** Who keeps sessions. */
export interface SessionHost {
  attached(session: ServerSession): void;
  /** The connection is lost, and the session is not over. */
  detached(session: ServerSession, closeCode: number): void;
  /** Called once, when the session is over. */
  over(session: ServerSession, isClientsWish: boolean): void;
}

/** How often a client may resume at once, and a second. */
const RESUMES_BURST = 20;
const RESUMES_PER_SECOND = 1;

const EXPIRED = new OpenlineError(CODES.CREDENTIALS_EXPIRED, 'the credentials have expired');
const CLIENT_LEFT = new OpenlineError(CODES.CLOSED, 'the client closed its line');

/** The server's side of a session: starts a procedure for each call, and ends them with itself. */
export class ServerSession implements RenewalHost, CallHost, DriverHost<never, RunningCall> {
  readonly id: string;
  /** The secret itself is not kept. */
  readonly secretHash: string;
  /** It keeps it over all of its connections. */
  readonly codec: Codec;
  readonly driver: Driver<never, RunningCall>;
  /** The attempt of its connection, or of the last that it had; 0 before the first. */
  attempt = 0;
  /** Connections that may have it once their context is made. */
  admitting = 0;
  /** Who resumes it too often is told to come later. */
  readonly resumes: Bucket = new Bucket(RESUMES_BURST, RESUMES_PER_SECOND);
  readonly #environment: SessionEnvironment;
  readonly #host: SessionHost;
  readonly #session: ProtocolSession<never, RunningCall>;
  #controller: AbortController | undefined;
  #ctx: unknown;
  /** What the context was made with: whoever compares sessions has seen this one. */
  #view: SessionView | undefined;
  #info: ConnectionInfo | undefined;
  #identity: string | undefined;
  #expiry: Expiry | undefined;
  #renewal: Renewal | undefined;
  #endedBy: OpenlineError | undefined;

  constructor(
    id: string,
    secretHash: string,
    codec: Codec,
    environment: SessionEnvironment,
    host: SessionHost,
  ) {
    this.id = id;
    this.secretHash = secretHash;
    this.codec = codec;
    this.#host = host;
    this.#environment = environment;
    this.#session = new ProtocolSession<never, RunningCall>({
      role: SERVER,
      codec,
      limits: environment.limits,
      sessionBytesMax: environment.limits.sessionBytesMax,
    });
    this.#session.answer(Callee);
    this.driver = new Driver(this.#session, this, (flush, isAgain) => {
      if (isAgain) setImmediate(flush);
      else process.nextTick(flush);
    });
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.isOver) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#endedBy !== undefined;
  }

  /** Why it is over, where it is. */
  get endedBy(): OpenlineError | undefined {
    return this.#endedBy;
  }

  get codecs(): Codecs {
    return this.#environment.codecs;
  }

  get callee(): Callee<RunningCall> {
    return this.#session.callee;
  }

  /** What the other side is told of this side's books. */
  get books(): { readonly received: number; readonly next: number } {
    return { received: this.#session.received, next: this.#session.next };
  }

  /** Nothing that counts was ever said in it. */
  get isUnused(): boolean {
    const { received, next } = this.books;
    return received === 0 && next === 1;
  }

  /** All that is held for it, in bytes. */
  get heldBytes(): number {
    return this.#session.heldBytes;
  }

  get identity(): string | undefined {
    return this.#identity;
  }

  identify(id: string, { expiresAtMs = Infinity }: IdentityOptions = {}): void {
    if (!this.mayBelongTo(id)) throw new TypeError('the session belongs to somebody else');
    this.#identity = id;
    this.#expiry = expiresAtMs === Infinity ? undefined : new Expiry(expiresAtMs, Date.now());
  }

  /** Whether a connection of who says to be this one may have it. */
  mayBelongTo(id: string | undefined): boolean {
    return this.#identity === undefined || this.#identity === id;
  }

  /**
   * Goes on over the connection. The other side has been checked; what it says of the books may
   * still end the session.
   */
  attach(connection: Connection, hello: Hello, info: ConnectionInfo): void {
    this.attempt = hello.attempt;
    this.#info = info;
    this.#renewal?.drop();
    if (!this.driver.attach(connection, hello)) return;
    this.#host.attached(this);
  }

  /** Takes a context: calls that begin later get it. */
  take(view: SessionView, ctx: unknown): void {
    this.#ctx = ctx;
    this.#view = view;
    view.take();
    if (view.claim !== undefined) this.identify(view.claim.id, view.claim);
  }

  /** Answers params that were given over the live connection. */
  renewed(number: number, refusal?: string): void {
    this.#session.say(renewedFrame(number, refusal && cutReason(refusal)));
    this.driver.wake();
  }

  end(reason = 'the application ended the session'): void {
    this.driver.end(new OpenlineError(CODES.SESSION_ENDED, reason));
  }

  /** Says that the server is about to leave. */
  goaway(spreadMs: number): void {
    this.#session.say(goawayFrame(spreadMs));
    this.driver.wake();
  }

  /** Says that the server leaves, and ends the session. */
  leave(spreadMs: number): void {
    this.goaway(spreadMs);
    this.driver.end(new OpenlineError(CODES.GOING_AWAY, 'the server leaves'));
  }

  /** No connection came back in time. */
  expire(): void {
    this.driver.end(new OpenlineError(CODES.SESSION_GONE, 'no connection came back in time'));
  }

  /** Looks after what ends by itself: credentials, and calls whose caller's time is over. */
  sweep(nowMs: number): void {
    switch (this.#expiry?.due(Date.now())) {
      case 'ask':
        this.#session.say(RENEW_FRAME);
        this.driver.wake();
        break;
      case 'end':
        return this.driver.end(EXPIRED);
      default:
    }
    for (const { owner } of this.callee.calls) {
      if (owner !== undefined && owner.deadlineMs <= nowMs) owner.abort('ABORTED');
    }
    this.#renewal?.sweep(nowMs);
  }

  event(event: SessionEvent<never, RunningCall>): void {
    switch (event.kind) {
      case 'call':
        return this.#start(event.call);
      case 'cancel':
        return event.call.owner?.abort(event.code);
      case 'stream':
        return event.call.owner?.heard(event.stream, event.news);
      case 'ended':
        return this.#over(event.error);
      case 'notice': {
        const { frame } = event;
        if (frame.type !== 'params' || this.#info === undefined) return;
        const { contexts, handshakeTimeoutMs } = this.#environment;
        this.#renewal ??= new Renewal(this, contexts, handshakeTimeoutMs);
        const { number, params } = frame;
        return this.#renewal.renew({ number, params, connection: this.#info });
      }
      default:
        return; // A server makes no calls.
    }
  }

  detached(closeCode: number): void {
    if (this.isOver) return;
    this.#renewal?.drop();
    const retry = retryOf(closeCode);
    // With such a code the client ends its session, or cannot go on with it.
    if (retry === 'afresh' || retry === 'never') this.driver.end(CLIENT_LEFT);
    else this.#host.detached(this, closeCode);
  }

  wake(): void {
    this.driver.wake();
  }

  runProcedure(call: RunningCall): Promise<unknown> {
    return this.#environment.runProcedure(call);
  }

  serialize(value: unknown): unknown {
    return this.#environment.router._def._config.transformer.output.serialize(value);
  }

  deserialize(value: unknown): unknown {
    return this.#environment.router._def._config.transformer.input.deserialize(value);
  }

  serializeError(call: RunningCall, error: TRPCError): unknown {
    const { errors } = this.#environment;
    return errors.serialize(errors.shapeOf(this.#about(call, error)));
  }

  report(call: RunningCall, error: TRPCError): void {
    this.#environment.errors.report({ ...this.#about(call, error), session: this.#view });
  }

  #about(call: RunningCall, error: TRPCError): Omit<ErrorReport, 'session'> {
    const { type, path, ctx } = call;
    let input: unknown;
    try {
      input = readInput(this.#environment.router, call);
    } catch {
      // Where the transformer cannot read it, that is what the error is about.
    }
    return { error, type, path, input, ctx };
  }

  #start(call: IncomingCall<RunningCall>): void {
    const { timeoutMs } = call.options;
    const deadlineMs = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
    const running = new RunningCall(this, call, this.#ctx, deadlineMs);
    call.owner = running;
    const { onceMarks, onceRuns } = this.#environment;
    const isMarked = call.kind === 'mutation' && onceMarks.has(call.path);
    if (isMarked === false) return this.#startOrRefuse(call, running);
    running.awaitRecord();
    if (isMarked === true) return void onceRuns.start(running, this, call);
    void isMarked.then((isLazilyMarked) =>
      isLazilyMarked ? onceRuns.start(running, this, call) : this.#startOrRefuse(call, running),
    );
  }

  /** What nobody recorded is not run again. */
  #startOrRefuse(call: IncomingCall<RunningCall>, running: RunningCall): void {
    // Its router was loaded meanwhile.
    if (running.isCancelled) return running.refuse('CANCELLED');
    if (call.options.again !== undefined) running.refuse('SESSION_LOST');
    else running.start();
  }

  #over(error: OpenlineError): void {
    this.#endedBy = error;
    this.#renewal?.drop();
    for (const { owner } of this.callee.calls) {
      if (owner === undefined) continue;
      owner.abandon();
      this.#environment.onceRuns.leave(owner);
    }
    this.#controller?.abort();
    this.#host.over(this, error === CLIENT_LEFT);
  }
}
