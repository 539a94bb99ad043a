import type { Message } from './codec.ts';
import type { CallId, CallKind, CallOptions } from './frame.ts';

export interface CallRequest {
  readonly kind: CallKind;
  /** Dotted, such as `game.score`. */
  readonly path: string;
  readonly input: unknown;
  readonly options: CallOptions;
}

/** A call that this side made. `Owner` is what the host keeps with it. */
export interface OutgoingCall<Owner> {
  readonly id: CallId;
  readonly owner: Owner;
  /** The encoded frame, until the call is first written. Until then it can be withdrawn. */
  unwritten: Message | undefined;
  cancelled: boolean;
}

/** A call that the other side made. `Owner` is what the host keeps with it. */
export interface IncomingCall<Owner> {
  readonly id: CallId;
  readonly kind: CallKind;
  readonly path: string;
  readonly input: unknown;
  readonly options: CallOptions;
  /** The size of its frame; of one that shared its message, a fair part of that. */
  readonly bytes: number;
  /**
   * `arrived`: the host has not seen it. `running`: its procedure has it. `settled`: its terminal
   * frame is given.
   */
  state: 'arrived' | 'running' | 'settled';
  owner: Owner | undefined;
}
