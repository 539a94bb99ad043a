import type { AnyTRPCRouter } from '@trpc/server';

/** Which procedures of a router are marked `once`. */
export class OnceMarks {
  readonly #router: AnyTRPCRouter;
  /** By path, for procedures that exist only, so that a peer cannot make it grow. */
  readonly #marked = new Map<string, boolean>();

  constructor(router: AnyTRPCRouter) {
    this.#router = router;
  }

  /** Whether the procedure is marked; a lazy router is loaded for it. */
  has(path: string): boolean | Promise<boolean> {
    return this.#marked.get(path) ?? this.#look(path) ?? this.#load(path);
  }

  #look(path: string): boolean | undefined {
    const { _def } = this.#router;
    const known = _def.procedures as Readonly<Record<string, { _def?: { meta?: unknown } }>>;
    if (Object.hasOwn(known, path)) {
      const meta = known[path]?._def?.meta as { readonly once?: unknown } | undefined;
      const isMarked = meta?.once === true;
      this.#marked.set(path, isMarked);
      return isMarked;
    }
    return lazyKeyOf(_def.lazy, path) === undefined ? false : undefined;
  }

  async #load(path: string): Promise<boolean> {
    const { lazy } = this.#router._def;
    try {
      let key = lazyKeyOf(lazy, path);
      while (key !== undefined && this.#look(path) === undefined) {
        await lazy[key]?.load();
        key = lazyKeyOf(lazy, path);
      }
    } catch {
      // Calling the procedure fails in the same way, and says so.
    }
    return this.#look(path) ?? false;
  }
}

function lazyKeyOf(lazy: Readonly<Record<string, unknown>>, path: string): string | undefined {
  return Object.keys(lazy).find((key) => path === key || path.startsWith(`${key}.`));
}
