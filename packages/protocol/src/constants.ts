/*
 * Constants of their own in a module that imports nothing: so a bundler puts the numbers where they
 * are used.
 */

/** The version of the protocol that this package speaks. */
export const PROTOCOL_VERSION = 1;
/** Frames with a tag from here on are counted, whether the receiver knows the tag or not. */
export const FIRST_COUNTED_TAG = 32;
/** Names the codec of JSON in the WebSocket subprotocol. */
export const JSON_CODEC = 'openline.v1.json';
/**
 * The close code of a message that is larger than whoever read it takes: the other side, or a proxy
 * between (RFC 6455 section 7.4.1).
 */
export const MESSAGE_TOO_BIG = 1009;

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
/** Credits that the writer of a stream has before anything is granted. */
export const STREAM_WINDOW = 16;
/** Most credits that a reader keeps granted ahead of what it has consumed. */
export const STREAM_WINDOW_MAX = 16_384;
/** A reader widens its window while items of their usual size would fill at most this, in bytes. */
export const STREAM_WINDOW_BYTES_MAX = 1_048_576;
/** Streams that an input, or what a procedure returns, may hold. */
export const STREAMS_MAX = 32;
/** How deep in a payload a stream may be. */
export const STREAM_DEPTH_MAX = 32;
/** Calls that are remembered since they ended before what their inputs bring. */
export const CUT_SHORT_MAX = 1_024;
/** Frames of flow control that go in one message. */
export const FLOW_FRAMES_MAX = 512;
/** Longest path of a procedure, in UTF-16 code units. */
export const PATH_LENGTH_MAX = 1_024;
/** Longest name of a client, a node or a journal, in UTF-16 code units. */
export const NAME_LENGTH_MAX = 128;
/** A connection with this much unsent gets nothing more until it has drained, in bytes. */
export const HIGH_WATER_BYTES = 131_072;
/** Intervals of silence, each with a ping unanswered, after which a connection is given up. */
export const MISSES_MAX = 3;

/** Longest idempotency key, in UTF-16 code units. */
export const KEY_LENGTH_MAX = 256;
