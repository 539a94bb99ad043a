import { getTRPCErrorShape, type AnyTRPCRouter, type TRPCError } from '@trpc/server';
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
    try {
      this.#onError?.(report);
    } catch {
      // A listener that fails has nobody to tell, and the call must still be answered.
    }
  }

  /**
   * The error as the router's formatter and transformer leave it.
   *
   * @throws what these throw.
   */
  serialize({ error, type, path, input, ctx }: Omit<ErrorReport, 'session'>): unknown {
    const config: ShapeOptions['config'] = this.#router._def._config;
    const shape: unknown = getTRPCErrorShape({ config, error, type, path, input, ctx });
    return config.transformer.output.serialize(shape);
  }
}

/** Whether a client that was refused with this error may find it gone when it comes again. */
export function mayPass(error: TRPCError): boolean {
  const status = getHTTPStatusCodeFromError(error);
  return status >= 500 || status === 408 || status === 429;
}
