import { createJsonCodec, type Codec } from '@openline/protocol';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Spoken unless the line is given another. */
export const JSON_ONLY: Codec = createJsonCodec({
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
});
