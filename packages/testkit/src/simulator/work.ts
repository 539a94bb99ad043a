import { TRPCError } from '@trpc/server';
import type { Reading } from './story.ts';

/** What every procedure of the workload takes. */
export interface WorkInput {
  /** Names the call. */
  readonly n: number;
  readonly takesMs: number;
  readonly items: number;
  readonly fails: boolean;
  readonly outLength: number;
  readonly pad: string;
  readonly reading: Reading | undefined;
  readonly lastEventId?: string | undefined;
}

/** What every procedure gives: for a stream, in each item. */
export interface WorkOutput {
  readonly n: number;
  /** Of an item: its place, from 1; else 0. */
  readonly i: number;
  readonly pad: string;
}

const CODE = 'CONFLICT';
const ABORTED = 'the signal has aborted';

/** Whether an error is one of those that the workload means to happen. */
export function isMeant(error: TRPCError): boolean {
  return error.code === CODE || error.message === ABORTED;
}

/** What fails by its story fails with this. */
export function failureOf({ n }: { readonly n: number }): TRPCError {
  return new TRPCError({ code: CODE, message: `${n} fails` });
}

/** Text that tells of which call it is. Some of it takes more bytes than characters. */
export function padOf(n: number, length: number): string {
  if (length === 0) return '';
  return `${n}:é🙂`.repeat(Math.ceil(length / 5));
}

export function outputOf({ n, outLength }: WorkInput, i: number): WorkOutput {
  return { n, i, pad: padOf(n, outLength) };
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(new TRPCError({ code: 'CLIENT_CLOSED_REQUEST', message: ABORTED }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
