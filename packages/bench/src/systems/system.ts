import type { Payload } from '../workload.ts';

/** One of the things compared: how it is served and how it is called. */
export interface System {
  /** Serves the workload's call on a free port of loopback until the process ends. */
  serve(): Promise<Address>;
  readonly lean: LeanDialect;
  /** A connection of the system's own client, ready for calls. */
  connect(url: string): Promise<OwnClient>;
}

export interface Address {
  readonly url: string;
}

export interface OwnClient {
  call(input: Payload): Promise<Payload>;
  close(): Promise<void>;
}

/**
 * What the lean load must know of a system's wire protocol. The load itself is the same code for
 * all; it counts replies by a mark in the payload, so that nothing is parsed while it measures.
 */
export interface LeanDialect {
  readonly subprotocols: readonly string[];
  /** Whether a tick's calls go in one message. Then `calls` is asked for all of them at once. */
  readonly joinsCalls: boolean;
  open(): LeanConversation;
}

/** One connection's side of the protocol. */
export interface LeanConversation {
  /** Said before anything else. `undefined`: there is no handshake and calls may begin at once. */
  readonly hello: string | undefined;
  /** The next `count` calls as one message; `received` replies have come on this connection. */
  calls(count: number, received: number): string;
  /** Reads a message without a reply in it. */
  control(message: Buffer): ControlEvent;
  /**
   * Reads the replies of a message in full, for the check before each measurement.
   *
   * @throws when one of them is an error.
   */
  replies(message: Buffer): readonly Reply[];
}

export interface ControlEvent {
  /** The handshake is over; calls may begin. */
  readonly ready?: boolean;
  /** What the protocol demands to be sent back. */
  readonly send?: string;
}

export interface Reply {
  /** A number of the call that no other call of the connection has. */
  readonly id: number;
  readonly value: unknown;
}

export const NOTHING_TO_DO: ControlEvent = {};
