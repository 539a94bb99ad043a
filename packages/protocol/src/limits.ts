import { malformed } from './errors.ts';

/** Largest message of frames or piece of a payload, in bytes. Fixed: a thin line makes progress. */
export const MESSAGE_BYTES_MAX = 65_536;
/** Largest `hello` and largest answer to it, in bytes: they are read before a peer is known. */
export const HELLO_BYTES_MAX = 16_384;
/** What may follow a `hello` before it is answered, in bytes. */
export const PARKED_BYTES_MAX = 65_536;
/** Payloads that go in pieces at the same time, each way. */
export const PARCELS_MAX = 4;
/** Frames are joined into one message up to this length; a longer one goes on its own. */
export const JOINED_LENGTH_MAX = 16_384;
/** An `ack` is due after this many counted frames (SPEC, "Acknowledgement"). */
export const UNACKNOWLEDGED_FRAMES_MAX = 64;
/** Longest path of a procedure, in UTF-16 code units. */
export const PATH_LENGTH_MAX = 1_024;

/** Longest idempotency key, in UTF-16 code units. */
export const KEY_LENGTH_MAX = 256;

/** What a side takes from the other. Each states its own; the other keeps to it. */
export interface Limits {
  /** Largest frame that may come in pieces, in bytes. At least {@link MESSAGE_BYTES_MAX}. */
  readonly payloadBytesMax: number;
  /** Calls of the other side that may be open at once; one more is answered `BUSY`. */
  readonly callsMax: number;
  /**
   * What this side keeps of its own frames until they are acknowledged, in bytes. Above it new
   * calls, items and pieces wait. The other side acknowledges before a quarter of it is owed.
   */
  readonly backlogBytesMax: number;
}

export const SERVER_LIMITS: Limits = {
  payloadBytesMax: 16_777_216,
  callsMax: 1_024,
  backlogBytesMax: 1_048_576,
};

/** Of a client that answers no calls. */
export const CLIENT_LIMITS: Limits = {
  payloadBytesMax: 67_108_864,
  callsMax: 0,
  backlogBytesMax: 1_048_576,
};

export interface WireLimits {
  readonly payload: number;
  readonly calls: number;
  readonly backlog: number;
}

export function wireLimits(limits: Limits): WireLimits {
  return {
    payload: limits.payloadBytesMax,
    calls: limits.callsMax,
    backlog: limits.backlogBytesMax,
  };
}

export function parseLimits(value: unknown): Limits {
  if (typeof value !== 'object' || value === null) throw malformed('limits');
  const { payload, calls, backlog } = value as Partial<Record<keyof WireLimits, unknown>>;
  return {
    payloadBytesMax: parseInteger(payload, MESSAGE_BYTES_MAX, 'limits'),
    callsMax: parseInteger(calls, 0, 'limits'),
    backlogBytesMax: parseInteger(backlog, MESSAGE_BYTES_MAX, 'limits'),
  };
}

/** A safe integer of at least `min`. @throws FRAME_MALFORMED, naming `what` it should be. */
export function parseInteger(value: unknown, min: number, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < min) {
    throw malformed(what);
  }
  return value as number;
}
