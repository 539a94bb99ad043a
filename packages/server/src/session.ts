import type { AnyTRPCRouter, TRPCError } from '@trpc/server';
import {
  Callee,
  Driver,
  goawayFrame,
  OpenlineError,
  Session as ProtocolSession,
  type Agreement,
  type Codec,
  type Connection,
  type DriverHost,
  type IncomingCall,
  type SessionEvent,
} from '@openline/protocol';
import { RunningCall, type CallHost } from './call.ts';
import type { ErrorReporter } from './errors.ts';
import type { ErrorReport, Session, SessionLimits } from './options.ts';
import { readInput } from './procedure-call.ts';
import type { RunProcedure } from './procedure.ts';

/** What all sessions of a server share. */
export interface SessionEnvironment {
  readonly router: AnyTRPCRouter;
  readonly runProcedure: RunProcedure;
  readonly errors: ErrorReporter;
  readonly limits: SessionLimits;
  /** Called once, when the session is over. */
  readonly onOver: (session: ServerSession) => void;
}

/** The server's side of a session: starts a procedure for each call, and ends them with itself. */
export class ServerSession implements Session, CallHost, DriverHost<never, RunningCall> {
  readonly id: string;
  readonly driver: Driver<never, RunningCall>;
  readonly #environment: SessionEnvironment;
  readonly #session: ProtocolSession<never, RunningCall>;
  #waiting: RunningCall[] = [];
  #controller: AbortController | undefined;
  #ctx: unknown;
  #endedBy: OpenlineError | undefined;

  constructor(id: string, codec: Codec, environment: SessionEnvironment) {
    this.id = id;
    this.#environment = environment;
    this.#session = new ProtocolSession<never, RunningCall>({
      role: 'server',
      codec,
      limits: environment.limits,
      sessionBytesMax: environment.limits.sessionBytesMax,
    });
    this.#session.answer(Callee);
    this.driver = new Driver(this.#session, this, (flush) => process.nextTick(flush));
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

  get callee(): Callee<RunningCall> {
    return this.#session.callee;
  }

  /** What the other side is told of this side's books. */
  get books(): { readonly received: number; readonly next: number } {
    return { received: this.#session.received, next: this.#session.next };
  }

  attach(connection: Connection, agreement: Agreement, ctx: unknown): void {
    this.#ctx = ctx;
    this.driver.attach(connection, agreement);
  }

  end(reason = 'the application ended the session'): void {
    this.driver.end(new OpenlineError('SESSION_ENDED', reason));
  }

  /** Says that the server leaves, and ends the session. */
  leave(spreadMs: number): void {
    this.#session.say(goawayFrame(spreadMs));
    this.driver.end(new OpenlineError('GOING_AWAY', 'the server leaves'));
  }

  /** Aborts calls whose caller's time is over. */
  expireCalls(nowMs: number): void {
    for (const { owner } of this.callee.calls) {
      if (owner !== undefined && owner.deadlineMs <= nowMs) owner.abort('ABORTED');
    }
  }

  event(event: SessionEvent<never, RunningCall>): void {
    switch (event.kind) {
      case 'call':
        return this.#start(event.call);
      case 'cancel':
        return event.call.owner?.abort(event.code);
      case 'room':
        for (const call of this.#waiting.splice(0)) call.resume();
        return;
      case 'ended':
        return this.#over(event.error);
      default:
        return; // A server leaves by itself, and makes no calls.
    }
  }

  detached(): void {
    this.driver.end(new OpenlineError('SESSION_GONE', 'the connection was lost'));
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

  serializeError(call: RunningCall, error: TRPCError): unknown {
    const { errors } = this.#environment;
    return errors.serialize(errors.shapeOf(this.#about(call, error)));
  }

  report(call: RunningCall, error: TRPCError): void {
    this.#environment.errors.report({ ...this.#about(call, error), session: this });
  }

  mayProduce(call: RunningCall): boolean {
    if (!this.#session.producersMustWait()) return true;
    this.#waiting.push(call);
    return false;
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
    call.owner = new RunningCall(this, call, this.#ctx, deadlineMs);
    call.owner.start();
  }

  #over(error: OpenlineError): void {
    this.#endedBy = error;
    this.#waiting = [];
    for (const { owner } of this.callee.calls) owner?.abort('ABORTED');
    this.#controller?.abort();
    this.#environment.onOver(this);
  }
}
