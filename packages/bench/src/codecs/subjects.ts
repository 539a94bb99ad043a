import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack';
import { msgpack } from '@openline/msgpack';
import { Encoder as CborX } from 'cbor-x';
import * as cborg from 'cborg';
import { Packr } from 'msgpackr';
import * as notepack from 'notepack.io';
import superjson from 'superjson';
import type { Frame } from './frames.ts';

/** What is compared: frames to the bytes that a socket carries, and back. */
export interface Subject {
  readonly name: string;
  /** What a page bundles for it; none where it is there anyway. */
  readonly page?: string;
  readonly encode: (frame: Frame) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

function text(write: (frame: Frame) => string, read: (text: string) => unknown) {
  return {
    encode: (frame: Frame) => Buffer.from(write(frame)),
    decode: (bytes: Uint8Array) =>
      read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()),
  };
}

function packr(options: { readonly useRecords: boolean }) {
  const packer = new Packr({ ...options, moreTypes: true });
  return {
    encode: (frame: Frame): Uint8Array => packer.pack(frame),
    decode: (bytes: Uint8Array): unknown => packer.unpack(bytes),
  };
}

/** As small as it can be, and without any check. */
function bareMsgpack() {
  const extensionCodec = new ExtensionCodec();
  const options = { extensionCodec, ignoreUndefined: true };
  extensionCodec.register({
    type: 1,
    encode: (it) => (typeof it === 'bigint' ? Buffer.from(it.toString(16)) : null),
    decode: (data) => BigInt(`0x${Buffer.from(data).toString()}`),
  });
  extensionCodec.register({
    type: 2,
    encode: (it) => (it instanceof Map ? new Encoder(options).encode([...it]) : null),
    decode: (data) => new Map(new Decoder(options).decode(data) as [unknown, unknown][]),
  });
  extensionCodec.register({
    type: 3,
    encode: (it) => (it instanceof Float64Array ? new Uint8Array(it.buffer) : null),
    decode: (data) => new Float64Array(data.slice().buffer),
  });
  const encoder = new Encoder(options);
  const decoder = new Decoder(options);
  return {
    encode: (frame: Frame) => encoder.encode(frame),
    decode: (bytes: Uint8Array) => decoder.decode(bytes),
  };
}

const cbor = new CborX({ useRecords: false, mapsAsObjects: true, tagUint8Array: false });

export const SUBJECTS: readonly Subject[] = [
  {
    name: 'JSON',
    ...text(
      (frame) => JSON.stringify(frame),
      (it) => JSON.parse(it) as unknown,
    ),
  },
  {
    name: 'JSON by superjson',
    page: `export { default } from 'superjson'`,
    ...text(superjson.stringify, superjson.parse),
  },
  {
    name: '@openline/msgpack',
    page: `export { msgpack } from '@openline/msgpack'`,
    encode: (frame) => msgpack.toBytes(msgpack.encode(frame)),
    decode: (bytes) => msgpack.fromBytes(bytes),
  },
  {
    name: '@msgpack/msgpack, no checks',
    page: `export { Encoder, Decoder, ExtensionCodec } from '@msgpack/msgpack'`,
    ...bareMsgpack(),
  },
  { name: 'msgpackr', page: `export { Packr } from 'msgpackr'`, ...packr({ useRecords: false }) },
  {
    name: 'msgpackr, records per message',
    page: `export { Packr } from 'msgpackr'`,
    ...packr({ useRecords: true }),
  },
  {
    name: 'cbor-x',
    page: `export { Encoder } from 'cbor-x'`,
    encode: (frame) => cbor.encode(frame),
    decode: (bytes) => cbor.decode(bytes) as unknown,
  },
  {
    name: 'cborg',
    page: `export { encode, decode } from 'cborg'`,
    encode: (frame) => cborg.encode(frame),
    decode: (bytes) => cborg.decode(bytes) as unknown,
  },
  {
    name: 'notepack.io',
    page: `export { encode, decode } from 'notepack.io'`,
    encode: (frame) => notepack.encode(frame),
    decode: (bytes) => notepack.decode(bytes) as unknown,
  },
];
