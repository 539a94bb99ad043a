export { Callee } from './callee.ts';
export type { Caller } from './caller.ts';
export type { CallRequest, IncomingCall, OutgoingCall } from './calls.ts';
export { createJsonCodec, JSON_CODEC } from './codec.ts';
export type { Codec, Message, Utf8, WireFrame } from './codec.ts';
export { CLOSE_REASON_BYTES_MAX, cutReason } from './connection.ts';
export type { Connection, ConnectionHandler } from './connection.ts';
export { Driver, HIGH_WATER_BYTES } from './driver.ts';
export type { DriverHost } from './driver.ts';
export { CLOSE_CODES, isErrorCode, OpenlineError, retryOf } from './errors.ts';
export type { ErrorCode, Retry } from './errors.ts';
export type { CalleeEvent, CallerEvent, SessionEvent } from './event.ts';
export { goawayFrame, parseFrame } from './frame.ts';
export * as TAGS from './tags.ts';
export type { AnswerFrame, CallId, CallKind, CallOptions, Frame } from './frame.ts';
export {
  encodeHello,
  encodeReject,
  encodeWelcome,
  parseAnswer,
  parseHello,
  PROTOCOL_VERSION,
} from './handshake.ts';
export type { Hello, Reject, Welcome } from './handshake.ts';
export {
  CLIENT_LIMITS,
  HELLO_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PARKED_BYTES_MAX,
  SERVER_LIMITS,
} from './limits.ts';
export type { Limits } from './limits.ts';
export { CALL_ERRORS, isCallErrorCode } from './outcome.ts';
export type { CallErrorCode, LineError, LineErrorCode, Outcome } from './outcome.ts';
export { Session } from './session.ts';
export type { Agreement, SessionOptions } from './session.ts';
