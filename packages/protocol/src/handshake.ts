import * as CODES from './close-codes.ts';
import type { Codec, Message } from './codec.ts';
import { cutReason } from './connection.ts';
import { malformed, nameOf, OpenlineError, retryOf, type ErrorCode, type Retry } from './errors.ts';
import {
  HELLO_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  NAME_LENGTH_MAX,
  PROTOCOL_VERSION,
} from './constants.ts';
import { type Limits } from './limits.ts';
import { parseInteger, parseObject, parseText } from './parse.ts';
import * as TAGS from './tags.ts';

/** What a client says first on each connection, alone in its message. */
export interface Hello {
  /** Names the session. The client draws it: 22 characters of base64url, 128 random bits. */
  readonly sessionId: string;
  /** Proves that the session is the client's own; drawn like the id. */
  readonly secret: string;
  /** 1 makes the session; one above the last attaches to it. */
  readonly attempt: number;
  /** The node that the last `welcome` of the session named; `undefined` before the first. */
  readonly node?: string | undefined;
  /** How many counted frames of the server the client has. */
  readonly received: number;
  /**
   * The number of the client's first counted frame on this connection; 0 for the first one that the
   * server does not have, as its `welcome` says.
   */
  readonly next: number;
  /** Implementation and version, such as `openline-js/0.1.0`. */
  readonly client: string;
  /** What the application says of itself; plain JSON. */
  readonly params: unknown;
  readonly limits: Limits;
}

/** The server takes the client. */
export interface Welcome {
  readonly type: 'welcome';
  /** Names the node that holds the session. */
  readonly node: string;
  readonly received: number;
  readonly next: number;
  /** How long either side may be silent before it is asked, in milliseconds. */
  readonly keepAliveMs: number;
  /** How long the session outlives a connection that is lost, in milliseconds. */
  readonly windowMs: number;
  /** The epoch of the journal of outcomes; `undefined` where there is none. */
  readonly journal?: string | undefined;
  readonly limits: Limits;
}

/** The server does not take the client; all up to the next `hello` is dropped unread. */
export interface Reject {
  readonly type: 'reject';
  /** The name of an {@link ErrorCode}, or one that only a newer server knows: `retry` says what to do. */
  readonly code: string;
  readonly message: string;
  readonly retry: Retry;
  /** Not before this many milliseconds. */
  readonly delayMs: number;
  /** What the router's error formatter made, where the application refused; else `undefined`. */
  readonly shape: unknown;
  /** Of a session that is gone: how many counted frames of the client it had, where that is known. */
  readonly received: number | undefined;
}

const TOKEN = /^[\w-]{22,64}$/;

/** @throws LIMIT_EXCEEDED when params make it larger than a server takes. */
export function encodeHello(codec: Codec, hello: Hello): Message {
  const frame = codec.encode([TAGS.hello, PROTOCOL_VERSION, hello]);
  if (!codec.fits(frame, HELLO_BYTES_MAX)) {
    throw new OpenlineError(CODES.LIMIT_EXCEEDED, 'params too large');
  }
  return codec.join([frame]);
}

/** @throws FRAME_MALFORMED, VERSION_UNSUPPORTED or LIMIT_EXCEEDED */
export function parseHello(codec: Codec, message: Message): Hello {
  if (message.length > HELLO_BYTES_MAX || codec.toBytes(message).length > HELLO_BYTES_MAX) {
    throw new OpenlineError(CODES.LIMIT_EXCEEDED, `a hello has at most ${HELLO_BYTES_MAX} bytes`);
  }
  const frames = codec.split(message);
  const [tag, version, value] = frames[0] ?? [];
  if (tag !== TAGS.hello || frames.length !== 1) throw malformed('hello');
  if (version !== PROTOCOL_VERSION) {
    throw new OpenlineError(
      CODES.VERSION_UNSUPPORTED,
      `this side speaks version ${PROTOCOL_VERSION}`,
    );
  }
  const body = parseObject(value, 'hello');
  return {
    sessionId: parseToken(body['sessionId']),
    secret: parseToken(body['secret']),
    attempt: parseInteger(body['attempt'], 1, 'attempt'),
    node: body['node'] === undefined ? undefined : parseName(body['node']),
    received: parseInteger(body['received'], 0, 'received'),
    next: parseInteger(body['next'], 0, 'next'),
    client: parseName(body['client']),
    params: body['params'],
    limits: parseLimits(body['limits']),
  };
}

export function encodeWelcome(codec: Codec, { type: _, limits, ...terms }: Welcome): Message {
  const { payloadBytesMax, callsMax, backlogBytesMax } = limits;
  const body = { ...terms, limits: { payloadBytesMax, callsMax, backlogBytesMax } };
  return codec.join([codec.encode([TAGS.welcome, PROTOCOL_VERSION, body])]);
}

/** Where the application says more than a client takes, its shape is left out and its words cut. */
export function encodeReject(
  codec: Codec,
  reject: Omit<Reject, 'type' | 'retry' | 'code'> & { readonly code: ErrorCode },
): Message {
  const { message, delayMs, received, shape } = reject;
  const code = nameOf(reject.code);
  const retry = retryOf(reject.code);
  const body = { code, message, retry, delayMs, received, shape };
  let frame = codec.encode([TAGS.reject, PROTOCOL_VERSION, body]);
  if (!codec.fits(frame, HELLO_BYTES_MAX)) {
    const small = { ...body, message: cutReason(message), shape: undefined };
    frame = codec.encode([TAGS.reject, PROTOCOL_VERSION, small]);
  }
  return codec.join([frame]);
}

/**
 * Reads what a server answers to `hello`.
 *
 * @throws NOT_OPENLINE for anything else: then nothing of what was sent has been executed.
 */
export function parseAnswer(codec: Codec, message: Message): Welcome | Reject {
  try {
    const [frame = [], ...others] = codec.split(message);
    const [tag, version, value] = frame;
    const body = parseObject(value, 'answer');
    if (tag === TAGS.reject && others.length === 0) return parseReject(body);
    // A server that speaks another version rejects in its own; no other takes a client.
    if (tag === TAGS.welcome && version === PROTOCOL_VERSION && others.length === 0) {
      return parseWelcome(body);
    }
    throw malformed('answer');
  } catch (cause) {
    throw new OpenlineError(CODES.NOT_OPENLINE, 'the answer is not that of an Openline server', {
      cause,
    });
  }
}

type Body = ReturnType<typeof parseObject>;

function parseWelcome(body: Body): Welcome {
  return {
    type: 'welcome',
    node: parseName(body['node']),
    received: parseInteger(body['received'], 0, 'received'),
    next: parseInteger(body['next'], 1, 'next'),
    keepAliveMs: parseInteger(body['keepAliveMs'], 100, 'keep-alive'),
    windowMs: parseInteger(body['windowMs'], 0, 'window'),
    journal: body['journal'] === undefined ? undefined : parseName(body['journal']),
    limits: parseLimits(body['limits']),
  };
}

const RETRIES: readonly unknown[] = ['never', 'resume', 'afresh', 'later'] satisfies Retry[];

function parseReject(body: Body): Reject {
  const { code, message, retry, delayMs, received, shape } = body;
  if (!RETRIES.includes(retry)) throw malformed('retry');
  return {
    type: 'reject',
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : '',
    retry: retry as Retry,
    delayMs: delayMs === undefined ? 0 : parseInteger(delayMs, 0, 'delay'),
    received: received === undefined ? undefined : parseInteger(received, 0, 'received'),
    shape,
  };
}

function parseToken(value: unknown): string {
  if (typeof value !== 'string' || !TOKEN.test(value)) {
    throw malformed('session or secret');
  }
  return value;
}

function parseName(value: unknown): string {
  return parseText(value, 'name', NAME_LENGTH_MAX);
}

function parseLimits(value: unknown): Limits {
  const { payloadBytesMax, callsMax, backlogBytesMax } = parseObject(value, 'limits');
  return {
    payloadBytesMax: parseInteger(payloadBytesMax, MESSAGE_BYTES_MAX, 'limits'),
    callsMax: parseInteger(callsMax, 0, 'limits'),
    backlogBytesMax: parseInteger(backlogBytesMax, MESSAGE_BYTES_MAX, 'limits'),
  };
}
