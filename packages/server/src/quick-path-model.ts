import { callTRPCProcedure, getTRPCErrorShape, initTRPC, TRPCError } from '@trpc/server';
import type { AnyTRPCRouter } from '@trpc/server';
import type { GetRawInput, ProcedureCall } from './procedure-call.ts';
import { planQuickRun, runQuick } from './quick-path.ts';

let model: Promise<unknown> | undefined;

/**
 * A procedure of the tRPC that is installed, made with every method of the builder, on which the
 * quick path and the public function were just seen to do the same; `undefined` when they did not.
 * Other procedures are held up against it. The comparison runs once in a process.
 *
 * It stands in for a list of tested versions, which would be wrong by the next patch of tRPC, and
 * could not be checked in a bundle, where no `package.json` is left.
 */
export function quickPathModel(): Promise<unknown> {
  model ??= findModel().catch(() => undefined);
  return model;
}

/** What a run of the model is asked to do. */
const CASES = [
  'give',
  'give iterable',
  'refuse input',
  'refuse output',
  'throw string',
  'throw TRPCError',
  'answer nothing',
];

/** Looks for the model, by what is to run it on the quick path. */
export async function findModel(runModel = runQuick): Promise<unknown> {
  const { router, procedure } = createModel();
  const plan = planQuickRun(router, procedure, procedure);
  if (plan === undefined) return undefined;
  for (const input of CASES) {
    const [quick, published] = await Promise.all([
      observe(router, input, (call, getRawInput) => runModel(plan, call, getRawInput)),
      observe(router, input, ({ path, type, ctx, signal, batchIndex }, getRawInput) =>
        callTRPCProcedure({ router, path, type, ctx, getRawInput, signal, batchIndex }),
      ),
    ]);
    if (quick !== published) return undefined;
  }
  return procedure;
}

type Log = unknown[];

/** Everything that can be seen of one run, as text. */
async function observe(
  router: AnyTRPCRouter,
  input: string,
  run: (call: ProcedureCall, getRawInput: GetRawInput) => Promise<unknown>,
): Promise<string> {
  const log: Log = [];
  const { signal } = new AbortController();
  const ctx = { log, signal, replaced: 1 };
  const call = { path: 'model', type: 'query', input, ctx, signal, batchIndex: 3 } as const;
  try {
    const value = await run(call, async () => input);
    log.push(isIterable(value) ? await itemsOf(value) : value);
  } catch (error) {
    if (!(error instanceof TRPCError)) throw error;
    const { path, type } = call;
    const config = router._def._config;
    log.push(error.code, error.message, error.cause?.message);
    log.push(getTRPCErrorShape({ config, error, path, type, input, ctx: undefined }));
  }
  return JSON.stringify(log);
}

function createModel(): { router: AnyTRPCRouter; procedure: unknown } {
  const t = initTRPC
    .context<{ log: Log; signal: AbortSignal; replaced: number }>()
    .meta<{ first?: boolean; second?: boolean }>()
    .create({ allowOutsideOfServer: true, isDev: false });
  const watched = t.procedure.use(async (options) => {
    const { ctx, next, getRawInput, signal, ...others } = options;
    ctx.log.push(Object.keys(options).sort(), Object.keys(ctx), others.path, others.type);
    ctx.log.push(others.input, others.meta, others.batchIndex);
    ctx.log.push(await getRawInput(), signal === ctx.signal);
    const answer = await next();
    ctx.log.push(Object.keys(answer), answer.ok, answer.marker);
    return answer;
  });
  const procedure = watched
    .meta({ first: true })
    .errors(({ shape, input }) => ({ ...shape, message: `${String(input)}: ${shape.message}` }))
    .input((value: unknown): { wish: unknown } => {
      if (value === 'refuse input') throw new Error('input refused');
      return { wish: value };
    })
    .use(({ input, next }) => {
      if (input.wish === 'answer nothing') return undefined as never;
      return next({ ctx: { replaced: 2, added: 3 } });
    })
    .use(({ input, next }) => next({ input: { ...input, replaced: true } }))
    .use(({ next }) => next({ getRawInput: async () => ({ raw: 'replaced' }) }))
    .input((value: unknown): { raw: unknown } => value as { raw: unknown })
    .concat(watched.meta({ second: true }))
    .output((value: unknown) => {
      if (value === 'refuse output') throw new Error('output refused');
      return value;
    })
    .query(({ ctx, input, signal }): unknown => {
      ctx.log.push(input, ctx.replaced, ctx.added, signal === ctx.signal);
      // oxlint-disable-next-line typescript/only-throw-error -- Procedures of users do it.
      if (input.wish === 'throw string') throw input.wish;
      if (input.wish === 'throw TRPCError') throw new TRPCError({ code: 'CONFLICT' });
      return input.wish === 'give iterable' ? failingItems() : input.wish;
    });
  return { router: t.router({ model: procedure }), procedure };
}

async function* failingItems(): AsyncGenerator<number> {
  yield 1;
  throw new Error('after the first');
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function itemsOf(iterable: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}
