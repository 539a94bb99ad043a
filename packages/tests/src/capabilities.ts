import type { Capability } from './capability.ts';
import { chromium } from './chromium.ts';
import { haproxy } from './haproxy.ts';
import { oldestNode } from './oldest-node.ts';

/** What tests need and this machine lacks. */
export function missingCapabilities(): readonly Capability[] {
  return [chromium, haproxy, oldestNode].filter(({ isThere }) => !isThere);
}
