export { callOptions } from './call-options.ts';
export type { CallOptions } from './call-options.ts';
export { isAnswered, lineError, outcomeOf } from './errors.ts';
export { openLine } from './line.ts';
export type {
  Line,
  LineArgs,
  LineOptions,
  LinkArgs,
  ParamsOf,
  RouterOf,
  ServerLike,
} from './options.ts';
export type { LineState } from './state.ts';
export type { Readable } from './store.ts';
export { isGap } from '@openline/protocol';
export type { Codec, Gap, GapCause, LineError, LineErrorCode, Outcome } from '@openline/protocol';
