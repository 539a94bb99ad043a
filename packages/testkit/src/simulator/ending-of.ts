import { lineError, outcomeOf } from '@openline/client';
import type { Ending } from './history.ts';

export function endingOf(error: unknown): Ending {
  const known = lineError(error);
  return {
    kind: 'error',
    outcome: outcomeOf(error),
    code: known?.code,
    message: error instanceof Error ? error.message : 'no error',
  };
}
