import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chromium, launchChromium } from '../src/chromium.ts';
import { describeWith } from '../src/describe-with.ts';
import { freePort } from './client-support.ts';
import { RealNode } from './real-node.ts';
import { bundlePage, RealPage } from './real-page.ts';
import type { PageStory } from './real-page-program.ts';
import { eventually } from './server-support.ts';

const ITEM_EVERY_MS = 20;
const TEST_TIMEOUT_MS = 60_000;

describeWith(chromium, 'a line in a browser', () => {
  let browser: Browser;
  let script: string;

  beforeAll(async () => {
    [browser, script] = await Promise.all([launchChromium(), bundlePage()]);
  }, TEST_TIMEOUT_MS);
  afterAll(() => browser?.close());

  async function connect() {
    const port = await freePort();
    const node = await RealNode.start('before', port);
    const page = await RealPage.open(browser, script, `ws://127.0.0.1:${port}/rpc`, ITEM_EVERY_MS);
    return { port, node, page };
  }

  /** The feed has gone on from where it stood, and no item is missing or there twice. */
  async function expectFeedToGoOn(page: RealPage, from: PageStory): Promise<void> {
    const { items } = await page.eventually((story) => story.items.length > from.items.length + 10);
    expect(items).toEqual(Array.from({ length: items.length }, (_, index) => index + 1));
  }

  function sessionsOf({ states }: PageStory) {
    return states.flatMap((state) =>
      state.status === 'open' ? [{ id: state.sessionId, resumed: state.resumed }] : [],
    );
  }

  it(
    'goes on where it was when the browser is offline and online again',
    async () => {
      const { node, page } = await connect();
      await page.call('askHeld', 'asked before');
      await page.call('tellHeld', 'told before');
      await eventually(() => expect(node.ran).toEqual(['asked before', 'told before']));

      // This switch tells nobody: either side has to find out that the other one is silent.
      await page.setOffline(true);
      await eventually(() => expect(node.connections).toBe(0));
      const away = await page.eventually(({ states }) => states.at(-1)?.status === 'waiting');
      node.answer();
      await page.call('tell', 'told while away');
      await page.setOffline(false);

      const back = await page.eventually(({ ends }) => ends.length === 3);
      expect(back.ends.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
        { id: 'asked before', end: 'answered' },
        { id: 'told before', end: 'answered' },
        { id: 'told while away', end: 'answered' },
      ]);
      expect(node.ran).toEqual(['asked before', 'told before', 'told while away']);
      const [first] = sessionsOf(back);
      expect(sessionsOf(back)).toEqual([first, { id: first?.id, resumed: 1 }]);
      await expectFeedToGoOn(page, away);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'goes on where it was when its tab was suspended for longer than the server waits for a word',
    async () => {
      const { node, page } = await connect();
      await page.call('askHeld', 'asked before');
      await page.call('tellHeld', 'told before');
      await eventually(() => expect(node.ran).toEqual(['asked before', 'told before']));
      const before = await page.story();

      await page.suspend();
      await eventually(() => expect(node.connections).toBe(0));
      node.answer();
      await page.wake();

      const back = await page.eventually(({ ends }) => ends.length === 2);
      expect(back.ends).toEqual([
        { id: 'asked before', end: 'answered' },
        { id: 'told before', end: 'answered' },
      ]);
      expect(node.ran).toEqual(['asked before', 'told before']);
      const [first] = sessionsOf(back);
      expect(sessionsOf(back)).toEqual([first, { id: first?.id, resumed: 1 }]);
      await expectFeedToGoOn(page, before);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'asks again, misses nothing and says what nobody knows when the server is killed',
    async () => {
      const { port, node, page } = await connect();
      await page.call('askHeld', 'asked before');
      await page.call('tellHeld', 'told before');
      await eventually(() => expect(node.ran).toEqual(['asked before', 'told before']));

      await node.kill();
      const away = await page.eventually(({ states }) => states.at(-1)?.status === 'waiting');
      await page.call('tell', 'told while away');
      const next = await RealNode.start('after', port);
      await eventually(() => expect(next.ran).toContain('asked before'));
      next.answer();

      const back = await page.eventually(({ ends }) => ends.length === 3);
      expect(back.ends.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
        { id: 'asked before', end: 'answered' },
        { id: 'told before', end: 'unknown' },
        { id: 'told while away', end: 'answered' },
      ]);
      expect(next.ran.sort()).toEqual(['asked before', 'told while away']);
      const [first, second] = sessionsOf(back);
      expect(sessionsOf(back)).toEqual([first, { id: second?.id, resumed: 0 }]);
      expect(second?.id).not.toBe(first?.id);
      await expectFeedToGoOn(page, away);
    },
    TEST_TIMEOUT_MS,
  );

  it.each([
    {
      event: 'the browser comes online',
      wake: async (page: RealPage) => {
        await page.setOffline(true);
        await page.setOffline(false); // The browser itself fires the event.
      },
    },
    { event: 'the page is shown', wake: (page: RealPage) => page.show() },
  ])(
    'does not wait for its next attempt when $event',
    async ({ wake }) => {
      const { port, node, page } = await connect();
      await page.waitLong();
      await node.kill();
      const away = await page.eventually(({ states }) => states.at(-1)?.status === 'waiting');
      const waiting = away.states.at(-1);
      const dueAtMs = waiting?.status === 'waiting' ? waiting.retryAtMs : 0;
      expect(dueAtMs - Date.now()).toBeGreaterThan(3_000_000);

      await RealNode.start('after', port);
      await wake(page);
      const back = await page.eventually(({ states }) => states.at(-1)?.status === 'open');
      expect(dueAtMs - Date.now()).toBeGreaterThan(3_000_000);
      expect(back.states.slice(away.states.length).map(({ status }) => status)).toEqual([
        'connecting',
        'open',
      ]);
      await expectFeedToGoOn(page, away);
    },
    TEST_TIMEOUT_MS,
  );
});
