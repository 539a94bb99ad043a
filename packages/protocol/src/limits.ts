/** What a side takes from the other. Each states its own; the other keeps to it. */
export interface Limits {
  /** Largest frame that may come in pieces, in bytes. At least 65,536. */
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
