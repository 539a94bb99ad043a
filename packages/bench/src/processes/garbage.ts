/** Needs `--expose-gc`. Twice, because finalizers of the first pass free more for the second. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  globalThis.gc();
}
