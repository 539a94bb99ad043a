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
export { createServer } from './server.ts';
export type {
  InputOf,
  OutputOf,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './standard-schema.ts';
export type { Codec, Connection, ConnectionHandler, Message } from '@openline/protocol';
