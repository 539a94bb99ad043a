/*
 * Every error that ends a connection or a session, with its close code (4000 to 4999 is private use,
 * RFC 6455 section 7.4.2). The hundreds of the code tell what the other side may do next: `retryOf`. So
 * a code of a newer peer still says it. The names go over the wire: add, never rename or reuse.
 *
 * Constants of their own rather than one object, so that a bundler puts the numbers where they are used.
 */

/** The application on that side closed its line. */
export const CLOSED = 1000;

/** Nothing was heard from the other side for too long. */
export const PEER_SILENT = 4001;
/** A later connection of the client has the session. */
export const SUPERSEDED = 4009;

/** A fault in that side's own code ended the session. */
export const INTERNAL = 4300;
/** What the client said of itself has expired. */
export const CREDENTIALS_EXPIRED = 4301;
/** A counted frame was due and another one came, or more was acknowledged than was sent. */
export const SEQUENCE_BROKEN = 4309;
/** No such session here: unknown, expired, or not this client's. */
export const SESSION_GONE = 4310;
/** The other side exceeded a limit that this side had stated. */
export const LIMIT_EXCEEDED = 4313;

/** A message that the protocol does not define. */
export const FRAME_MALFORMED = 4400;
/** The application refused the client. */
export const REJECTED = 4401;
/** The application ended the session. */
export const SESSION_ENDED = 4403;
/** The codec that was asked for is not spoken here. */
export const CODEC_UNSUPPORTED = 4415;
/** The version that was asked for is not spoken here. */
export const VERSION_UNSUPPORTED = 4426;

/** The server leaves. */
export const GOING_AWAY = 4501;
/** What answered first was no Openline server. */
export const NOT_OPENLINE = 4502;
/** The server has as many connections as it takes. */
export const TOO_MANY = 4503;
/** The application could not decide on the client now. */
export const UNAVAILABLE = 4504;
/** No `hello` came, or it was not answered, in time. */
export const HANDSHAKE_LATE = 4508;
