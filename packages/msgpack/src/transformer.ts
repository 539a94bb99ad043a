import { malformed } from '@openline/protocol';
import { decodeFrames } from './decode.ts';
import { encodeFrame } from './encode.ts';
import { Rich, RICH_MEMBER } from './rich.ts';

/** What tRPC takes as a transformer. */
export interface Transformer {
  serialize(value: unknown): unknown;
  deserialize(value: unknown): unknown;
}

/**
 * For `initTRPC.create({ transformer })` and `line.client({ transformer })`: with it the types say
 * what the codec carries, such as `Uint8Array`, `Date` and `bigint`. Over `openline.v1.msgpack` values
 * go as they are. Over JSON, also with tRPC's own links, they go as base64 of the same encoding.
 */
export const msgpackTransformer: Transformer = {
  serialize: (value) => (value === undefined ? undefined : new Rich(value, toText)),
  deserialize: (value) => (isText(value) ? fromText(value[RICH_MEMBER]) : value),
};

function toText(value: unknown): string {
  const bytes = encodeFrame([value]);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @throws FRAME_MALFORMED */
function fromText(text: string): unknown {
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw malformed('base64', cause);
  }
  const [frame, ...others] = decodeFrames(
    Uint8Array.from(binary, (letter) => letter.charCodeAt(0)),
  );
  if (frame?.length !== 1 || others.length > 0) throw malformed('value');
  return frame[0];
}

function isText(value: unknown): value is { readonly [RICH_MEMBER]: string } {
  if (typeof value !== 'object' || value === null) return false;
  const [key, ...others] = Object.keys(value);
  return (
    key === RICH_MEMBER &&
    others.length === 0 &&
    typeof (value as Record<string, unknown>)[key] === 'string'
  );
}
