import { callTRPCProcedure, getTRPCErrorFromUnknown } from '@trpc/server';
import type { AnyTRPCRouter } from '@trpc/server';
import { rawInputOf } from './procedure-call.ts';
import type { GetRawInput, ProcedureCall } from './procedure-call.ts';
import { planQuickRun, runQuick } from './quick-path.ts';
import type { QuickPlan } from './quick-path.ts';
import { quickPathModel } from './quick-path-model.ts';

export type { ProcedureCall } from './procedure-call.ts';
export { sourceOf } from './quick-path.ts';

/**
 * Runs a call and gives what the procedure gave: a value, or an async iterable or observable, for
 * which see {@link sourceOf}. Rejects with a `TRPCError` always, and with the very one that was
 * thrown: it may carry the shape that the procedure's own `.errors()` gave it.
 */
export type RunProcedure = (call: ProcedureCall) => Promise<unknown>;

export interface ProcedureRunnerOptions {
  /** Whether the quick path may be taken at all. True by default. */
  readonly quick?: boolean | undefined;
}

/**
 * Gives the function that runs the procedures of a router. It does what `callTRPCProcedure` does,
 * many times as fast where it can: a procedure that has exactly the known shape has its middlewares
 * run by {@link runQuick}, once that is seen to do what the installed tRPC does. All else, a path
 * that leads nowhere or into a lazy router not yet loaded included, is left to the public function.
 */
export function createProcedureRunner(
  router: AnyTRPCRouter,
  { quick = true }: ProcedureRunnerOptions = {},
): RunProcedure {
  /** By path, for procedures that exist only, so that a peer cannot make it grow. */
  const plans = new Map<string, QuickPlan | 'public'>();
  let model: unknown;
  if (quick) void quickPathModel().then((agreed) => (model = agreed));

  function planAt(path: string): QuickPlan | 'public' {
    const procedures = router._def.procedures as Readonly<Record<string, unknown>>;
    if (model === undefined || !Object.hasOwn(procedures, path)) return 'public';
    const plan = planQuickRun(router, procedures[path], model) ?? 'public';
    plans.set(path, plan);
    return plan;
  }

  return (call) => {
    const plan = plans.get(call.path) ?? planAt(call.path);
    const getRawInput = rawInputOf(router, call);
    return plan !== 'public' && plan.type === call.type
      ? runQuick(plan, call, getRawInput)
      : runPublic(router, call, getRawInput);
  };
}

async function runPublic(
  router: AnyTRPCRouter,
  { path, type, ctx, signal, batchIndex }: ProcedureCall,
  getRawInput: GetRawInput,
): Promise<unknown> {
  try {
    return await callTRPCProcedure({ router, path, type, ctx, getRawInput, signal, batchIndex });
  } catch (cause) {
    // A lazy router that does not load, for one, rejects with whatever its import threw.
    throw getTRPCErrorFromUnknown(cause);
  }
}
