import { randomUUID } from 'node:crypto';
import type { Session } from '@openline/server';

/**
 * A session without a client, for `router.createCaller({ session: testSession() })`. `end` aborts its
 * `signal`, and nothing else.
 */
export function testSession(options: { readonly identity?: string | undefined } = {}): Session {
  const controller = new AbortController();
  let { identity } = options;
  return {
    id: randomUUID(),
    get identity() {
      return identity;
    },
    identify(id) {
      if (identity !== undefined && identity !== id) {
        throw new TypeError('the session belongs to somebody else');
      }
      identity = id;
    },
    signal: controller.signal,
    end() {
      controller.abort();
    },
  };
}
