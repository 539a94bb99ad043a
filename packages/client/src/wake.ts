/**
 * Calls back when the platform may well have a network again: it comes online, or the page is
 * shown. Returns what ends that. Does nothing where the platform has no such events.
 */
export function onWake(wake: () => void): () => void {
  // A platform that is no browser may have one of the two.
  const { document: page, addEventListener: listen } = globalThis as Partial<typeof globalThis>;
  const controller = new AbortController();
  const { signal } = controller;
  const onVisible = (): void => {
    if (page?.visibilityState === 'visible') wake();
  };
  page?.addEventListener('visibilitychange', onVisible, { signal });
  for (const type of ['online', 'pageshow']) listen?.(type, wake, { signal });
  return () => controller.abort();
}
