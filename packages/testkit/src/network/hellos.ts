import { createJsonCodec, parseHello, TAGS, type Message } from '@openline/protocol';

const codec = createJsonCodec({
  encode: (text) => Buffer.from(text),
  decode: (bytes) => Buffer.from(bytes).toString(),
});
const BEGINNING = `[[${TAGS.hello},`;

/** Which of a client's hellos: the latest, or the one that made its latest session. */
export type Which = 'first' | 'last';

/** The hellos that clients have said, for those who say them again. */
export class Hellos {
  readonly #first = new Map<number, Message>();
  readonly #last = new Map<number, Message>();

  said(client: number, message: Message): void {
    if (typeof message !== 'string' || !message.startsWith(BEGINNING)) return;
    if (parseHello(codec, message).attempt === 1) this.#first.set(client, message);
    this.#last.set(client, message);
  }

  get(client: number, which: Which): Message | undefined {
    return (which === 'first' ? this.#first : this.#last).get(client);
  }
}

/** How the answer to a hello begins: it is taken, or refused. */
export function isWelcome(answer: Message): boolean {
  return typeof answer === 'string' && answer.startsWith(`[[${TAGS.welcome},`);
}
