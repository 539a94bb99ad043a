import { describe, expect, it } from 'vitest';
import {
  CLIENT,
  CODES,
  goawayFrame,
  renewedFrame,
  OpenlineError,
  SERVER,
  Session,
  type Agreement,
  type Message,
} from '../src/index.ts';
import { Pair, type Side } from './pair.ts';
import { AGREEMENT, codec, LIMITS } from './support.ts';

/** A message of so many characters that brings one counted frame, which nobody has to answer. */
function messageOf(length: number): string {
  const frame = '[[60,0,""]]';
  return frame.replace('""', `"${'x'.repeat(length - frame.length)}"`);
}

/** A side whose host gives items until it is told to wait. */
function fullProducer(): { pair: Pair; server: Side; client: Side } {
  const pair = new Pair();
  pair.client.call('a', undefined, 'subscription');
  pair.settle();
  pair.server.told();
  const { callee } = pair.server.session;
  const incoming = pair.server.incoming(1);
  callee.subscribed(incoming);
  while (callee.streams.mayWrite(incoming, 0)) {
    callee.item(incoming, 'x'.repeat(50_000), undefined);
  }
  return { pair, server: pair.server, client: pair.client };
}

describe('a session', () => {
  describe('before it is attached', () => {
    it('keeps what it is given, and says and hears nothing', () => {
      const session = new Session<string, string>({
        role: CLIENT,
        codec,
        limits: LIMITS,
        sessionBytesMax: 1_000_000,
      });
      session.caller.call({ kind: 'query', path: 'a', input: 1, options: {} }, 'owner');
      session.receive('no message');
      expect(session.takeMessage()).toBeUndefined();
      expect(session.takeEvents()).toEqual([]);
      expect([session.waitingCount, session.waitingBytes]).toEqual([1, 16]);
      session.attach(AGREEMENT);
      expect(session.takeMessage()).toBe('[[32,1,0,"a",0,1]]');
    });

    it.each<{ what: string; agreement: Agreement }>([
      { what: 'more received than was sent', agreement: { ...AGREEMENT, received: 1 } },
      { what: 'a later frame than the one due', agreement: { ...AGREEMENT, next: 2 } },
    ])('ends when the other side states $what', ({ agreement }) => {
      const session = new Session<string, string>({
        role: SERVER,
        codec,
        limits: LIMITS,
        sessionBytesMax: 1_000_000,
      });
      session.attach(agreement);
      expect(session.takeEvents()).toMatchObject([
        { kind: 'ended', error: { code: CODES.SEQUENCE_BROKEN } },
      ]);
      session.attach(AGREEMENT);
      expect(session.takeMessage()).toBeUndefined();
    });
  });

  it('starts no call while the other side does not take what it is given (case 26)', () => {
    const { pair, server, client } = fullProducer();
    client.call('late');
    const cancelled = client.call('cancelled');
    client.write();
    client.session.caller.cancel(cancelled);
    pair.flush(client);
    expect(server.told().filter(({ event }) => event === 'call')).toEqual([]);
    pair.settle();
    expect(server.told().filter(({ event }) => event === 'call')).toEqual([
      expect.objectContaining({ path: 'late' }),
    ]);
  });

  it('says and hears nothing while it is detached', () => {
    const { client, server } = new Pair();
    client.call('a');
    client.session.detach();
    client.session.detach();
    expect(client.write()).toBeUndefined();
    client.receive('no message');
    expect([client.isOver, server.isOver]).toEqual([false, false]);
  });

  it('counts what it writes and what it receives', () => {
    const { client, server } = new Pair();
    expect([client.session.next, server.session.received]).toEqual([1, 0]);
    client.call('a');
    client.call('b');
    client.session.tick({ ping: true });
    expect(client.session.next).toBe(1);
    client.write();
    server.read();
    expect([client.session.next, server.session.received]).toEqual([3, 2]);
  });

  it('keeps of each kind of uncounted frame the latest, however many are given', () => {
    const { server } = new Pair();
    for (let number = 1; number <= 10_000; number++) {
      server.session.say(renewedFrame(number, 'no'.repeat(60)));
      server.session.say(goawayFrame(number));
    }
    expect(server.write()).toBe(`[[10,10000,"${'no'.repeat(60)}"],[4,{"spreadMs":10000}]]`);
    expect(server.write()).toBeUndefined();
  });

  describe('acknowledges (case 31)', () => {
    it('on the tick, and then only what is new', () => {
      const { server } = new Pair();
      server.receive('[[60],[60]]');
      expect(server.write()).toBeUndefined();
      server.session.tick({ ping: false });
      expect(server.write()).toBe('[[7,2]]');
      server.session.tick({ ping: false });
      expect(server.write()).toBeUndefined();
    });

    it('after 64 frames, without a tick', () => {
      const { server } = new Pair();
      server.receive(JSON.stringify(Array.from({ length: 63 }, () => [60])));
      expect(server.write()).toBeUndefined();
      server.receive('[[60]]');
      expect(server.write()).toBe('[[7,64]]');
    });

    it('once a quarter of what the other side may hold has come, without a tick', () => {
      const { server } = new Pair();
      server.receive(messageOf(LIMITS.backlogBytesMax / 8));
      server.receive(messageOf(LIMITS.backlogBytesMax / 8 - 1));
      expect(server.write()).toBeUndefined();
      server.receive('[[5]]');
      expect(server.write()).toBe('[[6],[7,2]]');
    });

    it('nothing where nothing counted came', () => {
      const { server } = new Pair();
      server.receive(`[[8,"${'x'.repeat(LIMITS.backlogBytesMax)}"]]`);
      server.session.tick({ ping: false });
      expect(server.write()).toBeUndefined();
    });
  });

  describe('with a backlog at its limit', () => {
    it('lets producers wait until the other side has acknowledged', () => {
      const { pair, server, client } = fullProducer();
      pair.flush(server);
      expect([
        server.session.callee.streams.mayWrite(server.incoming(1), 0),
        server.told(),
      ]).toEqual([false, []]);
      pair.flush(client);
      expect(server.told()).toEqual([{ event: 'room', id: 1, stream: 0 }]);
      expect(server.session.callee.streams.mayWrite(server.incoming(1), 0)).toBe(true);
    });

    it('says that there is room to whoever asked, and to nobody else', () => {
      const { pair, server, client } = fullProducer();
      pair.settle();
      expect(server.told()).toEqual([{ event: 'room', id: 1, stream: 0 }]);
      server.session.callee.item(server.incoming(1), 1, undefined);
      pair.settle();
      client.session.tick({ ping: false });
      pair.settle();
      expect(server.told()).toEqual([]);
    });

    it('holds back new calls, and neither answers nor cancels', () => {
      const { server, client, pair } = fullProducer();
      server.call('a');
      client.call('b');
      pair.flush(client);
      server.session.callee.result(server.incoming(3), 'passes');
      pair.flush(server);
      expect(client.told().at(-1)).toEqual({ event: 'result', id: 3, data: 'passes' });
      expect(server.session.waitingCount).toBe(1);
      pair.settle();
      expect(client.told()).toEqual([{ event: 'call', id: 2, kind: 'query', path: 'a' }]);
    });

    it('ends when it would have to hold more than it may', () => {
      const pair = new Pair({ sessionBytesMax: 100_000 });
      pair.client.call('a', undefined, 'subscription');
      pair.settle();
      pair.server.told();
      const { callee } = pair.server.session;
      callee.subscribed(pair.server.incoming(1));
      callee.item(pair.server.incoming(1), 'x'.repeat(60_000), undefined);
      pair.server.write();
      expect(pair.server.told()).toEqual([]);
      callee.item(pair.server.incoming(1), 'x'.repeat(60_000), undefined);
      expect(pair.server.told()).toEqual([{ event: 'ended', code: 'LIMIT_EXCEEDED' }]);
      expect(pair.server.write()).toBeUndefined();
    });
  });

  describe('keeps alive', () => {
    it('a peer that asks', () => {
      const { client, server } = new Pair();
      client.session.tick({ ping: true });
      expect(client.write()).toBe('[[5]]');
      server.read();
      expect(server.write()).toBe('[[6]]');
      client.read();
      expect([client.write(), server.write()]).toEqual([undefined, undefined]);
      expect([client.session.received, server.session.received]).toEqual([0, 0]);
    });

    it('with one answer to many questions', () => {
      const { server } = new Pair();
      server.receive('[[5],[5],[5]]');
      expect(server.write()).toBe('[[6]]');
      expect(server.write()).toBeUndefined();
    });
  });

  it('says nothing uncounted that it was given while it was detached, or before', () => {
    const pair = new Pair();
    const { server } = pair;
    server.session.say(goawayFrame(1));
    server.session.detach();
    server.session.say(goawayFrame(2));
    pair.reconnect();
    expect(server.write()).toBeUndefined();
  });

  it('tells that the other side leaves', () => {
    const { client, server } = new Pair();
    server.session.say(goawayFrame(5_000));
    expect(server.write()).toBe('[[4,{"spreadMs":5000}]]');
    expect(server.write()).toBeUndefined();
    client.read();
    expect(client.told()).toEqual([{ event: 'goaway', spreadMs: 5_000 }]);
  });

  describe('is ended', () => {
    const text = (frames: unknown): Message => JSON.stringify(frames);
    it.each<{ by: string; message: Message; code: string }>([
      { by: 'text that is not JSON', message: 'hello', code: 'FRAME_MALFORMED' },
      { by: 'JSON that is no frame', message: '{"id":1}', code: 'FRAME_MALFORMED' },
      { by: 'binary that is no piece', message: Uint8Array.of(1, 2), code: 'FRAME_MALFORMED' },
      { by: 'binary with frames', message: Buffer.from('[[5]]'), code: 'FRAME_MALFORMED' },
      { by: 'an empty binary message', message: new Uint8Array(), code: 'FRAME_MALFORMED' },
      { by: 'a hello', message: text([[1, 1, {}]]), code: 'FRAME_MALFORMED' },
      { by: 'a piece that is text', message: text([[39, 1]]), code: 'FRAME_MALFORMED' },
      {
        by: 'a call of the wrong parity',
        message: text([[32, 2, 0, 'a', 0]]),
        code: 'FRAME_MALFORMED',
      },
      {
        by: 'an id that was used',
        message: text([
          [32, 1, 0, 'a', 0],
          [37, 1],
          [32, 1, 0, 'a', 0],
        ]),
        code: 'FRAME_MALFORMED',
      },
      {
        by: 'an id that goes back',
        message: text([
          [32, 3, 0, 'a', 0],
          [32, 1, 0, 'a', 0],
        ]),
        code: 'FRAME_MALFORMED',
      },
      { by: 'an id named __proto__', message: text([[37, '__proto__']]), code: 'FRAME_MALFORMED' },
      { by: 'an answer to nothing', message: text([[33, 2, 1]]), code: 'FRAME_MALFORMED' },
      { by: 'an answer to its own call', message: text([[33, 1, 1]]), code: 'FRAME_MALFORMED' },
      { by: 'an item of nothing', message: text([[35, 4, 0, 1]]), code: 'FRAME_MALFORMED' },
      { by: 'an ack of what was not sent', message: text([[7, 1]]), code: 'SEQUENCE_BROKEN' },
    ])('by $by, once, and with $code', ({ message, code }) => {
      const { server } = new Pair();
      server.call('a'); // Not written: it has no answer either.
      server.receive(message);
      expect(server.isOver).toBe(true);
      expect(server.told().filter(({ event }) => event === 'ended')).toEqual([
        { event: 'ended', code },
      ]);
      server.receive(message);
      server.receive('[[32,99,0,"a",0]]');
      server.session.tick({ ping: true });
      server.session.say(goawayFrame(0));
      server.session.end(new OpenlineError(CODES.CLOSED, 'again'));
      expect([server.write(), server.told()]).toEqual([undefined, []]);
    });

    it('by a fault of its own with INTERNAL, and the cause is kept', () => {
      const fault = new RangeError('no more');
      const session = new Session<string, string>({
        role: SERVER,
        codec: {
          ...codec,
          split: () => {
            throw fault;
          },
        },
        limits: LIMITS,
        sessionBytesMax: 1_000_000,
      });
      session.attach(AGREEMENT);
      session.receive('[[5]]');
      const [event] = session.takeEvents();
      expect(event).toMatchObject({ kind: 'ended', error: { code: CODES.INTERNAL, cause: fault } });
    });

    it('by its host, with what the host says', () => {
      const { client } = new Pair();
      client.call('a');
      client.session.end(new OpenlineError(CODES.CLOSED, 'bye'));
      expect(client.told()).toEqual([{ event: 'ended', code: 'CLOSED' }]);
      expect(client.write()).toBeUndefined();
    });

    it('in the middle of a message, and tells what came before, save new calls', () => {
      const pair = new Pair();
      const { server } = pair;
      server.call('b');
      pair.flush(server);
      server.receive('[[33,2,"result"],[32,1,0,"a",0],[37,"x"],[32,3,0,"b",0]]');
      expect(server.told()).toEqual([
        { event: 'result', id: 2, data: 'result' },
        { event: 'ended', code: 'FRAME_MALFORMED' },
      ]);
    });

    it('and says nothing afterwards, not even that there is room', () => {
      const { pair, server } = fullProducer();
      pair.flush(server);
      server.receive(`[[7,${server.session.next - 1}],["no tag"]]`);
      expect(server.told()).toEqual([{ event: 'ended', code: 'FRAME_MALFORMED' }]);
    });
  });
});
