import { describe, expect, it } from 'vitest';
import { Inbox } from '../src/inbox.ts';
import { failureOf } from './support.ts';

const BACKLOG_BYTES_MAX = 65_536;

function attachedInbox(): Inbox {
  const inbox = new Inbox();
  inbox.attach(1, BACKLOG_BYTES_MAX);
  return inbox;
}

function receive(inbox: Inbox, frames: number, bytesEach = 0): void {
  for (let i = 0; i < frames; i++) {
    inbox.count();
    inbox.owe(bytesEach);
  }
}

describe('an inbox', () => {
  it('counts what arrives', () => {
    const inbox = attachedInbox();
    expect(inbox.received).toBe(0);
    expect(inbox.count()).toBe(true);
    expect(inbox.count()).toBe(true);
    expect(inbox.received).toBe(2);
  });

  describe('on another connection', () => {
    it('drops what it has, and takes what is due', () => {
      const inbox = attachedInbox();
      receive(inbox, 3);
      inbox.attach(2, BACKLOG_BYTES_MAX);
      expect([inbox.count(), inbox.count(), inbox.count()]).toEqual([false, false, true]);
      expect(inbox.received).toBe(4);
    });

    it('takes the frame that is due where the other side has waited for the count', () => {
      const inbox = attachedInbox();
      receive(inbox, 3);
      inbox.attach(0, BACKLOG_BYTES_MAX);
      expect([inbox.count(), inbox.received]).toEqual([true, 4]);
    });

    it.each([
      { next: 3, expected: 'none' },
      { next: 4, expected: 'none' },
      { next: 5, expected: 'SEQUENCE_BROKEN' },
    ])('that counts on from $next after three frames: $expected', ({ next, expected }) => {
      const inbox = attachedInbox();
      receive(inbox, 3);
      expect(failureOf(() => inbox.attach(next, BACKLOG_BYTES_MAX))).toBe(expected);
    });
  });

  describe('must acknowledge', () => {
    it.each([
      { frames: 0, bytesEach: 0, expected: false },
      { frames: 63, bytesEach: 0, expected: false },
      { frames: 64, bytesEach: 0, expected: true },
      { frames: 1, bytesEach: BACKLOG_BYTES_MAX / 4 - 1, expected: false },
      { frames: 1, bytesEach: BACKLOG_BYTES_MAX / 4, expected: true },
      { frames: 4, bytesEach: BACKLOG_BYTES_MAX / 16, expected: true },
    ])('after $frames frames of $bytesEach bytes: $expected', ({ frames, bytesEach, expected }) => {
      const inbox = attachedInbox();
      receive(inbox, frames, bytesEach);
      expect(inbox.mustAcknowledge).toBe(expected);
    });

    it('nothing where nothing counted came, however much it was', () => {
      const inbox = attachedInbox();
      inbox.owe(BACKLOG_BYTES_MAX);
      expect([inbox.mustAcknowledge, inbox.owes]).toEqual([false, false]);
    });

    it('nothing that it has acknowledged', () => {
      const inbox = attachedInbox();
      receive(inbox, 64, 1_024);
      inbox.acknowledged();
      expect([inbox.mustAcknowledge, inbox.owes]).toEqual([false, false]);
      receive(inbox, 1);
      expect([inbox.mustAcknowledge, inbox.owes]).toEqual([false, true]);
    });
  });
});
