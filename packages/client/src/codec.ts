import { createJsonCodec, type Codec } from '@openline/protocol';
import { refuseLoss } from './losses.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

const json = createJsonCodec({
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
});

/** Spoken unless the line is given another. */
export const JSON_ONLY: Codec = {
  ...json,
  encode(frame) {
    const text = json.encode(frame) as string;
    // A look at the text costs next to nothing, and most has no empty object.
    if (text.includes('{}')) JSON.stringify(frame, refuseLoss);
    return text;
  },
};
