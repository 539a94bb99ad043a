import { msgpack } from '@openline/msgpack';
import type { Codec } from '@openline/protocol';

/** What a server is given beside JSON, and a line instead of it. */
export const CODECS: Readonly<Record<CodecName, readonly Codec[]>> = {
  JSON: [],
  MessagePack: [msgpack],
};
export type CodecName = 'JSON' | 'MessagePack';
export const CODEC_NAMES: readonly CodecName[] = ['JSON', 'MessagePack'];
