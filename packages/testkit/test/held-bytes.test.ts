import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { bundleSimulator, runInWorker, type Mutation } from './simulator-bundle.ts';

const SEEDS = 1_000;

/** Sessions write themselves down while they have a connection: nobody else can see them all. */
const PROBE: readonly Mutation[] = [
  {
    file: 'protocol/src/session.ts',
    find: "this.#state = 'attached';",
    replace:
      "this.#state = 'attached';\n      (globalThis.attachedSessions ??= new Set()).add(this);",
  },
  ...["this.#state = 'detached';", "this.#state = 'ended';"].map((find) => ({
    file: 'protocol/src/session.ts',
    find,
    replace: `${find}\n    globalThis.attachedSessions?.delete(this);`,
  })),
  {
    // Half a minute later every word has been acknowledged, and every dead connection given up.
    file: 'testkit/src/simulator/run.ts',
    find: '  history.linesClosed();',
    replace: `
      await time.advance(30_000);
      for (const session of globalThis.attachedSessions ?? []) {
        const calls = [...session.caller.calls].length;
        if (session.heldBytes !== 0 || calls > 0) {
          const what = session.heldBytes + ' bytes and ' + calls + ' calls';
          findings.push({ law: 'leaked', what: 'a session holds ' + what });
        }
      }
      globalThis.attachedSessions?.clear();
      history.linesClosed();`,
  },
];
const LEAKS: readonly (Mutation & { readonly title: string })[] = [
  {
    title: 'what is dropped since nobody reads it counts as held',
    file: 'protocol/src/streams.ts',
    find: 'this.heldBytes -= window.heldBytes;',
    replace: '',
  },
  {
    title: 'a call whose source was closed keeps its place',
    file: 'protocol/src/pump.ts',
    find: 'returned.then(this.#onClosed, this.#onCloseThrow);',
    replace: '',
  },
];

let bundle = '';
afterEach(() => rm(dirname(bundle), { recursive: true, force: true }));

it(
  `at the end of ${SEEDS} stories no session holds anything, on either side`,
  { timeout: 180_000 },
  async () => {
    bundle = await bundleSimulator(PROBE);
    const results = await runInWorker(bundle, { from: 1, count: SEEDS, failuresMax: 1 });
    expect(results.flatMap(({ failure }) => failure?.story ?? []).join('\n')).toBe('');
    expect(results).toHaveLength(SEEDS);
  },
);

it.each(LEAKS)('is found when $title', { timeout: 180_000 }, async (leak) => {
  bundle = await bundleSimulator([...PROBE, leak]);
  const range = { from: 1, count: SEEDS, failuresMax: 1, shrinks: false };
  const { failure } = (await runInWorker(bundle, range)).at(-1) ?? {};
  expect(failure?.laws).toContain('leaked');
  expect(failure?.story).toMatch(/a session holds \d+ bytes and \d calls/);
});
