import { CODES, createJsonCodec, type Codec } from '@openline/protocol';
import type { Refusal } from './refusal.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

const JSON_ALWAYS = createJsonCodec({
  encode: (text) => Buffer.from(text),
  decode: (bytes) => decoder.decode(bytes),
});

/** The codecs that a server speaks, by the subprotocols that name them. */
export class Codecs {
  /** Of connections whose client named none, and of the answer to one who named none of these. */
  readonly default: Codec = JSON_ALWAYS;
  readonly #byName = new Map<string, Codec>();

  constructor(others: readonly Codec[] = []) {
    for (const codec of [JSON_ALWAYS, ...others]) this.#byName.set(codec.name, codec);
  }

  get(name: string): Codec | undefined {
    return this.#byName.get(name);
  }

  /** For a client who asks for another one. */
  get refusal(): Refusal {
    return unsupported(`this server speaks ${[...this.#byName.keys()].join(', ')}`);
  }
}

/** For a client who comes back to its session in another codec than the session's own. */
export function otherCodec({ name }: Codec): Refusal {
  return unsupported(`this session speaks ${name}`);
}

function unsupported(message: string): Refusal {
  return { code: CODES.CODEC_UNSUPPORTED, message };
}
