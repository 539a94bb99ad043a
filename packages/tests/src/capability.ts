/** Something that a test needs and that not every machine has. */
export interface Capability {
  /** As in "a Chromium". */
  readonly name: string;
  readonly isThere: boolean;
  /** One sentence that says how to have it. */
  readonly howToHave: string;
}

/** The line that says what is skipped for want of it, and how to have it. */
export function skipLine({ name, howToHave }: Capability): string {
  return `SKIPPED what needs ${name}: this machine has none. ${howToHave}`;
}
