import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { onWake } from '../src/wake.ts';

class Page extends EventTarget {
  visibilityState: 'visible' | 'hidden' = 'visible';
}

describe('onWake', () => {
  afterEach(() => vi.unstubAllGlobals());

  describe('on a page', () => {
    let window: EventTarget;
    let page: Page;
    let woken: number;
    let stop: () => void;
    beforeEach(() => {
      window = new EventTarget();
      page = new Page();
      woken = 0;
      vi.stubGlobal('document', page);
      vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
      stop = onWake(() => woken++);
    });

    it('calls back when the browser comes online', () => {
      window.dispatchEvent(new Event('online'));
      expect(woken).toBe(1);
    });

    it('calls back when the page comes out of the cache of the history', () => {
      window.dispatchEvent(new Event('pageshow'));
      expect(woken).toBe(1);
    });

    it('calls back when the page is shown, and not when it is hidden', () => {
      page.visibilityState = 'hidden';
      page.dispatchEvent(new Event('visibilitychange'));
      expect(woken).toBe(0);
      page.visibilityState = 'visible';
      page.dispatchEvent(new Event('visibilitychange'));
      expect(woken).toBe(1);
    });

    it('calls back no more once it is ended', () => {
      stop();
      window.dispatchEvent(new Event('online'));
      window.dispatchEvent(new Event('pageshow'));
      page.dispatchEvent(new Event('visibilitychange'));
      expect(woken).toBe(0);
    });
  });

  it('does nothing where there is no page, as in Node', () => {
    const stop = onWake(() => expect.unreachable());
    expect(stop()).toBe(undefined);
  });

  it('calls back in a worker, which has no document, when it comes online', () => {
    const worker = new EventTarget();
    let woken = 0;
    vi.stubGlobal('addEventListener', worker.addEventListener.bind(worker));
    const stop = onWake(() => woken++);
    worker.dispatchEvent(new Event('online'));
    stop();
    worker.dispatchEvent(new Event('online'));
    expect(woken).toBe(1);
  });

  it('makes do with a document alone, as some platforms have it', () => {
    const page = new Page();
    let woken = 0;
    vi.stubGlobal('document', page);
    const stop = onWake(() => woken++);
    page.dispatchEvent(new Event('visibilitychange'));
    stop();
    page.dispatchEvent(new Event('visibilitychange'));
    expect(woken).toBe(1);
  });
});
