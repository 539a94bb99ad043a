import { JSON_CODEC } from './constants.ts';
import { malformed } from './errors.ts';

/** What a connection carries: text or bytes. */
export type Message = string | Uint8Array;

/** A frame as the codec sees it: its tag, then its members. */
export type WireFrame = readonly unknown[];

/** UTF-8 both ways. The language has no such function of its own, so the host brings one. */
export interface Utf8 {
  encode(text: string): Uint8Array;
  /** @throws when the bytes are not UTF-8. */
  decode(bytes: Uint8Array): string;
}

/**
 * Frames to messages and back. It keeps no state between frames, so that an encoded frame may be
 * written again, on another connection or to another peer.
 */
export interface Codec {
  /** The WebSocket subprotocol that names it. */
  readonly name: string;
  /** @throws what the encoder throws at a value that it cannot carry, such as a `bigint` in JSON. */
  encode(frame: WireFrame): Message;
  /** Whether the encoded frame fits into one message of so many bytes. */
  fits(frame: Message, bytesMax: number): boolean;
  /** Joins encoded frames into one message. */
  join(frames: readonly Message[]): Message;
  /** @throws FRAME_MALFORMED when the message is not a list of frames. */
  split(message: Message): readonly WireFrame[];
  /** The bytes of an encoded frame, to be sent in pieces. */
  toBytes(frame: Message): Uint8Array;
  /** @throws FRAME_MALFORMED when the bytes are not one frame. */
  fromBytes(bytes: Uint8Array): WireFrame;
}

export function createJsonCodec(utf8: Utf8): Codec {
  return {
    name: JSON_CODEC,
    encode: (frame) => JSON.stringify(frame),
    // A UTF-16 code unit takes at most three bytes of UTF-8; only large frames are measured. Two
    // bytes are the brackets around a frame that goes on its own.
    fits: (frame, bytesMax) =>
      frame.length * 3 + 2 <= bytesMax ||
      (frame.length + 2 <= bytesMax && utf8.encode(frame as string).length + 2 <= bytesMax),
    join: (frames) => `[${frames.join(',')}]`,
    split(message) {
      if (typeof message !== 'string') throw malformed('text');
      return asFrames(parseJson(message));
    },
    toBytes: (frame) => utf8.encode(frame as string),
    fromBytes(bytes) {
      let text: string;
      try {
        text = utf8.decode(bytes);
      } catch (cause) {
        throw malformed('UTF-8', cause);
      }
      return asFrame(parseJson(text));
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed('JSON', cause);
  }
}

function asFrames(value: unknown): readonly WireFrame[] {
  if (!Array.isArray(value)) throw malformed('message');
  for (let i = 0; i < value.length; i++) asFrame(value[i]);
  return value as readonly WireFrame[];
}

function asFrame(value: unknown): WireFrame {
  if (!Array.isArray(value)) throw malformed('frame');
  return value as WireFrame;
}
