import type { BulkRequest } from '../systems/system.ts';

/** Makes small calls, and beside them asks for something large on the same connection. */
export interface Caller {
  /** @throws when the reply is not the answer. */
  call(): Promise<void>;
  /** Resolves when all of it has come; rejects when it is wrong. */
  bulk(request: BulkRequest): Promise<void>;
  close(): Promise<void>;
}
