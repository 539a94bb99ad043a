import { randomBytes } from 'node:crypto';
import { INPUT, PATH } from '../workload.ts';
import {
  NOTHING_TO_DO,
  type ControlEvent,
  type LeanConversation,
  type LeanDialect,
  type Reply,
} from './system.ts';

/** The tags used here, of docs/protocol/SPEC.md. */
const HELLO = 1;
const WELCOME = 2;
const REJECT = 3;
const PING = 5;
const PONG = 6;
const ACK = 7;
const CALL = 32;
const RESULT = 33;
const ERROR = 34;

const VERSION = 1;
/** The kind of a call that is a mutation. */
const MUTATION = 1;
/** Every so many counted frames an acknowledgement is due. */
const UNACKNOWLEDGED_FRAMES_MAX = 64;

const TAIL = `,${MUTATION},"${PATH}",0,${JSON.stringify(INPUT)}]`;

type Frame = readonly [tag: number, ...members: unknown[]];

function parse(message: Buffer): readonly Frame[] {
  return JSON.parse(message.toString()) as readonly Frame[];
}

class Conversation implements LeanConversation {
  readonly hello = hello();
  /** Calls of a client have odd numbers. */
  #lastId = -1;
  #acknowledged = 0;

  calls(count: number, received: number): string {
    let message = this.#acknowledgement(received) + this.#call();
    for (let n = 1; n < count; n++) message += `,${this.#call()}`;
    return `[${message}]`;
  }

  #call(): string {
    this.#lastId += 2;
    return `[${CALL},${this.#lastId}${TAIL}`;
  }

  /** A reply is one counted frame, and nothing else that is counted comes in this workload. */
  #acknowledgement(received: number): string {
    if (received - this.#acknowledged < UNACKNOWLEDGED_FRAMES_MAX) return '';
    this.#acknowledged = received;
    return `[${ACK},${received}],`;
  }

  control(message: Buffer): ControlEvent {
    for (const [tag, ...members] of parse(message)) {
      if (tag === WELCOME) return { ready: true };
      if (tag === REJECT) throw new Error(`the server rejected: ${JSON.stringify(members)}`);
      if (tag === ERROR) throw new Error(`the server answered with: ${JSON.stringify(members)}`);
      if (tag === PING) return { send: `[[${PONG}]]` };
    }
    return NOTHING_TO_DO;
  }

  replies(message: Buffer): readonly Reply[] {
    const replies: Reply[] = [];
    for (const [tag, id, value] of parse(message)) {
      if (tag === ERROR) throw new Error(`the server answered with: ${JSON.stringify(value)}`);
      if (tag === RESULT) replies.push({ id: id as number, value });
    }
    return replies;
  }
}

/**
 * A session's first connection. The limits are those of Openline's own client. Some members are said
 * under an earlier name as well, for a checkout of before (`--before`) that knows no other.
 */
export function hello(): string {
  const sessionId = drawToken();
  const [payloadBytesMax, callsMax, backlogBytesMax] = [64 * 1_048_576, 256, 1_048_576];
  const earlier = { payload: payloadBytesMax, calls: callsMax, backlog: backlogBytesMax };
  const body = {
    sessionId,
    session: sessionId,
    secret: drawToken(),
    attempt: 1,
    received: 0,
    next: 1,
    client: 'openline-bench',
    limits: { payloadBytesMax, callsMax, backlogBytesMax, ...earlier },
  };
  return JSON.stringify([[HELLO, VERSION, body]]);
}

/** 128 random bits, for what names a session and for what proves that it is the client's. */
function drawToken(): string {
  return randomBytes(16).toString('base64url');
}

export const openlineDialect: LeanDialect = {
  subprotocols: ['openline.v1.json'],
  joinsCalls: true,
  open: () => new Conversation(),
};
