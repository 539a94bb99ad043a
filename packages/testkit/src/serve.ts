import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server';
import type { Session } from '@openline/server';

/** The context of each call, or what makes it of the session. */
export type GivenContext<R extends AnyTRPCRouter> =
  inferRouterContext<R> | ((session: Session) => inferRouterContext<R>);

/** The context of a session's calls. */
export function contextOf(given: unknown, session: Session): unknown {
  return typeof given === 'function' ? (given as (of: Session) => unknown)(session) : given;
}
