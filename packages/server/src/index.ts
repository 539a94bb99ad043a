export type {
  AttachOptions,
  ConnectionInfo,
  ContextOptions,
  ErrorReport,
  ListenOptions,
  Server,
  ServerOptions,
  Session,
  SessionLimits,
} from './options.ts';
export { createServer } from './server.ts';
export type {
  InputOf,
  OutputOf,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './standard-schema.ts';
export type { Connection, ConnectionHandler, Message } from '@openline/protocol';
