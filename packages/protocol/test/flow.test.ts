import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOW_FRAMES_MAX, STREAM_WINDOW, STREAM_WINDOW_MAX } from '../src/constants.ts';
import { Credit, Window } from '../src/flow.ts';
import { FlowFrames } from '../src/flow-frames.ts';
import type { Message } from '../src/index.ts';
import { blockedFrame, grantFrame } from '../src/stream.ts';
import { creditsOf } from '../src/streams.ts';
import { codec } from './support.ts';

/** Receives so many items of one credit, and consumes them. */
function pass(window: Window, items: number, bytes = 10): void {
  for (let i = 0; i < items; i++) {
    expect(window.receive(1, bytes)).toBe(true);
    window.consume(1, bytes);
  }
}

describe('an item', () => {
  it.each([
    { bytes: 1, credits: 1 },
    { bytes: 65_536, credits: 1 },
    { bytes: 65_537, credits: 2 },
    { bytes: 131_072, credits: 2 },
    { bytes: 131_073, credits: 3 },
  ])('of $bytes bytes costs $credits (case 28)', ({ bytes, credits }) => {
    expect(creditsOf(bytes)).toBe(credits);
  });
});

describe('the credit of a writer', () => {
  it('is 16 at first', () => {
    const credit = new Credit();
    credit.spend(STREAM_WINDOW - 1);
    expect(credit.isSpent).toBe(false);
    credit.spend(1);
    expect(credit.isSpent).toBe(true);
  });

  it('may be overdrawn by the last item, and the debt is paid first (case 28)', () => {
    const credit = new Credit();
    credit.spend(15);
    credit.spend(40);
    credit.grant(55);
    expect(credit.isSpent).toBe(true);
    credit.grant(56);
    expect(credit.isSpent).toBe(false);
  });

  it('only grows, whatever comes late (case 27)', () => {
    const credit = new Credit();
    credit.grant(20);
    for (const late of [0, 16, 19, 20]) credit.grant(late);
    credit.spend(19);
    expect(credit.isSpent).toBe(false);
    credit.grant(Number.MAX_SAFE_INTEGER);
    credit.spend(1_000_000);
    expect(credit.isSpent).toBe(false);
  });
});

describe('the window of a reader', () => {
  it('takes what was granted, its last item also into debt, and no more', () => {
    const window = new Window();
    for (let i = 1; i < STREAM_WINDOW; i++) expect(window.receive(1, 10)).toBe(true);
    expect(window.receive(256, 16_777_216)).toBe(true);
    expect(window.receive(1, 10)).toBe(false);
    expect(window.heldBytes).toBe(150 + 16_777_216);
  });

  it('is granted anew when half of it is consumed, and not before', () => {
    const window = new Window();
    for (let i = 0; i < 16; i++) window.receive(1, 10);
    const grants = Array.from({ length: 16 }, () => window.consume(1, 10));
    expect(grants.map((granted, index) => (granted ? index + 1 : 0)).filter(Boolean)).toEqual([
      8, 16,
    ]);
    expect([window.granted, window.heldBytes]).toEqual([32, 0]);
  });

  describe('widens when its writer waits', () => {
    it('and nothing is left to consume', () => {
      const window = new Window();
      pass(window, 16);
      expect([window.granted, window.blocked(), window.granted]).toEqual([32, true, 48]);
    });

    it('and not before anything came, nor while something is left', () => {
      const window = new Window();
      expect(window.blocked()).toBe(false);
      for (let i = 0; i < 16; i++) window.receive(1, 10);
      for (let i = 0; i < 15; i++) window.consume(1, 10);
      for (let i = 0; i < 20; i++) window.blocked();
      expect(window.granted).toBe(24);
    });

    it('up to 16,384 credits', () => {
      const window = new Window();
      pass(window, 16);
      for (let i = 0; i < 100; i++) window.blocked();
      expect(window.granted).toBe(16 + STREAM_WINDOW_MAX);
    });

    it.each([
      { bytes: 64, size: 16_384 },
      { bytes: 65, size: 8_192 },
      { bytes: 1_024, size: 1_024 },
      { bytes: 32_768, size: 32 },
      { bytes: 32_769, size: 16 },
      { bytes: 65_536, size: 16 },
    ])('while items of $bytes bytes fill 1 MiB at most: to $size', ({ bytes, size }) => {
      const window = new Window();
      pass(window, 16, bytes);
      for (let i = 0; i < 100; i++) window.blocked();
      expect(window.granted).toBe(16 + size);
    });
  });

  it('grants nothing any more once it is closed', () => {
    const window = new Window();
    for (let i = 0; i < 16; i++) window.receive(1, 10);
    window.isClosed = true;
    for (let i = 0; i < 16; i++) expect(window.consume(1, 10)).toBe(false);
    expect([window.blocked(), window.granted, window.heldBytes]).toEqual([false, 16, 0]);
  });

  it('and the credit agree: a grant always comes, and nothing is written past it (case 27)', () => {
    const step = fc.oneof(
      fc.record({
        does: fc.constant('write' as const),
        bytes: fc.integer({ min: 1, max: 400_000 }),
      }),
      fc.constant({ does: 'consume' as const, bytes: 0 }),
      fc.constant({ does: 'hear' as const, bytes: 0 }),
      fc.constant({ does: 'block' as const, bytes: 0 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const [credit, window] = [new Credit(), new Window()];
        const unread: number[] = [];
        for (const { does, bytes } of steps) {
          if (does === 'write' && !credit.isSpent) {
            credit.spend(creditsOf(bytes));
            expect(window.receive(creditsOf(bytes), bytes)).toBe(true);
            unread.push(bytes);
          } else if (does === 'consume' && unread.length > 0) {
            const item = unread.shift()!;
            window.consume(creditsOf(item), item);
          } else if (does === 'hear') credit.grant(window.granted);
          else if (does === 'block' && credit.isSpent) window.blocked();
          expect(window.heldBytes).toBe(unread.reduce((sum, item) => sum + item, 0));
        }
        for (const item of unread) window.consume(creditsOf(item), item);
        credit.grant(window.granted);
        expect([credit.isSpent, window.heldBytes]).toEqual([false, 0]);
      }),
    );
  });
});

describe('the frames of credit that are due', () => {
  function takeFrom(frames: FlowFrames): Message[] {
    const taken: Message[] = [];
    frames.take(taken);
    return taken;
  }

  it('are the latest of each stream and kind', () => {
    const frames = new FlowFrames(codec);
    for (const granted of [24, 32, 40]) {
      frames.say(1, grantFrame(1, 2, granted));
      frames.say(1, blockedFrame(1, 2));
      frames.say(3, grantFrame(3, 2, granted + 1));
    }
    expect(takeFrom(frames)).toEqual(['[11,1,2,40]', '[12,1,2]', '[11,3,2,41]']);
    expect([frames.isEmpty, takeFrom(frames)]).toEqual([true, []]);
  });

  it('go 512 at a time', () => {
    const frames = new FlowFrames(codec);
    for (let id = 1; id <= 300; id++) {
      for (const stream of [1, 2]) frames.say(id, grantFrame(id, stream, 24));
    }
    expect(takeFrom(frames).length).toBe(FLOW_FRAMES_MAX);
    expect(frames.isEmpty).toBe(false);
    expect([takeFrom(frames).length, frames.isEmpty]).toEqual([600 - FLOW_FRAMES_MAX, true]);
  });

  it('are forgotten with their call', () => {
    const frames = new FlowFrames(codec);
    frames.say(1, grantFrame(1, 1, 24));
    frames.say(3, grantFrame(3, 1, 24));
    frames.forget(1);
    frames.forget(5);
    expect(takeFrom(frames)).toEqual(['[11,3,1,24]']);
  });
});
