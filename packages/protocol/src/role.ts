import { parseClientNotice, parseServerNotice, type Notice, type ParseNotice } from './notice.ts';

/** What sets the two sides of a session apart. */
export interface Role {
  /** The id of its first call: each side has a parity of its own. */
  readonly firstId: 1 | 2;
  /** Reads what the other side's host says. */
  readonly parseNotice: ParseNotice<Notice>;
}

export const CLIENT: Role = { firstId: 1, parseNotice: parseServerNotice };
export const SERVER: Role = { firstId: 2, parseNotice: parseClientNotice };
