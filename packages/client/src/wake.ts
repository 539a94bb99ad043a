interface EventTargetLike {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/**
 * Calls back when a browser may well have a network again: it comes online, or the page is shown.
 * Returns what ends that. Does nothing where there is no page.
 */
export function onWake(wake: () => void): () => void {
  const { addEventListener, document } = globalThis as {
    readonly addEventListener?: unknown;
    readonly document?: EventTargetLike & { readonly visibilityState: string };
  };
  if (typeof addEventListener !== 'function' || document === undefined) return () => {};
  const page = globalThis as unknown as EventTargetLike;
  const onVisible = (): void => {
    if (document.visibilityState === 'visible') wake();
  };
  page.addEventListener('online', wake);
  page.addEventListener('pageshow', wake);
  document.addEventListener('visibilitychange', onVisible);
  return () => {
    page.removeEventListener('online', wake);
    page.removeEventListener('pageshow', wake);
    document.removeEventListener('visibilitychange', onVisible);
  };
}
