import type { LeanConversation } from '../systems/system.ts';
import { isAnswer, REPLY_MARK } from '../workload.ts';

/** Without parsing: a parse of all replies would make the load the slower side. */
export function countReplies(message: Buffer): number {
  const text = message.toString('latin1');
  let count = 0;
  let at = text.indexOf(REPLY_MARK);
  while (at !== -1) {
    count++;
    at = text.indexOf(REPLY_MARK, at + REPLY_MARK.length);
  }
  return count;
}

/** Reads the replies of one connection in full. */
export class ReplyChecker {
  readonly #conversation: LeanConversation;
  readonly #seen = new Set<number>();

  constructor(conversation: LeanConversation) {
    this.#conversation = conversation;
  }

  /** @throws when a reply is an error, not the answer, or the second one to its call. */
  check(message: Buffer, counted: number): void {
    const replies = this.#conversation.replies(message);
    if (replies.length !== counted) {
      throw new Error(`${replies.length} replies where ${counted} were counted`);
    }
    for (const { id, value } of replies) {
      if (!isAnswer(value)) throw new Error(`the reply to call ${id} is not its answer`);
      if (this.#seen.has(id)) throw new Error(`call ${id} was answered twice`);
      this.#seen.add(id);
    }
  }
}
