import { describe, expect, it } from 'vitest';
import { createStore } from '../src/store.ts';
import { collectUncaught } from './uncaught.ts';

interface Value {
  readonly n: number;
}

describe('a store', () => {
  it('gives the same object until another one is set', () => {
    const first: Value = { n: 1 };
    const second: Value = { n: 2 };
    const store = createStore(first);
    expect([store.get(), store.get()]).toEqual([first, first]);
    expect(store.get()).toBe(first);
    store.set(second);
    expect(store.get()).toBe(second);
    expect(store.get()).toBe(second);
  });

  it('needs no `this`', () => {
    const { get, set, subscribe } = createStore<Value>({ n: 1 });
    const seen: Value[] = [];
    const unsubscribe = subscribe((value) => seen.push(value));
    set({ n: 2 });
    unsubscribe();
    expect([get(), ...seen]).toEqual([{ n: 2 }, { n: 2 }]);
  });

  it('does not call a listener with the value that is there already', () => {
    const seen: Value[] = [];
    createStore<Value>({ n: 1 }).subscribe((value) => seen.push(value));
    expect(seen).toEqual([]);
  });

  it('has the value that it tells of', () => {
    const store = createStore<Value>({ n: 1 });
    const seen: Value[] = [];
    store.subscribe(() => seen.push(store.get()));
    store.set({ n: 2 });
    expect(seen).toEqual([{ n: 2 }]);
  });

  describe('with several listeners', () => {
    it('calls each, in the order in which they came', () => {
      const store = createStore<Value>({ n: 1 });
      const seen: string[] = [];
      store.subscribe(({ n }) => seen.push(`first ${n}`));
      store.subscribe(({ n }) => seen.push(`second ${n}`));
      store.set({ n: 2 });
      expect(seen).toEqual(['first 2', 'second 2']);
    });

    it('calls one that is subscribed twice two times, until each of the two is ended', () => {
      const store = createStore<Value>({ n: 1 });
      const seen: Value[] = [];
      const listener = (value: Value): void => void seen.push(value);
      const endFirst = store.subscribe(listener);
      const endSecond = store.subscribe(listener);
      store.set({ n: 2 });
      endFirst();
      endFirst();
      store.set({ n: 3 });
      endSecond();
      store.set({ n: 4 });
      expect(seen).toEqual([{ n: 2 }, { n: 2 }, { n: 3 }]);
    });

    it('calls from a copy: who comes or goes meanwhile changes nothing for this value', () => {
      const store = createStore<Value>({ n: 1 });
      const seen: string[] = [];
      const endFirst = store.subscribe(({ n }) => {
        seen.push(`first ${n}`);
        endFirst();
        endSecond();
        store.subscribe((value) => seen.push(`third ${value.n}`));
      });
      const endSecond = store.subscribe(({ n }) => seen.push(`second ${n}`));
      store.set({ n: 2 });
      expect(seen).toEqual(['first 2', 'second 2']);
      store.set({ n: 3 });
      expect(seen).toEqual(['first 2', 'second 2', 'third 3']);
    });

    it('calls the others when one throws, and hands the error to the platform', async () => {
      const store = createStore<Value>({ n: 1 });
      const seen: Value[] = [];
      const fault = new Error('in a listener');
      store.subscribe(() => {
        throw fault;
      });
      store.subscribe((value) => seen.push(value));
      expect(await collectUncaught(() => store.set({ n: 2 }))).toEqual([fault]);
      expect(seen).toEqual([{ n: 2 }]);
    });

    it('ends with the newest value for all when one sets another', () => {
      const store = createStore<Value>({ n: 1 });
      const seen: string[] = [];
      store.subscribe(({ n }) => {
        seen.push(`first ${n}`);
        if (n === 2) store.set({ n: 3 });
      });
      store.subscribe(({ n }) => seen.push(`second ${n}`));
      store.set({ n: 2 });
      expect(seen).toEqual(['first 2', 'first 3', 'second 3']);
      expect(store.get()).toEqual({ n: 3 });
    });
  });
});
