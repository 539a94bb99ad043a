import { malformed, TAGS, type Codec, type Message, type WireFrame } from '@openline/protocol';
import { decodeFrames } from './decode.ts';
import { encodeFrame } from './encode.ts';

/**
 * The binary codec `openline.v1.msgpack`, for `createServer({ codecs: [msgpack] })` and
 * `openLine({ codec: msgpack })`. Beside what JSON has it carries `Uint8Array` (a `Buffer` arrives as
 * one), the other typed arrays, `Date`, `bigint` up to 1,024 bytes, `Map`, `Set`, `NaN` and infinities.
 * All else is as in JSON: `toJSON` is asked, `undefined` members and functions are left out.
 *
 * It throws, where JSON does not, at an invalid `Date`, a member named `__proto__` and values more
 * than 100 deep.
 */
export const msgpack: Codec = {
  name: 'openline.v1.msgpack',
  encode: encodeFrame,
  fits: (frame, bytesMax) => frame.length <= bytesMax,
  join: (frames) => (frames.length === 1 ? (frames[0] as Message) : concat(frames)),
  split: (message) => (typeof message === 'string' ? [rejectOf(message)] : decodeFrames(message)),
  toBytes: (frame) => frame as Uint8Array,
  fromBytes(bytes) {
    const [frame, ...others] = decodeFrames(bytes);
    if (frame === undefined || others.length > 0) throw malformed('frame');
    return frame;
  },
};

function concat(frames: readonly Message[]): Uint8Array {
  let length = 0;
  for (const frame of frames) length += frame.length;
  const message = new Uint8Array(length);
  let at = 0;
  for (const frame of frames as readonly Uint8Array[]) {
    message.set(frame, at);
    at += frame.length;
  }
  return message;
}

/** A server that does not speak this codec says so in JSON. There is no other text. */
function rejectOf(text: string): WireFrame {
  let frames: unknown;
  try {
    frames = JSON.parse(text);
  } catch (cause) {
    throw malformed('JSON', cause);
  }
  const [frame, ...others] = Array.isArray(frames) ? (frames as readonly unknown[]) : [];
  if (!Array.isArray(frame) || frame[0] !== TAGS.reject || others.length > 0) {
    throw malformed('text');
  }
  return frame as WireFrame;
}
