import type { AnyTRPCRouter } from '@trpc/server';
import type { GetRawInput, ProcedureCall } from './procedure-call.ts';

/** What a middleware may give to `next`. */
interface Changes {
  readonly ctx?: object | undefined;
  readonly input?: unknown;
  readonly getRawInput?: GetRawInput | undefined;
}

/** What a middleware should answer. A user's may answer anything. */
export interface Answer {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: unknown;
  /** A constant of tRPC's that nothing reads; a middleware could. */
  readonly marker?: unknown;
}

export type Next = (changes?: Changes) => Promise<Answer | undefined>;

/**
 * What a middleware or resolver is called with. In tRPC `signal` is a member as the others are; but
 * making a signal takes longer than all the rest of a call, and few procedures look at it. Here it
 * is an inherited accessor. Only functions that {@link hasOnlyNamedReads} get these options, so that
 * none can see the difference.
 */
export class QuickOptions {
  router: AnyTRPCRouter;
  path: string;
  type: string;
  ctx: unknown;
  input: unknown;
  getRawInput: GetRawInput;
  batchIndex: number;
  meta: unknown;
  next: Next;
  readonly #call: ProcedureCall;

  constructor(
    plan: { readonly router: AnyTRPCRouter; readonly meta: unknown },
    call: ProcedureCall,
    ctx: unknown,
    input: unknown,
    getRawInput: GetRawInput,
    next: Next,
  ) {
    // callTRPCProcedure passes on all that it was given, and so the router too.
    this.router = plan.router;
    this.path = call.path;
    this.type = call.type;
    this.ctx = ctx;
    this.input = input;
    this.getRawInput = getRawInput;
    this.batchIndex = call.batchIndex;
    this.meta = plan.meta;
    this.next = next;
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  set signal(value: AbortSignal) {
    const member = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(this, 'signal', member);
  }
}

/**
 * The same for any other function: plain options, with a signal like the rest. An accessor of their
 * own would cost more for each object than one signal does for the call.
 */
export function withOwnSignal(options: QuickOptions): object {
  return {
    router: options.router,
    path: options.path,
    type: options.type,
    ctx: options.ctx,
    input: options.input,
    getRawInput: options.getRawInput,
    signal: options.signal,
    batchIndex: options.batchIndex,
    meta: options.meta,
    next: options.next,
  };
}

/** Names, and names in them, without a rest: `{ ctx, input: { id: key } }`. */
const PATTERN = String.raw`\{(?:[\w\s,:]|\{[\w\s,:]*\})*\}`;

/** A function of one parameter or none, as far as its body. */
const HEAD = new RegExp(
  String.raw`^(?:async\b\s*)?(?:(?:function\b\s*\*?\s*\w*\s*)?\(\s*(?:(\w+)|${PATTERN})?\s*\)\s*(?:=>|\{)|(\w+)\s*=>)`,
);

/** What could reach the parameter by another way, or is no source at all. */
const OBSCURE = /\barguments\b|\beval\b|\[native code\]/;

/**
 * Whether a function, by its source text, reads members of its parameter by their names and does
 * nothing else with it: such a function cannot tell an own member from an inherited one. False when
 * in doubt, so that a text in an unforeseen form costs time and nothing else.
 */
export function hasOnlyNamedReads(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  const source = Function.prototype.toString.call(value);
  const head = HEAD.exec(source);
  if (head === null || OBSCURE.test(source)) return false;
  const name = head[1] ?? head[2];
  if (name === undefined) return true;
  const unpacking = new RegExp(String.raw`\b(?:const|let|var)\s*${PATTERN}\s*=\s*${name}\b`, 'g');
  const body = source.slice(head[0].length).replace(unpacking, ' ');
  return !new RegExp(String.raw`\b${name}\b(?!\.)`).test(body);
}
