import {
  CODES,
  encodeHello,
  encodeReject,
  encodeWelcome,
  parseAnswer,
  parseHello,
  type Agreement,
  type Hello,
  type IncomingCall,
  type Limits,
  type Message,
  type OutgoingCall,
} from '../src/index.ts';
import { exploredCodec as codec, memoized } from './explore-codec.ts';
import { End, Side, type Close, type Name, type Parts } from './explore-side.ts';
import type { PlainEvent } from './pair.ts';
import { LIMITS } from './support.ts';

/** How much may happen in a story. */
export interface Bounds {
  readonly calls: number;
  /** How often the server gives items. */
  readonly items: number;
  /** How many it gives each time. */
  readonly burst: number;
  /** Whether the client consumes in steps of their own what it was told, or at once. */
  readonly pauses: boolean;
  readonly cancels: number;
  readonly ticks: number;
  /** The first one is there. */
  readonly connections: number;
  readonly losses: number;
  /** What a side keeps before producers and new calls wait, in bytes. */
  readonly backlogBytesMax: number;
}

/** What each step belongs to, and on which connection it is. One step is one tick of that side. */
export interface Step {
  readonly side: Name;
  readonly does:
    'call' | 'cancel' | 'item' | 'result' | 'consume' | 'tick' | 'dial' | 'read' | 'lose';
  readonly on?: number;
}

interface Wire {
  readonly client: End;
  readonly server: End;
  /** The server has read a `hello` here. */
  hasGreeted: boolean;
}

/** A call of the client, and what must become of it. */
interface Told {
  readonly call: OutgoingCall<string>;
  readonly given: PlainEvent[];
  /** It was cancelled before it was written. */
  withdrawn: boolean;
}

const helloOf = memoized<Message>();
const welcomeOf = memoized<Message>();
const TOKEN = 'AAAAAAAAAAAAAAAAAAAAAA';

/**
 * Two real sessions in their real drivers, up to three connections between them, and what the line
 * and the server do with a connection: say `hello`, check its attempt, attach, say `welcome`. An
 * admission that takes its time is a `hello` that is read late: nothing of it counts until then.
 */
export class World {
  readonly client: Side;
  readonly server: Side;
  readonly calls: Told[] = [];
  readonly #bounds: Bounds;
  readonly #parts: Parts;
  readonly #limits: Limits;
  readonly #wires: Wire[] = [];
  readonly #left: Record<'cancels' | 'items' | 'losses', number>;
  readonly #ticks = { client: 0, server: 0 };
  #attempt = 0;
  /** The highest that the server has taken. */
  #lastAttempt = 0;
  /** Connections that the client has had. */
  readonly #opened = new Set<number>();
  /** The connection whose `welcome` the client awaits; 0 for none. */
  #dialled = 0;

  constructor(bounds: Bounds, parts: Parts = {}) {
    this.#bounds = bounds;
    this.#parts = parts;
    const { backlogBytesMax, cancels, items, losses } = bounds;
    this.#left = { cancels, items, losses };
    this.#limits = { ...LIMITS, backlogBytesMax };
    this.client = new Side('client', this.#limits, parts);
    this.client.isReading = !bounds.pauses;
    this.server = new Side('server', this.#limits, parts);
    this.connect();
  }

  /** Whether stories are about credit: then nothing but credit keeps items from being given. */
  get hasCredit(): boolean {
    return this.#bounds.pauses;
  }

  /** Everything that may happen next. */
  steps(): Step[] {
    const { calls, ticks, connections } = this.#bounds;
    const steps: Step[] = [];
    const { client, server } = this;
    if (client.isOver || server.isOver) return steps;
    if (this.calls.length < calls) steps.push({ side: 'client', does: 'call' });
    if (this.#left.cancels > 0 && this.#cancellable) steps.push({ side: 'client', does: 'cancel' });
    if (this.#running !== undefined) {
      if (this.#left.items > 0 && !server.isWaiting) steps.push({ side: 'server', does: 'item' });
      steps.push({ side: 'server', does: 'result' });
    }
    if (client.unread.length > 0) steps.push({ side: 'client', does: 'consume' });
    for (const side of ['client', 'server'] as const) {
      const { current } = this[side];
      if (current === 0) continue;
      if (this.#ticks[side] < ticks) steps.push({ side, does: 'tick' });
      if (this.#left.losses > 0) steps.push({ side, does: 'lose', on: current });
    }
    this.#wires.forEach((wire, index) => {
      for (const side of ['client', 'server'] as const) {
        if (wire[side].arriving.length > 0) steps.push({ side, does: 'read', on: index + 1 });
      }
    });
    if (this.#wires.length < connections) steps.push({ side: 'client', does: 'dial' });
    return steps;
  }

  play({ side, does, on = 0 }: Step): void {
    switch (does) {
      case 'call':
        this.#call();
        break;
      case 'cancel':
        this.#cancel();
        break;
      case 'item':
      case 'result':
        this.#answer(does);
        break;
      case 'consume':
        this.client.consume();
        break;
      case 'tick':
        this.#ticks[side]++;
        this[side].driver.tick();
        break;
      case 'dial':
        this.#dial();
        break;
      case 'lose':
        this.#left.losses--;
        this.#lose(side, on);
        break;
      case 'read':
        if (side === 'client') this.#readClient(on);
        else this.#readServer(on);
    }
    this[side].endTick();
  }

  /** Both sides get a connection of their own, and everything on it is read. */
  connect(): void {
    this.#dial();
    const on = this.#wires.length;
    this.#readServer(on);
    this.server.endTick();
    this.#readClient(on);
    this.client.endTick();
  }

  /** Reads all that is on the last connection. */
  settle(): void {
    const on = this.#wires.length;
    const wire = this.#wires[on - 1]!;
    for (;;) {
      if (wire.server.arriving.length > 0) this.#readServer(on);
      else if (wire.client.arriving.length > 0) this.#readClient(on);
      else return;
      this.client.endTick();
      this.server.endTick();
    }
  }

  /**
   * The server gives as many items as it has credits left. Gives how many it gave in all, and how
   * many the client has granted; `undefined` where no stream is open.
   */
  exhaust(): { readonly used: number; readonly granted: number } | undefined {
    for (const { call, given } of this.calls) {
      const window = call.streams?.reading.get(0);
      const incoming = this.server.session.callee.opened(call.id);
      if (window === undefined || incoming?.streams === undefined) continue;
      this.#giveItems(incoming, given, Infinity);
      this.server.driver.wake();
      this.server.endTick();
      return { used: given.length - 1, granted: window.granted };
    }
    return undefined;
  }

  /** The server answers everything that runs. */
  answerAll(): void {
    while (this.#running !== undefined) this.#answer('result');
    this.server.endTick();
  }

  /** What is owed is acknowledged. */
  tick(): void {
    for (const side of [this.client, this.server]) {
      side.driver.tick();
      side.endTick();
    }
  }

  get #running(): number | undefined {
    for (const call of this.server.session.callee.calls) {
      if (call.state === 'running') return call.id;
    }
    return undefined;
  }

  get #cancellable(): Told | undefined {
    return this.calls.find(
      ({ call, given }) => !call.cancelled && given.at(-1)?.event !== 'result',
    );
  }

  #call(): void {
    const { caller } = this.client.session;
    const input = this.calls.length;
    const kind = this.#bounds.items > 0 ? 'subscription' : 'query';
    const call = caller.call({ kind, path: 'p', input, options: {} }, 'p');
    this.calls.push({ call, given: [], withdrawn: false });
    this.client.driver.wake();
  }

  #cancel(): void {
    const told = this.#cancellable!;
    this.#left.cancels--;
    told.withdrawn = told.call.unwritten !== undefined;
    this.client.session.caller.cancel(told.call);
    this.client.driver.wake();
  }

  #answer(does: 'item' | 'result'): void {
    const { callee } = this.server.session;
    for (const call of callee.calls) {
      if (call.state !== 'running') continue;
      const { given } = this.calls.find((told) => told.call.id === call.id)!;
      if (does === 'item') {
        this.#left.items--;
        this.#giveItems(call, given, this.#bounds.burst);
      } else {
        const data = given.length;
        callee.result(call, data);
        this.server.isWaiting = false;
        given.push({ event: does, id: call.id, data });
      }
      break;
    }
    this.server.driver.wake();
  }

  /** As many as it may, up to `left`; then it asks whether another one may go. */
  #giveItems(call: IncomingCall<string>, given: PlainEvent[], left: number): void {
    const { callee } = this.server.session;
    const { id } = call;
    if (given.length === 0) {
      callee.subscribed(call);
      given.push({ event: 'subscribed', id });
    }
    while (callee.streams.mayWrite(call, 0) && left-- > 0) {
      const data = given.length;
      callee.item(call, data, undefined);
      given.push({ event: 'item', id, data });
    }
    this.server.isWaiting = !callee.streams.mayWrite(call, 0);
  }

  #dial(): void {
    // The line gives up the attempt before, not the connection that it still has.
    if (this.#dialled > 0) this.#wires[this.#dialled - 1]!.client.abandon();
    const on = this.#wires.length + 1;
    const wire: Wire = {
      client: new End((message) => this.client.books.wrote(on, message)),
      server: new End((message) => this.server.books.wrote(on, message)),
      hasGreeted: false,
    };
    wire.client.peer = wire.server;
    wire.server.peer = wire.client;
    this.#wires.push(wire);
    this.#dialled = on;
    const { received } = this.client.session;
    const hello: Hello = {
      sessionId: TOKEN,
      secret: TOKEN,
      attempt: ++this.#attempt,
      received,
      next: 0,
      client: 'explorer',
      params: 0,
      limits: LIMITS,
    };
    const key = `${hello.attempt} ${received}`;
    wire.client.send([helloOf(key, () => encodeHello(codec, hello))]);
  }

  #lose(side: Name, on: number): void {
    const end = this.#wires[on - 1]![side];
    end.isClosed = true;
    end.arriving.length = 0;
    this[side].driver.closed(end, 1006, '');
  }

  #readServer(on: number): void {
    const wire = this.#wires[on - 1]!;
    const message = wire.server.arriving.shift()!;
    const { driver, books } = this.server;
    if (isClose(message)) {
      wire.server.isClosed = true;
      driver.closed(wire.server, message.code, '');
    } else if (wire.hasGreeted) {
      if (this.server.current === on) books.read(message);
      driver.message(wire.server, message);
    } else this.#greet(wire, on, message);
  }

  #greet(wire: Wire, on: number, message: Message): void {
    const { server } = this;
    const { mayAttach = (attempt, last) => attempt > last, welcome = (it) => it } = this.#parts;
    const hello = parseHello(codec, message);
    wire.hasGreeted = true;
    if (!mayAttach(hello.attempt, this.#lastAttempt)) {
      const reject = { code: CODES.SUPERSEDED, message: '', delayMs: 0 } as const;
      const frame = { ...reject, received: undefined, shape: undefined };
      wire.server.send([encodeReject(codec, frame)]);
      return wire.server.close(4009);
    }
    this.#lastAttempt = hello.attempt;
    if (!this.#attach(server, on, wire.server, hello)) return;
    const { received, next } = server.session;
    const terms = { node: 'n', keepAliveMs: 1_000, windowMs: 1_000, limits: LIMITS };
    const books = welcome({ received, next });
    server.books.begin(on, next);
    const key = `${books.received} ${books.next}`;
    const say = (): Message => encodeWelcome(codec, { type: 'welcome', ...terms, ...books });
    wire.server.send([welcomeOf(key, say)]);
  }

  #readClient(on: number): void {
    const { client } = this;
    const end = this.#wires[on - 1]!.client;
    const message = end.arriving.shift()!;
    if (isClose(message)) {
      end.isClosed = true;
      client.driver.closed(end, message.code, '');
      if (this.#dialled === on) this.#dialled = 0;
    } else if (this.#opened.has(on)) {
      if (client.current === on) client.books.read(message);
      client.driver.message(end, message);
    } else if (this.#dialled === on || this.#parts.readsLateAnswers === true) {
      this.#dialled = 0;
      const answer = parseAnswer(codec, message);
      if (answer.type === 'reject') return end.close(1000);
      this.#opened.add(on);
      end.isClosed = false;
      if (this.#attach(client, on, end, answer)) client.books.begin(on, client.session.next);
    }
  }

  #attach(side: Side, on: number, end: End, { received, next }: Agreement): boolean {
    // What a side states has a minimum that a short story does not fill: here it keeps to less.
    const isAttached = side.attach(on, end, { limits: this.#limits, received, next });
    if (!isAttached) end.close(1000);
    return isAttached;
  }
}

function isClose(arriving: Message | Close): arriving is Close {
  return typeof arriving === 'object' && 'code' in arriving;
}
