import { TRPCError } from '@trpc/server';
import { CODES } from '@openline/protocol';
import { errorOf, mayPass, type ErrorReporter } from './errors.ts';
import type { ContextOptions, Session } from './options.ts';
import type { Refusal } from './refusal.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/** What a client is told where the application has no words for it. */
const REFUSED = 'the application refused the client';

/** Asks the application what a client's params make of it. */
export class Contexts {
  readonly #errors: ErrorReporter;
  readonly #params: StandardSchemaV1 | undefined;
  readonly #createContext: ((options: ContextOptions) => unknown) | undefined;

  constructor(
    errors: ErrorReporter,
    params: StandardSchemaV1 | undefined,
    createContext: ((options: ContextOptions) => unknown) | undefined,
  ) {
    this.#errors = errors;
    this.#params = params;
    this.#createContext = createContext;
  }

  /** @throws what the application throws, and BAD_REQUEST for params that its schema refuses. */
  async make(options: ContextOptions): Promise<unknown> {
    let { params } = options;
    if (this.#params !== undefined) {
      const result = await this.#params['~standard'].validate(params);
      if (result.issues !== undefined) {
        const message = result.issues.map((issue) => issue.message).join('; ');
        throw new TRPCError({ code: 'BAD_REQUEST', message });
      }
      params = result.value;
    }
    return this.#createContext?.({ ...options, params }) ?? {};
  }

  /** Reports why a client is refused, and tells it: shaped as any error of the router. */
  refuse(cause: unknown, session: Session, tell: (refusal: Refusal) => void): void {
    const errors = this.#errors;
    const error = errorOf(cause);
    const about = { type: 'unknown', path: undefined, input: undefined, ctx: undefined } as const;
    errors.report({ ...about, error, session });
    const code = mayPass(error) ? CODES.UNAVAILABLE : CODES.REJECTED;
    try {
      const shape = errors.shapeOf({ ...about, error });
      tell({ code, message: messageOf(shape), shape: errors.serialize(shape) });
    } catch (fault) {
      errors.report({ ...about, error: errorOf(fault), session });
      tell({ code, message: REFUSED });
    }
  }
}

/** The words that the router's formatter left: it may keep those of the error from the client. */
function messageOf(shape: unknown): string {
  const { message } = (shape ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : REFUSED;
}
