import type { Message } from './codec.ts';
import type { CallId } from './frame.ts';
import type { CallRequest } from './request.ts';
import type { CallStreams } from './stream.ts';

/** A call that this side made. `Owner` is what the host keeps with it. */
export interface OutgoingCall<Owner> {
  readonly id: CallId;
  readonly owner: Owner;
  /** The encoded frame, until the call is first written. Until then it can be withdrawn. */
  unwritten: Message | undefined;
  /**
   * The number of its frame, or of the last piece of it; 0 while that is not written. Until then the
   * other side cannot have started it.
   */
  number: number;
  cancelled: boolean;
  /** `undefined` while it has none, and for most calls always. */
  streams: CallStreams | undefined;
}

/** A call that the other side made. `Owner` is what the host keeps with it. */
export interface IncomingCall<Owner> extends CallRequest {
  readonly id: CallId;
  /** The size of its frame; of one that shared its message, a fair part of that. */
  readonly bytes: number;
  /**
   * `arrived`: the host has not seen it. `running`: its procedure has it. `settled`: its terminal
   * frame is given.
   */
  state: 'arrived' | 'running' | 'settled';
  /** `undefined` while it has none, and for most calls always. */
  streams: CallStreams | undefined;
  owner: Owner | undefined;
}
