import type { Message } from './codec.ts';

/** Largest close reason: 125 bytes of control payload less 2 of close code (RFC 6455 section 5.5). */
export const CLOSE_REASON_BYTES_MAX = 123;

/**
 * One live connection that carries whole messages, in order. A transport makes it; the driver of a
 * session is its only caller.
 */
export interface Connection {
  /** Bytes taken by `send` and not yet handed to the network. */
  readonly bufferedBytes: number;
  /**
   * Hands over the messages of one flush, to be written at once where the transport can. Never
   * throws and never blocks: a failure arrives once, through `closed`.
   */
  send(messages: readonly Message[]): void;
  /** Says goodbye and closes. Idempotent. The reason has at most 123 bytes: see {@link cutReason}. */
  close(code: number, reason: string): void;
  /** Drops the connection at once, without a goodbye: the other side does not answer any more. */
  abandon(): void;
}

/** What a connection reports. `closed` comes exactly once, and last. */
export interface ConnectionHandler {
  message(message: Message): void;
  /** `bufferedBytes` is below `HIGH_WATER_BYTES` again; a `send` had left it at or above. */
  drained(): void;
  closed(code: number, reason: string): void;
}

/** Cuts a close reason to what fits into a close frame, between code points. */
export function cutReason(reason: string): string {
  let bytes = 0;
  let end = 0;
  for (const character of reason) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > CLOSE_REASON_BYTES_MAX) break;
    end += character.length;
  }
  return reason.slice(0, end);
}
