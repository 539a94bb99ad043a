export { Callee } from './callee.ts';
export type { Caller } from './caller.ts';
export type { AnswerFrame } from './answer.ts';
export type { IncomingCall, OutgoingCall } from './calls.ts';
export * as CODES from './close-codes.ts';
// One by one as well: a bundler does not look into a namespace of another package.
export { CLOSED, LIMIT_EXCEEDED, SESSION_GONE } from './close-codes.ts';
export { createJsonCodec } from './codec.ts';
export type { Codec, Message, Utf8, WireFrame } from './codec.ts';
export { CLOSE_REASON_BYTES_MAX, cutReason } from './connection.ts';
export type { Connection, ConnectionHandler } from './connection.ts';
export { Driver } from './driver.ts';
export type { DriverHost } from './driver.ts';
export { malformed, nameOf, OpenlineError, retryOf } from './errors.ts';
export type { ErrorCode, ErrorName, Retry } from './errors.ts';
export type { CalleeEvent, CallerEvent, SessionEvent } from './event.ts';
export type { CallId } from './frame.ts';
export { isGap } from './gap.ts';
export type { Gap, GapCause } from './gap.ts';
export { goawayFrame, paramsFrame, renewedFrame, RENEW_FRAME } from './notice.ts';
export type { ClientNotice, Notice, ServerNotice } from './notice.ts';
export type { Again, CallKind, CallOptions, CallRequest } from './request.ts';
export { CLIENT, SERVER } from './role.ts';
export type { Role } from './role.ts';
export * as TAGS from './tags.ts';
export { encodeHello, encodeReject, encodeWelcome, parseAnswer, parseHello } from './handshake.ts';
export type { Hello, Reject, Welcome } from './handshake.ts';
export {
  HELLO_BYTES_MAX,
  HIGH_WATER_BYTES,
  KEY_LENGTH_MAX,
  JSON_CODEC,
  MESSAGE_BYTES_MAX,
  MESSAGE_TOO_BIG,
  PARKED_BYTES_MAX,
  PROTOCOL_VERSION,
} from './constants.ts';
export { CLIENT_LIMITS, SERVER_LIMITS } from './limits.ts';
export type { Limits } from './limits.ts';
export { CALL_ERRORS, isCallErrorCode } from './outcome.ts';
export type { CallErrorCode, LineError, LineErrorCode, Outcome } from './outcome.ts';
export { Session } from './session.ts';
export type { Agreement, SessionOptions } from './session.ts';
export { isStreamSource, placeStreams, takeStreams } from './payload.ts';
export type { ReadableStreamLike, StreamSource, TakenStream } from './payload.ts';
export { StreamEnds } from './ends.ts';
export type { EndsHost } from './ends.ts';
export { StreamReader } from './reader.ts';
export { inputFrame } from './stream.ts';
export type { StreamEvent, StreamItem, StreamNews, StreamPath } from './stream.ts';
export type { Streams } from './streams.ts';
