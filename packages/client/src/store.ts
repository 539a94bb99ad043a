/**
 * A value to be read and watched. Both members are functions that need no `this`, so that they fit
 * React's `useSyncExternalStore(store.subscribe, store.get)`. A snapshot stays the same object until
 * the value changes.
 */
export interface Readable<T> {
  readonly get: () => T;
  /** Calls the listener with each new value. Returns what ends that. */
  readonly subscribe: (listener: (value: T) => void) => () => void;
}

export interface Store<T> extends Readable<T> {
  readonly set: (value: T) => void;
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => current,
    subscribe(listener) {
      // Its own function each time: one listener may be subscribed twice.
      const entry = (value: T): void => listener(value);
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
    set(value) {
      current = value;
      for (const listener of [...listeners]) {
        if (current !== value) return; // A listener has set a newer one, and all were told of that.
        guard(() => listener(value));
      }
    },
  };
}

/** Calls back a user: an error in there is the user's to see, and breaks nothing of ours. */
export function guard(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
