import { describe, expect, it } from 'vitest';
import {
  CALL_ERRORS,
  CLIENT,
  CODES,
  Session,
  type CallErrorCode,
  type Limits,
} from '../src/index.ts';
import { Pair, type Side } from './pair.ts';
import { AGREEMENT, codec, failureOf, fromHex, LIMITS } from './support.ts';

type Name = 'client' | 'server';
const SIDES: readonly {
  readonly from: Name;
  readonly to: Name;
  readonly ids: readonly number[];
}[] = [
  { from: 'client', to: 'server', ids: [1, 3] },
  { from: 'server', to: 'client', ids: [2, 4] },
];

/** A pair in which the client has called, and the server's host has the call. */
function startedCall(kind: 'query' | 'subscription' = 'query') {
  const pair = new Pair();
  const call = pair.client.call('a', undefined, kind);
  pair.flush(pair.client);
  pair.server.told();
  const { client, server } = pair;
  return { pair, client, server, call, incoming: pair.server.incoming(call.id) };
}

function expectNothingOpen(...sides: readonly Side[]): void {
  for (const { session } of sides) {
    expect([...session.caller.calls]).toEqual([]);
    expect([session.callee.count, session.caller.openCount, session.waitingBytes]).toEqual([
      0, 0, 0,
    ]);
  }
}

describe('a call', () => {
  describe.each(SIDES)('of the $from', ({ from, to, ids: [first, second] }) => {
    it('reaches the other side as it was made, and is answered', () => {
      const pair = new Pair();
      const [caller, callee] = [pair[from], pair[to]];
      const options = { timeoutMs: 5_000, lastEventId: 'e7' };
      caller.call('game.score', { n: 1 }, 'mutation', options);
      caller.call('toString', undefined, 'query');
      pair.settle();
      expect(callee.told()).toEqual([
        {
          event: 'call',
          id: first,
          kind: 'mutation',
          path: 'game.score',
          input: { n: 1 },
          ...options,
        },
        { event: 'call', id: second, kind: 'query', path: 'toString' },
      ]);
      callee.session.callee.result(callee.incoming(second!), 'second');
      callee.session.callee.result(callee.incoming(first!), undefined);
      pair.settle();
      expect(caller.told()).toEqual([
        { event: 'result', id: second, data: 'second' },
        { event: 'result', id: first },
      ]);
      expectNothingOpen(caller, callee);
    });

    it('may be answered with an error that the router shaped', () => {
      const pair = new Pair();
      pair[from].call('a');
      pair.settle();
      pair[to].session.callee.error(pair[to].incoming(first!), { message: 'no', data: { n: 1 } });
      pair.settle();
      expect(pair[from].told()).toEqual([
        { event: 'error', id: first, code: null, shape: { message: 'no', data: { n: 1 } } },
      ]);
    });

    it.each(Object.keys(CALL_ERRORS) as CallErrorCode[])('may be ended with %s', (code) => {
      const pair = new Pair();
      pair[from].call('a');
      pair.settle();
      pair[to].session.callee.fail(pair[to].incoming(first!), code);
      pair.settle();
      expect(pair[from].told()).toEqual([{ event: 'error', id: first, code }]);
      expectNothingOpen(pair.client, pair.server);
    });

    it('may give items before it ends', () => {
      const pair = new Pair();
      pair[from].call('a', undefined, 'subscription');
      pair.settle();
      const { callee } = pair[to].session;
      const incoming = pair[to].incoming(first!);
      callee.subscribed(incoming);
      callee.item(incoming, 'one', undefined);
      callee.item(incoming, 'two', 'e2');
      callee.item(incoming, undefined, '');
      callee.end(incoming);
      pair.settle();
      expect(pair[from].told()).toEqual([
        { event: 'subscribed', id: first },
        { event: 'item', id: first, data: 'one' },
        { event: 'item', id: first, data: 'two', eventId: 'e2' },
        { event: 'item', id: first, eventId: '' },
        { event: 'end', id: first },
      ]);
      expectNothingOpen(pair.client, pair.server);
    });
  });

  it('shares its message with the others of the tick', () => {
    const { client } = new Pair();
    client.call('a');
    client.call('b', 1, 'subscription');
    expect(client.write()).toBe('[[32,1,0,"a",0],[32,3,2,"b",0,1]]');
    expect(client.write()).toBeUndefined();
  });

  it('whose input cannot be encoded is not made, and leaves no hole in the ids', () => {
    const { client } = new Pair();
    expect(() => client.call('a', 1n)).toThrow(TypeError);
    expectNothingOpen(client);
    expect(client.call('b').id).toBe(1);
  });

  it.each([
    { what: 'a path too long', path: 'p'.repeat(1_025), options: {} },
    { what: 'a timeout of zero', path: 'a', options: { timeoutMs: 0 } },
    { what: 'half a timeout', path: 'a', options: { timeoutMs: 0.5 } },
    { what: 'a timeout without end', path: 'a', options: { timeoutMs: Infinity } },
  ])('with $what is not made, since the other side would end the session', ({ path, options }) => {
    const { client } = new Pair();
    expect(failureOf(() => client.call(path, 1, 'query', options))).toBe('FRAME_MALFORMED');
    expectNothingOpen(client);
    expect(client.write()).toBeUndefined();
  });

  it('has exactly one terminal', () => {
    const terminals: readonly ((side: Side, call: ReturnType<Side['incoming']>) => void)[] = [
      ({ session }, call) => session.callee.result(call, 1),
      ({ session }, call) => session.callee.error(call, {}),
      ({ session }, call) => session.callee.end(call),
      ({ session }, call) => session.callee.fail(call, 'INTERNAL'),
    ];
    const afterwards: typeof terminals = [
      ...terminals,
      ({ session }, call) => session.callee.item(call, 1, undefined),
      ({ session }, call) => session.callee.subscribed(call),
    ];
    for (const terminal of terminals) {
      for (const another of afterwards) {
        const { client, server, incoming, pair } = startedCall();
        terminal(server, incoming);
        expect(() => another(server, incoming)).toThrow(TypeError);
        pair.settle();
        expect(client.told().length).toBe(1);
        expect(server.isOver).toBe(false);
      }
    }
  });

  it.each([
    { what: 'cannot be encoded', data: 1n, expected: TypeError },
    {
      what: 'is larger than the other side takes',
      data: 'x'.repeat(LIMITS.payloadBytesMax),
      expected: { code: CODES.LIMIT_EXCEEDED },
    },
  ])('whose answer $what is still to be settled', ({ data, expected }) => {
    const { client, server, incoming, pair } = startedCall('subscription');
    const { callee } = server.session;
    callee.subscribed(incoming);
    const thrown = expected === TypeError ? TypeError : expect.objectContaining(expected);
    expect(() => callee.item(incoming, data, undefined)).toThrow(thrown);
    expect(() => callee.result(incoming, data)).toThrow(thrown);
    expect(() => callee.error(incoming, data)).toThrow(thrown);
    expect(callee.count).toBe(1);
    callee.fail(incoming, 'INTERNAL');
    pair.settle();
    expect(client.told()).toEqual([
      { event: 'subscribed', id: 1 },
      { event: 'error', id: 1, code: 'INTERNAL' },
    ]);
  });

  it('larger than the other side takes is not sent', () => {
    const { client, server } = new Pair();
    client.call('a', 'x'.repeat(LIMITS.payloadBytesMax));
    client.call('b');
    expect(client.write()).toBe('[[32,3,0,"b",0]]');
    expect(client.told()).toEqual([{ event: 'too-large', id: 1 }]);
    server.read();
    expect(server.told()).toEqual([{ event: 'call', id: 3, kind: 'query', path: 'b' }]);
    expect(client.session.waitingBytes).toBe(0);
  });
});

describe('a cancel', () => {
  it('of a call that was not written makes both vanish', () => {
    const { client } = new Pair();
    client.session.caller.cancel(client.call('a'));
    expect(client.write()).toBeUndefined();
    expectNothingOpen(client);
    expect(client.session.next).toBe(1);
  });

  it('in the message of its call keeps it from running (case 35)', () => {
    const { client, server } = new Pair();
    server.receive('[[32,1,0,"a",0],[32,3,0,"b",0],[37,1]]');
    expect(server.told()).toEqual([{ event: 'call', id: 3, kind: 'query', path: 'b' }]);
    expect(server.write()).toBe('[[34,1,"CANCELLED"]]');
    expect(server.session.callee.count).toBe(1);
    expectNothingOpen(client);
  });

  it('of a call that runs asks its host to end it, and the call keeps its place until then', () => {
    const { client, server, call, incoming, pair } = startedCall();
    client.session.caller.cancel(call);
    client.session.caller.cancel(call);
    pair.settle();
    expect(server.told()).toEqual([{ event: 'cancel', id: 1, code: 'ABORTED' }]);
    expect([server.session.callee.count, client.session.caller.openCount]).toEqual([1, 1]);
    server.session.callee.fail(incoming, 'ABORTED');
    pair.settle();
    expect(client.told()).toEqual([]);
    expectNothingOpen(client, server);
  });

  it('that crosses the answer changes nothing', () => {
    const { client, server, call, incoming, pair } = startedCall();
    server.session.callee.result(incoming, 1);
    client.session.caller.cancel(call);
    pair.settle();
    expect([client.told(), server.told()]).toEqual([[], []]);
    expectNothingOpen(client, server);
    expect([client.isOver, server.isOver]).toEqual([false, false]);
  });

  it('silences what is still given', () => {
    const { client, server, call, incoming, pair } = startedCall('subscription');
    server.session.callee.subscribed(incoming);
    server.session.callee.item(incoming, 1, undefined);
    client.session.caller.cancel(call);
    pair.settle();
    server.session.callee.item(incoming, 2, undefined);
    server.session.callee.end(incoming);
    pair.settle();
    expect(client.told()).toEqual([]);
    expectNothingOpen(client, server);
  });

  it('of a call that has ended is nothing', () => {
    const { client, server, call, incoming, pair } = startedCall();
    server.session.callee.result(incoming, 1);
    pair.settle();
    const { next } = client.session;
    client.session.caller.cancel(call);
    pair.settle();
    expect(client.session.next).toBe(next);
    expect(server.told()).toEqual([]);
  });

  it.each([1, 2, 99])('of the call %d, which is not open, is ignored', (id) => {
    const { server } = new Pair();
    server.receive(`[[37,${id}]]`);
    expect(server.told()).toEqual([]);
    expect([server.session.received, server.isOver]).toEqual([1, false]);
  });
});

describe('the cap on calls', () => {
  const few: Limits = { ...LIMITS, callsMax: 2 };

  it('holds calls back until one has ended', () => {
    const pair = new Pair({ serverLimits: few });
    for (const path of ['a', 'b', 'c', 'd']) pair.client.call(path);
    pair.settle();
    expect(pair.server.told().map(({ id }) => id)).toEqual([1, 3]);
    expect(pair.client.session.waitingCount).toBe(2);
    pair.server.session.callee.result(pair.server.incoming(3), 1);
    pair.settle();
    expect(pair.server.told().map(({ id }) => id)).toEqual([5]);
    expect(pair.client.session.waitingCount).toBe(1);
  });

  it('counts a cancelled call until it has settled', () => {
    const pair = new Pair({ serverLimits: few });
    const [first] = [pair.client.call('a'), pair.client.call('b'), pair.client.call('c')];
    pair.settle();
    pair.client.session.caller.cancel(first);
    pair.settle();
    expect(pair.client.session.waitingCount).toBe(1);
    pair.server.session.callee.fail(pair.server.incoming(1), 'ABORTED');
    pair.settle();
    expect(pair.client.session.waitingCount).toBe(0);
  });

  it('answers what comes all the same with BUSY, and does not execute it', () => {
    const { server } = new Pair({ serverLimits: few });
    server.receive('[[32,1,0,"a",0],[32,3,0,"b",0],[32,5,0,"c",0],[37,1],[32,7,0,"d",0]]');
    expect(server.told().map(({ id }) => id)).toEqual([3, 7]);
    expect(server.write()).toBe('[[34,5,"BUSY"],[34,1,"CANCELLED"]]');
  });

  it('answers each of as many calls as fit into a message', () => {
    const { client, server } = new Pair({ serverLimits: few });
    const calls = Array.from({ length: 3_000 }, (_, index) => [32, 2 * index + 1, 0, 'a', 0]);
    client.session.detach(); // It would not have sent these.
    server.receive(JSON.stringify(calls));
    expect(server.told().length).toBe(2);
    const answers: unknown[] = [];
    for (let message = server.write(); message !== undefined; message = server.write()) {
      answers.push(...(JSON.parse(message as string) as unknown[][]).filter(([tag]) => tag === 34));
    }
    expect(answers).toEqual(calls.slice(2).map(([, id]) => [34, id, 'BUSY']));
    expect(server.isOver).toBe(false);
  });

  it('of zero lets no call go', () => {
    const pair = new Pair({ clientLimits: { ...LIMITS, callsMax: 0 } });
    pair.server.call('a');
    pair.settle();
    expect(pair.client.told()).toEqual([]);
    expect(pair.server.session.waitingCount).toBe(1);
  });
});

describe('a side that answers no calls', () => {
  function answerless(): Session<string, string> {
    const session = new Session<string, string>({
      role: CLIENT,
      codec,
      limits: LIMITS,
      sessionBytesMax: 1_000_000,
    });
    session.attach(AGREEMENT);
    return session;
  }

  it.each([
    { what: 'a call', message: '[[32,2,0,"a",0]]' },
    { what: 'a call of its own', message: '[[32,1,0,"a",0]]' },
    {
      what: 'a call in pieces',
      message: fromHex('27 01 0000000000000006 000000000000000e 5b33322c362c'),
    },
  ])('is sent none: $what ends the session', ({ message }) => {
    const session = answerless();
    session.receive(message);
    expect(session.takeEvents()).toMatchObject([
      { kind: 'ended', error: { code: CODES.LIMIT_EXCEEDED } },
    ]);
    expect(() => session.callee).toThrow(TypeError);
  });

  it('ignores what else is said of calls that it does not have', () => {
    const session = answerless();
    session.receive('[[37,2],[60,4]]');
    expect([session.takeEvents(), session.received]).toEqual([[], 2]);
  });
});

describe('a frame of a newer peer (case 8)', () => {
  it('that is not counted is ignored', () => {
    const { server } = new Pair();
    server.receive('[[31,1,{"a":1}],[32,1,0,"a",0],[31]]');
    expect(server.told()).toEqual([{ event: 'call', id: 1, kind: 'query', path: 'a' }]);
    expect(server.session.received).toBe(1);
  });

  it('that is counted and names no open call is counted', () => {
    const { server } = new Pair();
    server.receive('[[60,1],[60,2],[60,"a"],[61]]');
    expect(server.told()).toEqual([]);
    expect([server.session.received, server.isOver]).toEqual([4, false]);
    server.session.tick({ ping: false });
    expect(server.write()).toBe('[[7,4]]');
  });

  it('that names a call in the same message ends that call unseen', () => {
    const { server } = new Pair();
    server.receive('[[32,1,0,"a",0],[60,1,"more"]]');
    expect(server.told()).toEqual([]);
    expect(server.write()).toBe('[[34,1,"UNSUPPORTED"]]');
    expect(server.session.callee.count).toBe(0);
  });

  it('that names a running call asks its host to end it', () => {
    const { client, server, incoming, pair } = startedCall();
    server.receive('[[60,1]]');
    expect(server.told()).toEqual([{ event: 'cancel', id: 1, code: 'UNSUPPORTED' }]);
    server.session.callee.fail(incoming, 'UNSUPPORTED');
    pair.flush(server);
    expect(client.told()).toEqual([{ event: 'error', id: 1, code: 'UNSUPPORTED' }]);
  });

  it('that names a call of this side ends it here, and cancels it there', () => {
    const { client, server, incoming, pair } = startedCall('subscription');
    client.receive('[[60,1]]');
    client.receive('[[60,1]]');
    expect(client.told()).toEqual([{ event: 'error', id: 1, code: 'UNSUPPORTED' }]);
    pair.flush(client);
    expect(server.told()).toEqual([{ event: 'cancel', id: 1, code: 'ABORTED' }]);
    server.session.callee.fail(incoming, 'ABORTED');
    expect([client.session.caller.openCount, server.session.callee.count]).toEqual([1, 0]);
  });
});
