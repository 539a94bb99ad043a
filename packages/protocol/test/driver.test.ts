import { beforeEach, describe, expect, it } from 'vitest';
import {
  CLIENT,
  CODES,
  goawayFrame,
  Driver,
  HIGH_WATER_BYTES,
  OpenlineError,
  Session,
  type Connection,
  type DriverHost,
  type Message,
  type SessionEvent,
} from '../src/index.ts';
import { plain, type PlainEvent } from './pair.ts';
import { AGREEMENT, codec, LIMITS } from './support.ts';

/** A connection that notes what it is asked to do. */
class NotedConnection implements Connection {
  bufferedBytes = 0;
  readonly sent: (readonly Message[])[] = [];
  readonly closings: unknown[] = [];

  send(messages: readonly Message[]): void {
    this.sent.push(messages);
  }
  close(code: number, reason: string): void {
    this.closings.push([code, reason]);
  }
  abandon(): void {
    this.closings.push('abandoned');
  }
}

/** A host that notes what it is told, and may do something about it. */
class NotedHost implements DriverHost<string, string> {
  readonly told: PlainEvent[] = [];
  readonly detachments: unknown[] = [];
  react: (event: SessionEvent<string, string>) => void = () => {};

  event(event: SessionEvent<string, string>): void {
    this.told.push(plain(event));
    this.react(event);
  }
  detached(code: number, reason: string): void {
    this.detachments.push([code, reason]);
  }
}

let connection: NotedConnection;
let host: NotedHost;
let session: Session<string, string>;
let driver: Driver<string, string>;
let scheduled: (() => void)[];

/** Lets the tick end. Gives what was written then. */
function endTick(): readonly Message[] {
  const before = connection.sent.length;
  while (scheduled.length > 0) for (const flush of scheduled.splice(0)) flush();
  return connection.sent.slice(before).flat();
}

function call(path: string, input?: unknown): void {
  session.caller.call({ kind: 'query', path, input, options: {} }, path);
  driver.wake();
}

beforeEach(() => {
  connection = new NotedConnection();
  host = new NotedHost();
  scheduled = [];
  session = new Session({ role: CLIENT, codec, limits: LIMITS, sessionBytesMax: 4_000_000 });
  driver = new Driver(session, host, (flush) => scheduled.push(flush));
  driver.attach(connection, AGREEMENT);
  endTick();
});

describe('a driver', () => {
  it('writes nothing when there is nothing to say', () => {
    driver.wake();
    expect(endTick()).toEqual([]);
    expect(connection.sent).toEqual([]);
  });

  it('writes once at the end of the tick, however much it was given', () => {
    driver.message(connection, '[[5]]');
    call('a');
    driver.message(connection, '[[5]]');
    call('b');
    driver.wake();
    expect([connection.sent, scheduled.length]).toEqual([[], 1]);
    expect(endTick()).toEqual(['[[6],[32,1,0,"a",0],[32,3,0,"b",0]]']);
    expect(connection.sent.length).toBe(1);
  });

  it('writes again in the next tick', () => {
    call('a');
    endTick();
    call('b');
    expect(endTick()).toEqual(['[[32,3,0,"b",0]]']);
  });

  it('gives what is said before there is a connection to the connection', () => {
    session = new Session({ role: CLIENT, codec, limits: LIMITS, sessionBytesMax: 4_000_000 });
    driver = new Driver(session, host, (flush) => scheduled.push(flush));
    call('a');
    expect(endTick()).toEqual([]);
    driver.attach(connection, AGREEMENT);
    expect(endTick()).toEqual(['[[32,1,0,"a",0]]']);
  });

  it('hands over what arrives at once', () => {
    call('a');
    endTick();
    driver.message(connection, '[[33,1,"result"]]');
    expect(host.told).toEqual([{ event: 'result', id: 1, data: 'result' }]);
  });

  it('tells of a call that is too large when it would be written', () => {
    call('a', 'x'.repeat(LIMITS.payloadBytesMax));
    expect(endTick()).toEqual([]);
    expect(host.told).toEqual([{ event: 'too-large', id: 1 }]);
  });

  describe('of a connection that does not drain', () => {
    function giveMuch(): void {
      for (let i = 0; i < LIMITS.callsMax; i++) call('a', 'x'.repeat(20_000));
    }
    const written = (): number =>
      connection.sent.flat().reduce((sum, message) => sum + message.length, 0);

    it('writes up to the high-water mark and one message more', () => {
      giveMuch();
      connection.send = (messages) => {
        connection.sent.push(messages);
        connection.bufferedBytes = written();
      };
      endTick();
      expect(written()).toBeGreaterThanOrEqual(HIGH_WATER_BYTES);
      expect(written()).toBeLessThan(HIGH_WATER_BYTES + 20_100);
      expect(endTick()).toEqual([]);
    });

    it.each([
      { bufferedBytes: HIGH_WATER_BYTES, expected: 0 },
      { bufferedBytes: HIGH_WATER_BYTES - 1, expected: 1 },
    ])('writes $expected messages at $bufferedBytes bytes', ({ bufferedBytes, expected }) => {
      giveMuch();
      connection.bufferedBytes = bufferedBytes;
      connection.send = (messages) => {
        connection.sent.push(messages);
        connection.bufferedBytes = Infinity;
      };
      expect(endTick().length).toBe(expected);
    });

    it('goes on when it has drained', () => {
      giveMuch();
      connection.bufferedBytes = HIGH_WATER_BYTES;
      endTick();
      connection.bufferedBytes = 0;
      driver.wake();
      endTick();
      expect(written()).toBeGreaterThan(LIMITS.callsMax * 20_000);
    });

    it('goes on by itself where the transport took all of it at once', () => {
      giveMuch();
      endTick();
      expect(written()).toBeGreaterThan(LIMITS.callsMax * 20_000);
    });

    it('lets others have their turn between two that are full', () => {
      const turns: boolean[] = [];
      driver = new Driver(session, host, (flush, isAgain) => {
        turns.push(isAgain);
        scheduled.push(flush);
      });
      giveMuch();
      driver.attach(connection, AGREEMENT);
      endTick();
      expect(turns).toEqual([false, true]);
    });
  });

  describe('in each interval', () => {
    /** What the ticks of so many silent intervals write. */
    function silence(intervals: number): (readonly Message[])[] {
      return Array.from({ length: intervals }, () => {
        driver.tick();
        return endTick();
      });
    }

    it('asks a silent peer, and gives it up after three questions', () => {
      expect(silence(3)).toEqual([['[[5]]'], ['[[5]]'], ['[[5]]']]);
      expect([connection.closings, host.detachments]).toEqual([[], []]);
      expect(silence(1)).toEqual([[]]);
      expect(connection.closings).toEqual(['abandoned']);
      expect(host.detachments).toEqual([[4001, 'no sign of life']]);
    });

    it.each(['[[6]]', '[]', '[[8]]'])('counts any message as life (case 7): %s', (message) => {
      silence(3);
      driver.message(connection, message);
      expect(silence(4)).toEqual([[], ['[[5]]'], ['[[5]]'], ['[[5]]']]);
      expect(connection.closings).toEqual([]);
    });

    it('acknowledges what it owes, and does not ask a peer that speaks', () => {
      driver.message(connection, '[[60]]');
      expect(silence(1)).toEqual([['[[7,1]]']]);
    });

    it('does nothing without a connection', () => {
      driver.closed(connection, 1006, '');
      silence(9);
      expect(connection.sent).toEqual([]);
      expect(connection.closings).toEqual([]);
    });
  });

  describe('on another connection', () => {
    let next: NotedConnection;
    beforeEach(() => {
      next = new NotedConnection();
    });

    it('writes again what the other side does not have, and says what this side has', () => {
      call('a');
      endTick();
      driver.message(connection, '[[60]]');
      driver.closed(connection, 1006, 'lost');
      call('b');
      driver.attach(next, { ...AGREEMENT, next: 2 });
      endTick();
      expect(next.sent).toEqual([['[[7,1],[32,1,0,"a",0],[32,3,0,"b",0]]']]);
    });

    it('cuts off the one before, and drops what still comes of it (case 3)', () => {
      call('a');
      endTick();
      driver.attach(next, { ...AGREEMENT, received: 1 });
      endTick();
      driver.message(connection, '[[33,1,"late"]]');
      driver.message(connection, '[["no frame"]]');
      driver.closed(connection, 1006, 'lost');
      expect(connection.closings).toEqual([[4009, expect.any(String)]]);
      expect([host.told, host.detachments, next.closings]).toEqual([[], [], []]);
      driver.message(next, '[[33,1,"result"]]');
      expect(host.told).toEqual([{ event: 'result', id: 1, data: 'result' }]);
    });

    it('says nothing again that is not counted and was due on the one before', () => {
      driver.message(connection, '[[5]]');
      driver.closed(connection, 1006, 'lost');
      driver.attach(next, AGREEMENT);
      endTick();
      expect(next.sent).toEqual([]);
    });

    it('writes what is due again no faster than the connection drains', () => {
      for (let i = 0; i < LIMITS.callsMax; i++) call('a', 'x'.repeat(20_000));
      endTick();
      next.send = (messages) => {
        next.sent.push(messages);
        next.bufferedBytes = next.sent.flat().reduce((sum, message) => sum + message.length, 0);
      };
      driver.attach(next, AGREEMENT);
      endTick();
      expect(next.bufferedBytes).toBeLessThan(HIGH_WATER_BYTES + 20_100);
    });
  });

  describe('whose connection is closed', () => {
    it('tells so once', () => {
      driver.closed(connection, 1006, 'lost');
      driver.closed(connection, 1006, 'lost');
      expect(host.detachments).toEqual([[1006, 'lost']]);
      expect(host.told).toEqual([]);
    });

    it('hears and writes nothing more', () => {
      call('a');
      driver.closed(connection, 1006, 'lost');
      driver.message(connection, '[["no frame"]]');
      expect([endTick(), host.told]).toEqual([[], []]);
    });

    it('tells so once, also where it had given up the connection itself', () => {
      for (let i = 0; i < 4; i++) driver.tick();
      driver.closed(connection, 1006, '');
      expect(host.detachments.length).toBe(1);
    });
  });

  describe('of a session that ends', () => {
    it('closes the connection with the code of the fault', () => {
      driver.message(connection, '[["no frame"]]');
      expect(host.told).toEqual([{ event: 'ended', code: 'FRAME_MALFORMED' }]);
      expect(connection.closings).toEqual([[4400, expect.any(String)]]);
      expect(host.detachments).toEqual([]);
      driver.closed(connection, 4400, '');
      expect(host.detachments).toEqual([[4400, '']]);
    });

    it('leaves a connection to its maker whose handshake did not fit', () => {
      session = new Session({ role: CLIENT, codec, limits: LIMITS, sessionBytesMax: 4_000_000 });
      driver = new Driver(session, host, (flush) => scheduled.push(flush));
      expect(driver.attach(connection, { ...AGREEMENT, received: 1 })).toBe(false);
      expect(host.told).toEqual([{ event: 'ended', code: 'SEQUENCE_BROKEN' }]);
      expect([endTick(), connection.closings]).toEqual([[], []]);
    });

    it('writes first what was said before', () => {
      session.say(goawayFrame(7));
      call('a');
      driver.end(new OpenlineError(CODES.CLOSED, 'bye'));
      expect(connection.sent).toEqual([['[[4,{"spreadMs":7}],[32,1,0,"a",0]]']]);
      expect(host.told).toEqual([{ event: 'ended', code: 'CLOSED' }]);
      expect(connection.closings).toEqual([[1000, 'bye']]);
      expect(endTick()).toEqual([]);
    });

    it('closes once', () => {
      driver.end(new OpenlineError(CODES.CLOSED, 'bye'));
      driver.end(new OpenlineError(CODES.CLOSED, 'again'));
      driver.message(connection, '[["no frame"]]');
      driver.flush();
      expect(connection.closings).toEqual([[1000, 'bye']]);
      expect(host.told.length).toBe(1);
    });

    it('tells nothing behind the end, also where the host ended it while it was told', () => {
      call('a');
      call('b');
      endTick();
      host.react = (event) => {
        if (event.kind === 'answer') driver.end(new OpenlineError(CODES.CLOSED, 'enough'));
      };
      driver.message(connection, '[[33,1,"first"],[33,3,"second"]]');
      expect(host.told).toEqual([
        { event: 'result', id: 1, data: 'first' },
        { event: 'ended', code: 'CLOSED' },
      ]);
    });

    it('abandons a peer that does not answer the goodbye', () => {
      driver.end(new OpenlineError(CODES.CLOSED, 'bye'));
      for (let i = 0; i < 4; i++) driver.tick();
      expect(connection.closings).toEqual([[1000, 'bye'], 'abandoned']);
      expect(host.detachments.length).toBe(1);
    });

    it('without a connection tells so all the same', () => {
      driver.closed(connection, 1006, '');
      driver.end(new OpenlineError(CODES.CLOSED, 'bye'));
      expect(host.told).toEqual([{ event: 'ended', code: 'CLOSED' }]);
      expect(connection.closings).toEqual([]);
    });
  });
});
