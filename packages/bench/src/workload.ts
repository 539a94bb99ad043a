import { z } from 'zod';

/**
 * The one call that every system answers: an object is validated and one of the same size comes
 * back, so that what a system adds to the handler is all that differs.
 */
export const Input = z.object({
  room: z.string(),
  id: z.string(),
  text: z.string(),
  count: z.number().int(),
  urgent: z.boolean(),
});
export type Payload = z.infer<typeof Input>;

export const INPUT: Payload = {
  room: 'lobby',
  id: '0b8c6f3e-7a51',
  text: 'the quick brown fox jumps over the lazy dog',
  count: 41,
  urgent: false,
};

/** Not a plain echo: a reply proves that the handler ran on what was parsed. */
export function answer(input: Payload): Payload {
  return {
    room: input.room,
    id: input.id,
    text: input.text,
    count: input.count + 1,
    urgent: input.urgent,
  };
}

const ANSWER: Payload = answer(INPUT);

/** Occurs exactly once in each JSON reply, whatever envelope a protocol puts around it. */
export const REPLY_MARK = `"count":${ANSWER.count}`;

/** Where the systems that have procedures keep the call. */
export const PATH = 'send';

export function isAnswer(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { room, id, text, count, urgent } = value as Partial<Payload>;
  return (
    room === ANSWER.room &&
    id === ANSWER.id &&
    text === ANSWER.text &&
    count === ANSWER.count &&
    urgent === ANSWER.urgent
  );
}
