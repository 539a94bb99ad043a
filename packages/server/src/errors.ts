import { getTRPCErrorFromUnknown, getTRPCErrorShape, TRPCError } from '@trpc/server';
import type { AnyTRPCRouter } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import type { ErrorReport } from './options.ts';

type ShapeOptions = Parameters<typeof getTRPCErrorShape>[0];

/** Reports errors, and makes of them what a client may see. */
export class ErrorReporter {
  readonly #router: AnyTRPCRouter;
  readonly #onError: ((report: ErrorReport) => void) | undefined;

  constructor(router: AnyTRPCRouter, onError: ((report: ErrorReport) => void) | undefined) {
    this.#router = router;
    this.#onError = onError;
  }

  report(report: ErrorReport): void {
    // A listener that throws or rejects has nobody to tell, and the call must still be answered.
    void new Promise((resolve) => resolve(this.#onError?.(report))).catch(() => {});
  }

  /** Reports what belongs to no call and no session. */
  reportFault(fault: unknown): void {
    const about = { type: 'unknown', path: undefined, input: undefined, ctx: undefined } as const;
    this.report({ ...about, error: errorOf(fault), session: undefined });
  }

  /** What a client may see of the error. @throws what the router's formatter throws. */
  shapeOf({ error, type, path, input, ctx }: Omit<ErrorReport, 'session'>): unknown {
    const config = this.#router._def._config as ShapeOptions['config'];
    return getTRPCErrorShape({ config, error, type, path, input, ctx });
  }

  /** @throws what the router's transformer throws. */
  serialize(shape: unknown): unknown {
    return this.#router._def._config.transformer.output.serialize(shape);
  }
}

/** What tRPC makes of anything thrown, also of something that throws when it is looked at. */
export function errorOf(cause: unknown): TRPCError {
  try {
    return getTRPCErrorFromUnknown(cause);
  } catch {
    return new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
  }
}

/** Whether a client that was refused with this error may find it gone when it comes again. */
export function mayPass(error: TRPCError): boolean {
  const status = getHTTPStatusCodeFromError(error);
  return status >= 500 || status === 408 || status === 429;
}
