/** The one member of what a rich value is in JSON. */
export const RICH_MEMBER = 'openline.v1.msgpack';

/** A value that the transformer was given: this codec carries it as it is, JSON as text. */
export class Rich {
  readonly value: unknown;
  readonly #toText: (value: unknown) => string;

  constructor(value: unknown, toText: (value: unknown) => string) {
    this.value = value;
    this.#toText = toText;
  }

  toJSON(): { readonly [RICH_MEMBER]: string } {
    return { [RICH_MEMBER]: this.#toText(this.value) };
  }
}
