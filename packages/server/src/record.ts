import { JSON_CODEC, type Codec } from '@openline/protocol';
import type { Codecs } from './codecs.ts';

/*
 * What a journal keeps of a payload is text: JSON, or the name of another codec and base64 of what that
 * makes of it, so that nothing is lost that JSON cannot say. No JSON begins so.
 */

/** @throws what the codec throws at the payload. */
export function writeRecord(codec: Codec, payload: unknown): string | undefined {
  if (payload === undefined) return undefined;
  if (codec.name === JSON_CODEC) return JSON.stringify(payload);
  const bytes = codec.toBytes(codec.encode([payload]));
  return `${codec.name}:${Buffer.from(bytes).toString('base64')}`;
}

/** @throws a `TypeError` where it is of a codec that is not spoken here, and what the codec throws. */
export function readRecord(codecs: Pick<Codecs, 'get'>, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  const name = text.slice(0, colon);
  if (!/^[a-z][\w.-]*$/.test(name)) return JSON.parse(text);
  const codec = codecs.get(name);
  if (codec === undefined) throw new TypeError(`the record is in ${name}`);
  return codec.fromBytes(Buffer.from(text.slice(colon + 1), 'base64'))[0];
}
