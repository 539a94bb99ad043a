import {
  CODES,
  Driver,
  OpenlineError,
  Session,
  type Agreement,
  type Connection,
  type Message,
} from '../src/index.ts';
import * as TAGS from '../src/tags.ts';
import { STREAM_WINDOW } from '../src/constants.ts';
import { BOUNDS } from './explore-bounds.ts';
import type { Parts } from './explore-side.ts';
import { codec } from './support.ts';

const PlainSession = Session<string, string>;
const PlainDriver = Driver<string, string>;

/** Replays from one frame too far on. */
class SkipsOne extends PlainSession {
  override attach(agreement: Agreement): void {
    const received = Math.min(agreement.received + 1, this.next - 1);
    super.attach({ ...agreement, received: Math.max(received, agreement.received) });
  }
}

/** Takes what comes on a connection for what is due, whatever its number. */
class DropsNothing extends PlainSession {
  override attach(agreement: Agreement): void {
    super.attach({ ...agreement, next: 0 });
  }
}

/** Takes a frame for acknowledged once it is written. */
class ForgetsEarly extends PlainSession {
  override takeMessage(): Message | undefined {
    const message = super.takeMessage();
    if (message !== undefined) this.receive(JSON.stringify([[TAGS.ack, this.next - 1]]));
    return message;
  }
}

/** Says that it has what is only on its way. */
class AcknowledgesEarly extends PlainSession {
  override say(frame: readonly unknown[]): void {
    super.say(frame[0] === TAGS.ack ? [TAGS.ack, (frame[1] as number) + 1] : frame);
  }
}

/** Never says what it has. */
class AcknowledgesNothing extends PlainSession {
  override say(frame: readonly unknown[]): void {
    if (frame[0] !== TAGS.ack) super.say(frame);
  }
}

/** Takes a claim that is older than an `ack` for a fault. */
class RefusesOldClaims extends PlainSession {
  #acknowledged = 0;

  override receive(message: Message): void {
    for (const [tag, received] of codec.split(message)) {
      if (tag === TAGS.ack) this.#acknowledged = Math.max(this.#acknowledged, received as number);
    }
    super.receive(message);
  }

  override attach(agreement: Agreement): void {
    if (agreement.received < this.#acknowledged) {
      this.end(new OpenlineError(CODES.SEQUENCE_BROKEN, 'received'));
    }
    super.attach(agreement);
  }
}

/** Reads on from a connection that it has left. */
class ReadsOn extends PlainDriver {
  #connection: Connection | undefined;

  override attach(connection: Connection, agreement: Agreement): boolean {
    this.#connection = connection;
    return super.attach(connection, agreement);
  }

  override message(from: Connection, message: Message): void {
    super.message(this.#connection ?? from, message);
  }
}

/** Takes the end of a connection that it has left for the end of the one that it has. */
class LosesBoth extends PlainDriver {
  #connection: Connection | undefined;

  override attach(connection: Connection, agreement: Agreement): boolean {
    this.#connection = connection;
    return super.attach(connection, agreement);
  }

  override closed(connection: Connection, code: number, reason: string): void {
    super.closed(this.#connection ?? connection, code, reason);
  }
}

/** Stops reading while its own output is full. */
class StopsReading extends PlainSession {
  readonly #unread: Message[] = [];

  get #isFull(): boolean {
    return this.heldBytes - this.callee.heldBytes >= BOUNDS.full.backlogBytesMax;
  }

  override receive(message: Message): void {
    this.#unread.push(message);
    while (!this.#isFull && this.#unread.length > 0) {
      super.receive(this.#unread.shift()!);
    }
  }
}

/** Says on another connection nothing of credit again. */
class GrantsOnce extends PlainSession {
  override attach(agreement: Agreement): void {
    this.caller.streams.attach = () => {};
    super.attach(agreement);
  }
}

/** Grants what it has received, whether anybody has taken it or not. */
class GrantsEarly extends PlainSession {
  override receive(message: Message): void {
    super.receive(message);
    for (const { id, streams } of this.caller.calls) {
      const window = streams?.reading.get(0);
      if (window !== undefined && window.heldBytes > 0) {
        this.say([TAGS.grant, id, 0, window.granted + STREAM_WINDOW]);
      }
    }
  }
}

/** Says what is left, and not all that was ever granted. */
class GrantsTheRest extends PlainSession {
  override takeMessage(): Message | undefined {
    const message = super.takeMessage();
    if (message === undefined) return undefined;
    const frames = codec
      .split(message)
      .map((frame) => (frame[0] === TAGS.grant ? [...frame.slice(0, 3), STREAM_WINDOW] : frame));
    return codec.join(frames.map((frame) => codec.encode(frame)));
  }
}

/** A planted fault, and how it shows first: the shortest story within the bounds, and the law. */
interface Mutant {
  readonly name: string;
  readonly parts: Parts;
  readonly bounds: keyof typeof BOUNDS;
  readonly story: readonly string[];
  readonly fault: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a server that replays from one frame too far on',
    parts: { Session: { server: SkipsOne } },
    bounds: 'loss',
    story: ['client: call', 'server: read on 1', 'server: item'],
    fault: 'at rest the client ended the session: SEQUENCE_BROKEN',
  },
  {
    name: 'a client that replays from one frame too far on',
    parts: { Session: { client: SkipsOne } },
    bounds: 'loss',
    story: ['client: call'],
    fault: 'at rest the client holds 0 bytes of 16 not acknowledged',
  },
  {
    name: 'a client that does not drop lower numbers',
    parts: { Session: { client: DropsNothing } },
    bounds: 'loss',
    story: [
      'client: call',
      'server: read on 1',
      'server: item',
      'client: dial',
      'client: read on 1',
      'server: read on 2',
      'client: read on 2',
      'client: read on 2',
    ],
    fault: 'the client has more than was written',
  },
  {
    name: 'a server that forgets what is written and not acknowledged',
    parts: { Session: { server: ForgetsEarly } },
    bounds: 'loss',
    story: ['client: call', 'server: read on 1', 'server: item'],
    fault: 'the server holds 0 bytes of 16 not acknowledged',
  },
  {
    name: 'a client that forgets what is written and not acknowledged',
    parts: { Session: { client: ForgetsEarly } },
    bounds: 'loss',
    story: ['client: call'],
    fault: 'the client holds 0 bytes of 16 not acknowledged',
  },
  {
    name: 'a client that acknowledges too early',
    parts: { Session: { client: AcknowledgesEarly } },
    bounds: 'loss',
    story: ['client: call'],
    fault: 'at rest the server ended the session: SEQUENCE_BROKEN',
  },
  {
    name: 'a client that never acknowledges',
    parts: { Session: { client: AcknowledgesNothing } },
    bounds: 'loss',
    story: ['client: call'],
    fault: '8 bytes are held of what has arrived',
  },
  {
    name: 'a server that condemns a claim which an ack has overtaken',
    parts: { Session: { server: RefusesOldClaims } },
    bounds: 'ticks',
    story: [
      'client: call',
      'server: read on 1',
      'server: result',
      'client: dial',
      'client: read on 1',
      'client: tick',
      'server: read on 1',
      'server: read on 2',
    ],
    fault: 'the server ended the session: SEQUENCE_BROKEN',
  },
  {
    name: 'a server that attaches a stale attempt',
    parts: { mayAttach: () => true },
    bounds: 'overtaking',
    story: ['client: dial', 'client: dial', 'server: read on 3', 'server: read on 2'],
    fault: 'the server went back to an earlier connection',
  },
  {
    name: 'a client that reads the answer to an earlier hello',
    parts: { readsLateAnswers: true },
    bounds: 'overtaking',
    story: [
      'client: dial',
      'server: read on 2',
      'client: dial',
      'server: read on 3',
      'client: read on 3',
      'client: read on 2',
    ],
    fault: 'the client went back to an earlier connection',
  },
  {
    name: 'a server that reads on from a connection it has left',
    parts: { Driver: { server: ReadsOn } },
    bounds: 'loss',
    story: [
      'client: call',
      'client: dial',
      'server: read on 2',
      'server: read on 1',
      'client: read on 2',
      'server: read on 2',
    ],
    fault: 'the server ended the session: FRAME_MALFORMED',
  },
  {
    name: 'a client that reads on from a connection it has left',
    parts: { Driver: { client: ReadsOn } },
    bounds: 'loss',
    story: [
      'client: call',
      'server: read on 1',
      'server: item',
      'client: dial',
      'server: read on 2',
      'client: read on 2',
      'client: read on 1',
      'client: read on 2',
    ],
    fault: 'the client has more than was written',
  },
  {
    name: 'a server that takes the end of an earlier connection for its own',
    parts: { Driver: { server: LosesBoth } },
    bounds: 'loss',
    story: ['client: dial', 'server: read on 2', 'client: read on 2', 'server: read on 1'],
    fault: 'the server gave up a connection that lives',
  },
  {
    name: 'a client that takes the end of an earlier connection for its own',
    parts: { Driver: { client: LosesBoth } },
    bounds: 'loss',
    story: ['client: dial', 'server: read on 2', 'client: read on 2', 'client: read on 1'],
    fault: 'the client gave up a connection that lives',
  },
  {
    name: 'a server that says to have one frame less than it has',
    parts: { welcome: ({ received, next }) => ({ received: Math.max(0, received - 1), next }) },
    bounds: 'loss',
    story: ['client: call', 'server: read on 1'],
    fault: 'at rest the server ended the session: FRAME_MALFORMED',
  },
  {
    name: 'a client that grants once, and not again on another connection',
    parts: { Session: { client: GrantsOnce } },
    bounds: 'credit',
    story: [
      'client: call',
      'server: read on 1',
      'server: item',
      'client: read on 1',
      'client: consume',
      'server: read on 1',
      'server: item',
      'client: read on 1',
      'client: consume',
      'server: read on 1',
    ],
    fault: '48 items were given of 64 that were granted',
  },
  {
    name: 'a client that grants what it has not consumed',
    parts: { Session: { client: GrantsEarly } },
    bounds: 'credit',
    story: [
      'client: call',
      'server: read on 1',
      'server: item',
      'client: read on 1',
      'server: read on 1',
      'server: item',
    ],
    fault: 'a stream stands still',
  },
  {
    name: 'a client that grants the rest and not the sum',
    parts: { Session: { client: GrantsTheRest } },
    bounds: 'credit',
    story: ['client: call', 'server: read on 1', 'server: item'],
    fault: 'a stream stands still',
  },
  {
    name: 'two sides that stop reading while they are full',
    parts: { Session: { client: StopsReading, server: StopsReading } },
    bounds: 'full',
    story: ['client: call'],
    fault: 'answers to call 1 did not come',
  },
];
