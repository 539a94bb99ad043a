import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  answeredErrorFrame,
  callErrorFrame,
  endFrame,
  itemFrame,
  resultFrame,
  returnedFrame,
  subscribedFrame,
} from '../src/answer.ts';
import { ackFrame, PING_FRAME, PONG_FRAME } from '../src/frame.ts';
import {
  CALL_ERRORS,
  Callee,
  CODES,
  encodeHello,
  encodeReject,
  encodeWelcome,
  parseAnswer,
  parseHello,
  Session,
  TAGS,
  type Again,
  type CallErrorCode,
  type CallKind,
  type ErrorName,
  type Hello,
  type Limits,
  type Message,
  type Reject,
  type StreamPath,
  type Welcome,
  type WireFrame,
} from '../src/index.ts';
import { goawayFrame, paramsFrame, renewedFrame, RENEW_FRAME } from '../src/notice.ts';
import { callFrame, cancelFrame } from '../src/request.ts';
import { Assembly, cutPiece, parsePiece } from '../src/piece.ts';
import {
  blockedFrame,
  closeFrame,
  failedFrame,
  grantFrame,
  inputFrame,
  stopFrame,
} from '../src/stream.ts';
import { plain, unreadOf, type PlainEvent, type Unread } from './pair.ts';
import type { StreamCall, Streams } from '../src/streams.ts';
import {
  codec,
  codeNamed,
  failureOf,
  fromHex,
  LIMITS,
  ROLES,
  parseWhole,
  toHex,
  type WholeFrame,
} from './support.ts';

function load<T>(name: string): T {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text) as T;
}

function encode(frame: WholeFrame): WireFrame {
  switch (frame.type) {
    case 'call':
      return callFrame(frame.id, frame);
    case 'result':
      return resultFrame(frame.id, frame.data);
    case 'error':
      if (frame.code === null) return answeredErrorFrame(frame.id, frame.shape);
      return callErrorFrame(frame.id, frame.code);
    case 'item':
      return itemFrame(frame.id, frame.data, frame.eventId ?? frame.stream);
    case 'end':
      return endFrame(frame.id);
    case 'cancel':
      return cancelFrame(frame.id);
    case 'subscribed':
      return subscribedFrame(frame.id);
    case 'input':
      return inputFrame(frame.id, frame.stream, frame.data);
    case 'close':
      if (!frame.isFailed) return closeFrame(frame.id, frame.stream);
      return failedFrame(frame.id, frame.stream, frame.shape);
    case 'stop':
      return stopFrame(frame.id, frame.stream);
    case 'returned':
      return returnedFrame(frame.id, frame.streams, frame.data);
    case 'grant':
      return grantFrame(frame.id, frame.stream, frame.granted);
    case 'blocked':
      return blockedFrame(frame.id, frame.stream);
    case 'ack':
      return ackFrame(frame.received);
    case 'goaway':
      return goawayFrame(frame.spreadMs);
    case 'renew':
      return RENEW_FRAME;
    case 'params':
      return paramsFrame(frame.number, frame.params);
    case 'renewed':
      return renewedFrame(frame.number, frame.refusal);
    case 'ping':
      return PING_FRAME;
    case 'pong':
      return PONG_FRAME;
    case 'unknown':
      throw new TypeError('nobody writes an unknown frame');
  }
}

describe('the vectors of frames', () => {
  interface Frames {
    readonly frames: readonly {
      readonly name: string;
      readonly wire: string;
      readonly frame: WholeFrame;
      readonly written: boolean;
    }[];
    readonly refused: readonly { readonly name: string; readonly wire: string }[];
  }
  const { frames, refused } = load<Frames>('frames');

  it.each(frames)('$name is read', ({ wire, frame }) => {
    expect(codec.split(`[${wire}]`).map(parseWhole)).toEqual([frame]);
  });

  it.each(frames.filter(({ written }) => written))('$name is written', ({ wire, frame }) => {
    expect(codec.join([codec.encode(encode(frame))])).toBe(`[${wire}]`);
  });

  it.each(refused)('$name is refused', ({ wire }) => {
    expect(failureOf(() => codec.split(`[${wire}]`).map(parseWhole))).toBe('FRAME_MALFORMED');
  });

  describe('have, so that none is forgotten,', () => {
    const written = frames.filter((vector) => vector.written).map(({ frame }) => frame);
    /** Frames that are in vectors of their own. */
    const ELSEWHERE = new Set(['hello', 'welcome', 'reject', 'piece']);
    const names = Object.keys(TAGS).filter((name) => !ELSEWHERE.has(name));

    it('each frame', () => {
      expect(new Set(written.map(({ type }) => type))).toEqual(new Set(names));
    });

    it('each code of an error without an answer', () => {
      const codes = written.flatMap((frame) => (frame.type === 'error' ? [frame.code] : []));
      expect(new Set(codes)).toEqual(new Set([null, ...Object.keys(CALL_ERRORS)]));
    });

    it('each option of a call', () => {
      const options = written.flatMap((frame) =>
        frame.type === 'call' ? Object.keys(frame.options) : [],
      );
      expect(new Set(options)).toEqual(
        new Set(['timeoutMs', 'lastEventId', 'key', 'again', 'streams']),
      );
    });

    it('each frame with members among those that are refused', () => {
      const bare = new Set(['ping', 'pong', 'renew']);
      const tags = new Set(refused.map(({ wire }) => (JSON.parse(wire) as unknown[])[0]));
      const missing = Object.entries(TAGS).filter(
        ([name, tag]) => !bare.has(name) && !tags.has(tag),
      );
      expect(missing).toEqual([]);
    });
  });
});

describe('the vectors of the handshake', () => {
  interface Vector {
    readonly name: string;
    readonly wire: string;
    readonly written: boolean;
  }
  interface Handshake {
    readonly hello: {
      readonly valid: readonly (Vector & { readonly hello: Hello })[];
      readonly refused: readonly (Vector & { readonly code: ErrorName })[];
    };
    readonly answer: {
      readonly valid: readonly (Vector & { readonly answer: Welcome | Reject })[];
      readonly refused: readonly Vector[];
    };
  }
  const { hello, answer } = load<Handshake>('handshake');

  it.each(hello.valid)('hello: $name', ({ wire, written, hello: value }) => {
    expect(parseHello(codec, wire)).toEqual(value);
    if (written) expect(encodeHello(codec, value)).toBe(wire);
  });

  it.each(hello.refused)('hello: $name is refused with $code', ({ wire, code }) => {
    expect(failureOf(() => parseHello(codec, wire))).toBe(code);
  });

  it.each(answer.valid)('answer: $name', ({ wire, written, answer: value }) => {
    expect(parseAnswer(codec, wire)).toEqual(value);
    if (!written) return;
    if (value.type === 'welcome') return expect(encodeWelcome(codec, value)).toBe(wire);
    expect(encodeReject(codec, { ...value, code: codeNamed(value.code) })).toBe(wire);
  });

  it.each(answer.refused)('answer: $name is none of an Openline server', ({ wire }) => {
    expect(failureOf(() => parseAnswer(codec, wire))).toBe('NOT_OPENLINE');
  });

  it('have each code of a reject, so that none is forgotten', () => {
    // A side that says these has no session to refuse, or nobody to tell.
    const NEVER_SAID = new Set(['CLOSED', 'PEER_SILENT', 'NOT_OPENLINE']);
    const codes = answer.valid.flatMap(({ answer: value, written }) =>
      written && value.type === 'reject' ? [value.code] : [],
    );
    expect(new Set(codes)).toEqual(
      new Set(Object.keys(CODES).filter((name) => !NEVER_SAID.has(name))),
    );
  });
});

describe('the vectors of pieces', () => {
  interface Pieces {
    readonly whole: readonly {
      readonly name: string;
      readonly id: number;
      readonly text: string;
      readonly pieces: readonly string[];
    }[];
    readonly cut: readonly {
      readonly name: string;
      readonly id: number;
      readonly size: number;
      readonly pieces: readonly { readonly header: string; readonly bytes: number }[];
    }[];
    readonly refused: readonly {
      readonly name: string;
      readonly code: ErrorName;
      readonly pieces: readonly string[];
    }[];
  }
  const { whole, cut, refused } = load<Pieces>('pieces');

  it.each(whole)('$name: make a frame', ({ id, text, pieces }) => {
    let assembly: Assembly | undefined;
    let frame: Uint8Array | undefined;
    for (const hex of pieces) {
      expect(frame).toBeUndefined();
      const piece = parsePiece(fromHex(hex));
      expect(piece.id).toBe(id);
      assembly ??= new Assembly(piece, LIMITS.payloadBytesMax);
      frame = assembly.add(piece);
    }
    expect(codec.fromBytes(frame!)).toEqual(JSON.parse(text));
  });

  it.each(cut)('$name: are made of a frame', ({ id, size, pieces }) => {
    const frame = new Uint8Array(size).map((_, index) => index % 251);
    let offset = 0;
    for (const { header, bytes } of pieces) {
      const piece = cutPiece(id, frame, offset);
      const headerBytes = header.length / 2;
      expect(toHex(piece.subarray(0, headerBytes))).toBe(header);
      const carried = piece.subarray(headerBytes);
      expect(Buffer.compare(carried, frame.subarray(offset, offset + bytes))).toBe(0);
      offset += bytes;
    }
    expect(offset).toBe(size);
  });

  it.each(refused)('$name: end the session with $code', ({ pieces, code }) => {
    const server = new Player('server', LIMITS, LIMITS);
    server.attach();
    pieces.forEach((hex, index) => {
      expect(server.receive(fromHex(hex))).toEqual(
        index === pieces.length - 1 ? [{ event: 'ended', code }] : [],
      );
    });
  });
});

interface Call {
  readonly kind: CallKind;
  readonly path: string;
  readonly input?: unknown;
  readonly timeoutMs?: number;
  readonly lastEventId?: string;
  readonly key?: string;
  readonly again?: Again;
  readonly streams?: readonly StreamPath[];
}
/** A stream of a call. */
interface Named {
  readonly id: number;
  readonly stream: number;
}
/** What is said of the books in a handshake. */
type Counts = Pick<Hello, 'received' | 'next'>;
/** What the host of a side does; one of these members. */
interface Input {
  readonly hello?: Hello;
  readonly welcome?: Welcome;
  readonly reject?: Omit<Reject, 'type' | 'retry'>;
  readonly call?: Call;
  readonly cancel?: number;
  readonly subscribed?: number;
  readonly item?: {
    readonly id: number;
    readonly data?: unknown;
    readonly eventId?: string;
    readonly stream?: number;
  };
  /** Whether an item may be written now. */
  readonly mayWrite?: Named & { readonly expected: boolean };
  /** An item of a stream of an input. */
  readonly write?: Named & { readonly data?: unknown };
  readonly close?: Named;
  readonly failStream?: Named & { readonly shape?: unknown };
  readonly stop?: Named;
  /** So many items that were told, the first ones. */
  readonly consume?: number;
  readonly returned?: {
    readonly id: number;
    readonly streams: readonly StreamPath[];
    readonly data?: unknown;
  };
  readonly result?: { readonly id: number; readonly data?: unknown };
  readonly error?: { readonly id: number; readonly shape: unknown };
  readonly end?: number;
  readonly fail?: { readonly id: number; readonly code: CallErrorCode };
  readonly tick?: { readonly ping: boolean };
  readonly goAway?: number;
  readonly renew?: true;
  readonly params?: { readonly number: number; readonly params: unknown };
  readonly renewed?: { readonly number: number; readonly refusal?: string };
}

/** One side of a conversation, played by this implementation. */
class Player {
  readonly #role: keyof typeof ROLES;
  readonly #session: Session<string, string>;
  readonly #peerLimits: Limits;
  #isAttached = false;
  #handshake: Message[] = [];
  /** Items that were told and not consumed. */
  readonly #unread: Unread[] = [];
  /** What the last `hello` said, for a server. */
  #hello: Counts = { received: 0, next: 1 };

  constructor(role: keyof typeof ROLES, limits: Limits, peerLimits: Limits) {
    this.#role = role;
    this.#peerLimits = peerLimits;
    this.#session = new Session({
      role: ROLES[role],
      codec,
      limits,
      sessionBytesMax: 64 * 1_048_576,
    });
    // One that has said that it takes no calls need not be able to.
    if (limits.callsMax > 0) this.#session.answer(Callee);
  }

  attach({ received, next }: Counts = { received: 0, next: 1 }): void {
    this.#session.attach({ limits: this.#peerLimits, received, next });
    this.#isAttached = true;
  }

  /** The connection is lost. */
  detach(): void {
    this.#session.detach();
    this.#isAttached = false;
  }

  /** What the other side is told of this side's books. */
  get counts(): Counts {
    return { received: this.#session.received, next: this.#session.next };
  }

  events(): PlainEvent[] {
    return this.#session.takeEvents().map((event) => {
      const unread = unreadOf(event);
      if (unread !== undefined) this.#unread.push(unread);
      return plain(event);
    });
  }

  give(input: Input): void {
    const { caller } = this.#session;
    if (input.hello) this.#handshake.push(encodeHello(codec, input.hello));
    if (input.reject) {
      const { code, ...rest } = input.reject;
      this.#handshake.push(encodeReject(codec, { ...rest, code: codeNamed(code) }));
    }
    if (input.welcome) {
      this.#handshake.push(encodeWelcome(codec, input.welcome));
      this.attach(this.#hello);
      expect(input.welcome).toMatchObject(this.counts);
    }
    if (input.call) {
      const { kind, path, input: value, ...options } = input.call;
      caller.call({ kind, path, input: value, options }, path);
    }
    if (input.cancel) caller.cancel(find(caller.calls, input.cancel));
    this.#answer(input);
    this.#giveOfStream(input);
    if (input.tick) this.#session.tick(input.tick);
    if (input.goAway !== undefined) this.#session.say(goawayFrame(input.goAway));
    if (input.renew) this.#session.say(RENEW_FRAME);
    if (input.params) this.#session.say(paramsFrame(input.params.number, input.params.params));
    if (input.renewed) {
      this.#session.say(renewedFrame(input.renewed.number, input.renewed.refusal));
    }
  }

  #answer({ subscribed, item, result, error, end, fail }: Input): void {
    if ((subscribed ?? item ?? result ?? error ?? end ?? fail) === undefined) return;
    const { callee } = this.#session;
    if (subscribed) callee.subscribed(find(callee.calls, subscribed));
    if (item) callee.item(find(callee.calls, item.id), item.data, item.eventId, item.stream);
    if (result) callee.result(find(callee.calls, result.id), result.data);
    if (error) callee.error(find(callee.calls, error.id), error.shape);
    if (end) callee.end(find(callee.calls, end));
    if (fail) callee.fail(find(callee.calls, fail.id), fail.code);
  }

  #giveOfStream({ mayWrite, write, close, failStream, stop, consume, returned }: Input): void {
    const { caller } = this.#session;
    if (returned) {
      const { callee } = this.#session;
      callee.returned(find(callee.calls, returned.id), returned.streams, returned.data);
    }
    if (mayWrite) {
      expect(this.#of(mayWrite.id, (on, call) => on.mayWrite(call, mayWrite.stream))).toBe(
        mayWrite.expected,
      );
    }
    if (write) {
      const { id, stream, data } = write;
      caller.streams.write(find(caller.calls, id), stream, inputFrame(id, stream, data));
    }
    if (close) this.#of(close.id, (on, call) => on.close(call, close.stream));
    if (failStream) {
      this.#of(failStream.id, (on, call) => on.fail(call, failStream.stream, failStream.shape));
    }
    if (stop) this.#of(stop.id, (on, call) => on.stop(call, stop.stream));
    for (const { call, stream, item } of this.#unread.splice(0, consume ?? 0)) {
      this.#of(call.id, (on, its) => on.consumed(its, stream, item));
    }
  }

  /** Does something with the streams of a call, whichever side made it. */
  #of<T>(id: number, does: <Call extends StreamCall>(on: Streams<Call>, call: Call) => T): T {
    const { caller } = this.#session;
    if (caller.owns(id)) return does(caller.streams, find(caller.calls, id));
    const { callee } = this.#session;
    return does(callee.streams, find(callee.calls, id));
  }

  write(): Message | undefined {
    return this.#handshake.shift() ?? this.#session.takeMessage();
  }

  receive(message: Message): PlainEvent[] {
    if (!this.#isAttached) return [this.#greet(message)];
    this.#session.receive(message);
    return this.events();
  }

  #greet(message: Message): PlainEvent {
    if (this.#role === 'client') {
      const answer = parseAnswer(codec, message);
      if (answer.type === 'welcome') this.attach(answer);
      return { event: answer.type, [answer.type]: answer } as unknown as PlainEvent;
    }
    let hello: Hello | undefined;
    const code = failureOf(() => (this.#hello = hello = parseHello(codec, message)));
    const told = code === 'none' ? { event: 'hello', hello } : { event: 'refused', code };
    return told as unknown as PlainEvent;
  }
}

function isHello(message: string | undefined): boolean {
  return message?.startsWith(`[[${TAGS.hello},`) === true;
}

function find<T extends { readonly id: number }>(calls: Iterable<T>, id: number): T {
  for (const call of calls) if (call.id === id) return call;
  throw new Error(`no call ${id} is open`);
}

describe('the vectors of conversations', () => {
  type Name = 'client' | 'server';
  interface Said {
    readonly from: Name;
    readonly input?: readonly Input[];
    readonly message?: string;
    readonly hex?: string;
    /** The other side never reads it. */
    readonly isLost?: boolean;
    readonly events?: readonly PlainEvent[];
  }
  /** The connection is lost; on another one the server is told `hello`, the client `welcome`. */
  interface Resumed {
    readonly meanwhile?: Readonly<Partial<Record<Name, readonly Input[]>>>;
    readonly hello: Counts;
    readonly welcome?: Counts;
    readonly events?: Readonly<Partial<Record<Name, readonly PlainEvent[]>>>;
  }
  interface Conversation {
    readonly name: string;
    readonly played: readonly Name[];
    readonly handshake?: boolean;
    readonly limits?: Readonly<Record<Name, Limits>>;
    readonly steps: readonly (Said | Resumed)[];
  }
  const { conversations } = load<{ readonly conversations: readonly Conversation[] }>(
    'conversations',
  );

  function say(players: ReadonlyMap<Name, Player>, step: Said): void {
    const { from, input, message, hex, isLost, events } = step;
    const said = hex === undefined ? message! : fromHex(hex);
    const sender = players.get(from);
    const receiver = players.get(from === 'client' ? 'server' : 'client');
    for (const value of input ?? []) sender?.give(value);
    if (sender !== undefined) expect(sender.write()).toEqual(said);
    if (receiver !== undefined && isLost !== true) {
      expect(receiver.receive(said)).toEqual(events);
    }
  }

  function resume(players: ReadonlyMap<Name, Player>, step: Resumed): void {
    const { meanwhile, hello, welcome, events } = step;
    const [client, server] = [players.get('client'), players.get('server')];
    for (const [name, player] of players) {
      player.detach();
      for (const value of meanwhile?.[name] ?? []) player.give(value);
    }
    if (client !== undefined) expect(client.counts.received).toBe(hello.received);
    server?.attach(hello);
    if (server !== undefined && welcome !== undefined) expect(server.counts).toEqual(welcome);
    if (welcome !== undefined) client?.attach(welcome);
    for (const [name, player] of players) expect(player.events()).toEqual(events?.[name] ?? []);
  }

  it.each(conversations)('$name', (conversation) => {
    const players = new Map<Name, Player>();
    const { client, server } = conversation.limits ?? { client: LIMITS, server: LIMITS };
    for (const name of conversation.played) {
      const player =
        name === 'client' ? new Player(name, client, server) : new Player(name, server, client);
      if (conversation.handshake !== true) player.attach();
      players.set(name, player);
    }
    for (const step of conversation.steps) {
      if (!('from' in step)) resume(players, step);
      else {
        // A `hello` comes on another connection, or where the server has not taken the one before.
        const isFirst = conversation.handshake === true && isHello(step.message);
        if (isFirst) for (const player of players.values()) player.detach();
        say(players, step);
      }
    }
    // Nobody has more to say.
    for (const player of players.values()) expect(player.write()).toBeUndefined();
  });
});
