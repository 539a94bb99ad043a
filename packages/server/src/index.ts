export { buffer } from './buffer.ts';
export type { BufferOptions } from './buffer.ts';
export type { Overflow } from './buffer-overflow.ts';
export type {
  AttachOptions,
  ConnectionInfo,
  ContextOptions,
  DrainOptions,
  ErrorReport,
  IdentityOptions,
  ListenOptions,
  ResumeOptions,
  Server,
  ServerOptions,
  Session,
  SessionLimits,
} from './options.ts';
export { memoryJournal } from './journal.ts';
export type {
  Begun,
  Journal,
  JournalEntry,
  MemoryJournalOptions,
  RecordedOutcome,
} from './journal.ts';
export { once } from './once.ts';
export type { OpenlineMeta } from './once.ts';
export { each, isStreamInput, stream, streams } from './input-streams.ts';
export type { StreamInput } from './input-streams.ts';
export { createServer } from './server.ts';
export type {
  InputOf,
  OutputOf,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './standard-schema.ts';
export { isGap } from '@openline/protocol';
export type {
  Codec,
  Connection,
  ConnectionHandler,
  Gap,
  GapCause,
  Message,
} from '@openline/protocol';
