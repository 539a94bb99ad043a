import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server';
import type { AnyTRPCRouter } from '@trpc/server';
import type { GetRawInput, ProcedureCall } from './procedure-call.ts';
import { hasOnlyNamedReads, QuickOptions, withOwnSignal } from './quick-path-options.ts';
import type { Answer, Next } from './quick-path-options.ts';

type Middleware = (options: object) => Answer | undefined | Promise<Answer | undefined>;

interface Step {
  readonly middleware: Middleware;
  /** An inherited `signal` will do for it. */
  readonly hasOnlyNamedReads: boolean;
  /** Is tRPC's `.errors()`, which wraps what can be iterated. */
  readonly formatsErrors: boolean;
}

/** How to run one procedure without `callTRPCProcedure`. */
export interface QuickPlan {
  readonly router: AnyTRPCRouter;
  readonly type: unknown;
  readonly meta: unknown;
  /** The last one calls the resolver. */
  readonly steps: readonly Step[];
}

/**
 * The plan for a procedure, or `undefined` when it is not in every respect one that the `model`
 * stands for: an `experimental_caller`, somebody's wrapper around a procedure, a procedure of
 * another version of tRPC, or one with a definition that says more than is known here.
 */
export function planQuickRun(
  router: AnyTRPCRouter,
  procedure: unknown,
  model: unknown,
): QuickPlan | undefined {
  const trusted = definitionOf(model);
  const def = definitionOf(procedure);
  if (def === undefined || trusted === undefined) return undefined;
  // What is called must be what tRPC itself makes: there is no other sign of a wrapper.
  if (textOf(procedure) !== textOf(model)) return undefined;
  if (textOf(def.middlewares.at(-1)) !== textOf(trusted.middlewares.at(-1))) return undefined;
  if (!Object.keys(def).every((key) => Object.hasOwn(trusted, key))) return undefined;

  const known = new Map(trusted.middlewares.map((it) => [textOf(it), typeOf(it)]));
  const last = def.middlewares.length - 1;
  const steps = def.middlewares.map((middleware, index) => {
    // Of tRPC's own kinds, all of which the model has, or undefined for a user's.
    const kind = known.get(textOf(middleware));
    return {
      middleware,
      // The last one hands the options on to the resolver, and that is all it does with them.
      hasOnlyNamedReads:
        kind !== undefined || hasOnlyNamedReads(index === last ? def.resolver : middleware),
      formatsErrors: kind === 'errors',
    };
  });
  return { router, type: def.type, meta: def.meta, steps };
}

interface Definition {
  readonly type: unknown;
  readonly meta: unknown;
  readonly resolver: unknown;
  readonly middlewares: readonly Middleware[];
}

function definitionOf(procedure: unknown): Definition | undefined {
  if (typeof procedure !== 'function' || !('_def' in procedure)) return undefined;
  const def = procedure._def;
  if (typeof def !== 'object' || def === null || !('middlewares' in def)) return undefined;
  const { middlewares } = def;
  const isList = Array.isArray(middlewares) && middlewares.every((it) => typeof it === 'function');
  return isList ? (def as Definition) : undefined;
}

/** `'input'`, `'output'` or `'errors'` for what these methods of the builder add. */
function typeOf(middleware: Middleware): unknown {
  return '_type' in middleware ? middleware._type : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'function' ? Function.prototype.toString.call(value) : undefined;
}

/** Does what `callTRPCProcedure` would, on the procedure that the plan is for. */
export function runQuick(
  plan: QuickPlan,
  call: ProcedureCall,
  getRawInput: GetRawInput,
): Promise<unknown> {
  return takeStep(plan, call, 0, call.ctx, undefined, getRawInput).then(dataOf);
}

function dataOf(answer: Answer | undefined): unknown {
  if (!answer) {
    throw new TRPCError({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'No result from middlewares - did you forget to `return next()`?',
    });
  }
  if (!answer.ok) throw getTRPCErrorFromUnknown(answer.error);
  return answer.data;
}

/**
 * The counterpart of tRPC's `callRecursive`: what is merged and what is caught is the same. It is no
 * async function, since what one keeps while it waits is a third of all that a call allocates.
 */
function takeStep(
  plan: QuickPlan,
  call: ProcedureCall,
  index: number,
  ctx: unknown,
  input: unknown,
  getRawInput: GetRawInput,
): Promise<Answer | undefined> {
  try {
    const step = plan.steps[index];
    if (step === undefined) throw new TypeError('The resolver is the last: it has no next');
    let inner: ReturnType<Next> | undefined;
    const next: Next = (changes) =>
      (inner = takeStep(
        plan,
        call,
        index + 1,
        changes?.ctx ? mergeContexts(ctx, changes.ctx) : ctx,
        changes && 'input' in changes ? changes.input : input,
        changes?.getRawInput ?? getRawInput,
      ));
    const options = new QuickOptions(plan, call, ctx, input, getRawInput, next);
    const { middleware } = step;
    const given = middleware(step.hasOnlyNamedReads ? options : withOwnSignal(options));
    const answer = Promise.resolve(given);
    if (!step.formatsErrors) return answer.then(undefined, failureOf);
    return answer.then((outer) => noteWrapper(outer, inner)).then(undefined, failureOf);
  } catch (cause) {
    return Promise.resolve(failureOf(cause));
  }
}

function failureOf(cause: unknown): Answer {
  return { ok: false, error: getTRPCErrorFromUnknown(cause), marker: 'middlewareMarker' };
}

/** By what tRPC's `.errors()` made of it, what can be iterated without the wrapper. */
const sources = new WeakMap<object, object>();

async function noteWrapper(
  outer: Answer | undefined,
  inner: ReturnType<Next> | undefined,
): Promise<Answer | undefined> {
  const wrapper = outer?.data;
  const source = (await inner)?.data;
  if (isObject(wrapper) && isObject(source) && wrapper !== source) sources.set(wrapper, source);
  return outer;
}

/**
 * What a procedure gave without the wrappers that `.errors()` puts around an iterable or observable,
 * so that what a resolver returned can be recognised. The wrappers are known on the quick path only:
 * anything else is given back as it is.
 */
export function sourceOf(value: unknown): unknown {
  let source = value;
  while (isObject(source) && sources.has(source)) source = sources.get(source);
  return source;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What `{ ...ctx, ...added }` gives, in a tenth of the time. */
function mergeContexts(ctx: unknown, added: object): object {
  const isSafe = isObject(ctx) && !hasOwnProto(ctx) && !hasOwnProto(added);
  return isSafe ? Object.assign({}, ctx, added) : { ...(ctx as object), ...added };
}

/** Assigned, such a member would become the prototype. */
function hasOwnProto(value: object): boolean {
  return Object.hasOwn(value, '__proto__');
}
