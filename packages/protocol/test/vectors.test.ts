import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ackFrame,
  answeredErrorFrame,
  callErrorFrame,
  callFrame,
  cancelFrame,
  endFrame,
  goawayFrame,
  itemFrame,
  PING_FRAME,
  PONG_FRAME,
  resultFrame,
  subscribedFrame,
} from '../src/frame.ts';
import {
  Callee,
  encodeHello,
  encodeReject,
  encodeWelcome,
  isErrorCode,
  parseAnswer,
  parseFrame,
  parseHello,
  Session,
  type CallErrorCode,
  type CallKind,
  type CallOptions,
  type ErrorCode,
  type Frame,
  type Hello,
  type Limits,
  type Message,
  type Reject,
  type Welcome,
  type WireFrame,
} from '../src/index.ts';
import { Assembly, cutPiece, parsePiece } from '../src/piece.ts';
import { plain, type PlainEvent } from './pair.ts';
import { codec, failureOf, fromHex, LIMITS, toHex } from './support.ts';

function load<T>(name: string): T {
  const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text) as T;
}

function encode(frame: Frame): WireFrame {
  switch (frame.type) {
    case 'call':
      return callFrame(frame.id, frame.kind, frame.path, frame.options, frame.input);
    case 'result':
      return resultFrame(frame.id, frame.data);
    case 'error':
      if (frame.code === null) return answeredErrorFrame(frame.id, frame.shape);
      return callErrorFrame(frame.id, frame.code);
    case 'item':
      return itemFrame(frame.id, frame.data, frame.eventId);
    case 'end':
      return endFrame(frame.id);
    case 'cancel':
      return cancelFrame(frame.id);
    case 'subscribed':
      return subscribedFrame(frame.id);
    case 'ack':
      return ackFrame(frame.received);
    case 'goaway':
      return goawayFrame(frame.spreadMs);
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
      readonly frame: Frame;
      readonly written: boolean;
    }[];
    readonly refused: readonly { readonly name: string; readonly wire: string }[];
  }
  const { frames, refused } = load<Frames>('frames');

  it.each(frames)('$name is read', ({ wire, frame }) => {
    expect(codec.split(`[${wire}]`).map(parseFrame)).toEqual([frame]);
  });

  it.each(frames.filter(({ written }) => written))('$name is written', ({ wire, frame }) => {
    expect(codec.join([codec.encode(encode(frame))])).toBe(`[${wire}]`);
  });

  it.each(refused)('$name is refused', ({ wire }) => {
    expect(failureOf(() => codec.split(`[${wire}]`).map(parseFrame))).toBe('FRAME_MALFORMED');
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
      readonly refused: readonly (Vector & { readonly code: ErrorCode })[];
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
    const { code } = value;
    if (!isErrorCode(code)) throw new TypeError('a vector that is written has a code of ours');
    expect(encodeReject(codec, { ...value, code })).toBe(wire);
  });

  it.each(answer.refused)('answer: $name is none of an Openline server', ({ wire }) => {
    expect(failureOf(() => parseAnswer(codec, wire))).toBe('NOT_OPENLINE');
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
      readonly code: ErrorCode;
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
      assembly ??= new Assembly(piece, LIMITS.payloadBytesMax, true);
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
}
/** What the host of a side does; one of these members. */
interface Input {
  readonly hello?: Hello;
  readonly welcome?: Welcome;
  readonly reject?: Omit<Reject, 'type' | 'retry'>;
  readonly call?: Call;
  readonly cancel?: number;
  readonly subscribed?: number;
  readonly item?: { readonly id: number; readonly data?: unknown; readonly eventId?: string };
  readonly result?: { readonly id: number; readonly data?: unknown };
  readonly error?: { readonly id: number; readonly shape: unknown };
  readonly end?: number;
  readonly fail?: { readonly id: number; readonly code: CallErrorCode };
  readonly tick?: { readonly ping: boolean };
  readonly goAway?: number;
}

/** One side of a conversation, played by this implementation. */
class Player {
  readonly #role: 'client' | 'server';
  readonly #session: Session<string, string>;
  readonly #peerLimits: Limits;
  #isAttached = false;
  #handshake: Message[] = [];

  constructor(role: 'client' | 'server', limits: Limits, peerLimits: Limits) {
    this.#role = role;
    this.#peerLimits = peerLimits;
    this.#session = new Session({ role, codec, limits, sessionBytesMax: 64 * 1_048_576 });
    this.#session.answer(Callee);
  }

  attach(): void {
    this.#session.attach({ limits: this.#peerLimits, received: 0, next: 1 });
    this.#isAttached = true;
  }

  give(input: Input): void {
    const { caller, callee } = this.#session;
    if (input.hello) this.#handshake.push(encodeHello(codec, input.hello));
    if (input.reject) {
      const { code, message, delayMs, shape } = input.reject;
      this.#handshake.push(
        encodeReject(codec, { code: code as ErrorCode, message, delayMs, shape }),
      );
    }
    if (input.welcome) {
      this.#handshake.push(encodeWelcome(codec, input.welcome));
      this.attach();
    }
    if (input.call) {
      const { kind, path, timeoutMs, lastEventId, input: value } = input.call;
      const options: CallOptions = { timeoutMs, lastEventId };
      caller.call({ kind, path, input: value, options }, path);
    }
    if (input.cancel) caller.cancel(find(caller.calls, input.cancel));
    if (input.subscribed) callee.subscribed(find(callee.calls, input.subscribed));
    if (input.item) {
      const { id, data, eventId } = input.item;
      callee.item(find(callee.calls, id), data, eventId);
    }
    if (input.result) callee.result(find(callee.calls, input.result.id), input.result.data);
    if (input.error) callee.error(find(callee.calls, input.error.id), input.error.shape);
    if (input.end) callee.end(find(callee.calls, input.end));
    if (input.fail) callee.fail(find(callee.calls, input.fail.id), input.fail.code);
    if (input.tick) this.#session.tick(input.tick);
    if (input.goAway !== undefined) this.#session.say(goawayFrame(input.goAway));
  }

  write(): Message | undefined {
    return this.#handshake.shift() ?? this.#session.takeMessage();
  }

  receive(message: Message): PlainEvent[] {
    if (!this.#isAttached) return [this.#greet(message)];
    this.#session.receive(message);
    return this.#session.takeEvents().map(plain);
  }

  #greet(message: Message): PlainEvent {
    if (this.#role === 'client') {
      const answer = parseAnswer(codec, message);
      if (answer.type === 'welcome') this.attach();
      return { event: answer.type, [answer.type]: answer } as unknown as PlainEvent;
    }
    let hello: Hello | undefined;
    const code = failureOf(() => (hello = parseHello(codec, message)));
    const told = code === 'none' ? { event: 'hello', hello } : { event: 'refused', code };
    return told as unknown as PlainEvent;
  }
}

function find<T extends { readonly id: number }>(calls: Iterable<T>, id: number): T {
  for (const call of calls) if (call.id === id) return call;
  throw new Error(`no call ${id} is open`);
}

describe('the vectors of conversations', () => {
  type Name = 'client' | 'server';
  interface WireLimits {
    readonly payload: number;
    readonly calls: number;
    readonly backlog: number;
  }
  interface Conversation {
    readonly name: string;
    readonly played: readonly Name[];
    readonly handshake?: boolean;
    readonly limits?: Readonly<Record<Name, WireLimits>>;
    readonly steps: readonly {
      readonly from: Name;
      readonly input?: readonly Input[];
      readonly message?: string;
      readonly hex?: string;
      readonly events?: readonly PlainEvent[];
    }[];
  }
  const { conversations } = load<{ readonly conversations: readonly Conversation[] }>(
    'conversations',
  );

  function limitsOf(conversation: Conversation, name: Name): Limits {
    const stated = conversation.limits?.[name];
    if (stated === undefined) return LIMITS;
    return {
      payloadBytesMax: stated.payload,
      callsMax: stated.calls,
      backlogBytesMax: stated.backlog,
    };
  }

  it.each(conversations)('$name', (conversation) => {
    const players = new Map<Name, Player>();
    const [client, server] = [limitsOf(conversation, 'client'), limitsOf(conversation, 'server')];
    for (const name of conversation.played) {
      const player =
        name === 'client' ? new Player(name, client, server) : new Player(name, server, client);
      if (conversation.handshake !== true) player.attach();
      players.set(name, player);
    }
    for (const { from, input, message, hex, events } of conversation.steps) {
      const said = hex === undefined ? message! : fromHex(hex);
      const sender = players.get(from);
      const receiver = players.get(from === 'client' ? 'server' : 'client');
      for (const value of input ?? []) sender?.give(value);
      if (sender !== undefined) expect(sender.write()).toEqual(said);
      if (receiver !== undefined) expect(receiver.receive(said)).toEqual(events);
    }
    // Nobody has more to say.
    for (const player of players.values()) expect(player.write()).toBeUndefined();
  });
});
