import type { AnswerFrame } from './answer.ts';
import type { IncomingCall, OutgoingCall } from './calls.ts';
import type { OpenlineError } from './errors.ts';
import type { Notice } from './notice.ts';
import type { StreamEvent } from './stream.ts';

/** What happened to a call that this side answers. */
export type CalleeEvent<In> =
  | StreamEvent<IncomingCall<In>>
  /** Run it, and give the session exactly one terminal for it. */
  | { readonly kind: 'call'; readonly call: IncomingCall<In> }
  /** The caller gave it up. It keeps its place until it is settled, without an answer by `code`. */
  | {
      readonly kind: 'cancel';
      readonly call: IncomingCall<In>;
      readonly code: 'ABORTED' | 'UNSUPPORTED';
    };

/** What happened to a call that this side made. */
export type CallerEvent<Out> =
  | StreamEvent<OutgoingCall<Out>>
  | {
      readonly kind: 'answer';
      readonly call: OutgoingCall<Out>;
      readonly frame: AnswerFrame;
    }
  /** The input is larger than the other side takes: the call was not sent. */
  | { readonly kind: 'too-large'; readonly call: OutgoingCall<Out> };

/** What a session tells its host. `Out` and `In` are the owners of outgoing and incoming calls. */
export type SessionEvent<Out, In> =
  | CallerEvent<Out>
  | CalleeEvent<In>
  /** An uncounted frame that is the host's to answer. */
  | { readonly kind: 'notice'; readonly frame: Notice }
  /** The session is over, by a fault of either side. */
  | { readonly kind: 'ended'; readonly error: OpenlineError };

/** Where the two sides of a session put their events. */
export interface EventSink<Event> {
  push(event: Event): void;
}
