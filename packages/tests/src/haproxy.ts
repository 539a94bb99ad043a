import type { Capability } from './capability.ts';
import { findExecutable } from './executable.ts';

/** `undefined` where there is none. */
export const haproxyFile: string | undefined = findExecutable(
  ['haproxy'],
  // Debian's place for it, which is not in everybody's `PATH`.
  ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy'],
);

/** For `describeWith(haproxy, …)`. */
export const haproxy: Capability = {
  name: 'an HAProxy',
  isThere: haproxyFile !== undefined,
  howToHave: 'Install one (Debian: apt-get install haproxy; with Homebrew: brew install haproxy).',
};
