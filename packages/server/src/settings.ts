import { MESSAGE_BYTES_MAX, SERVER_LIMITS } from '@openline/protocol';
import type { DrainOptions, PlainServerOptions, ResumeOptions, SessionLimits } from './options.ts';

/** The options of a server that are numbers, with their defaults. */
export interface Settings {
  readonly connectionsMax: number;
  readonly handshakeTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly limits: SessionLimits;
  readonly resume: ResumeSettings;
}

export type ResumeSettings = { readonly [K in keyof ResumeOptions]-?: number };

type NumberOptions = Pick<
  PlainServerOptions<never, never>,
  'connectionsMax' | 'handshakeTimeoutMs' | 'keepAliveMs' | 'limits' | 'resume'
>;

/** @throws a `RangeError` that names an option which is out of its range. */
export function settingsOf(options: NumberOptions): Settings {
  const { connectionsMax = 10_000, handshakeTimeoutMs = 10_000, keepAliveMs = 10_000 } = options;
  const {
    payloadBytesMax = SERVER_LIMITS.payloadBytesMax,
    callsMax = SERVER_LIMITS.callsMax,
    backlogBytesMax = SERVER_LIMITS.backlogBytesMax,
    sessionBytesMax = 128 * 1_048_576,
  } = options.limits ?? {};
  return {
    connectionsMax: atLeast(1, { connectionsMax }),
    handshakeTimeoutMs: atLeast(1, { handshakeTimeoutMs }),
    keepAliveMs: integerAtLeast(100, { keepAliveMs }),
    limits: {
      payloadBytesMax: integerAtLeast(MESSAGE_BYTES_MAX, { payloadBytesMax }),
      callsMax: integerAtLeast(1, { callsMax }),
      backlogBytesMax: integerAtLeast(MESSAGE_BYTES_MAX, { backlogBytesMax }),
      sessionBytesMax: atLeast(backlogBytesMax, { sessionBytesMax }),
    },
    resume: resumeSettingsOf(options.resume),
  };
}

function resumeSettingsOf(options: ResumeOptions = {}): ResumeSettings {
  const { windowMs = 120_000, sessionsMax = 10_000, sessionsPerIdentityMax = 100 } = options;
  const { bytesMax = 256 * 1_048_576, resumesPerSecondMax = 2_000 } = options;
  const { onceRunsMax = 10_000, onceRunsPerIdentityMax = 100 } = options;
  return {
    windowMs: integerAtLeast(0, { windowMs }),
    sessionsMax: atLeast(0, { sessionsMax }),
    sessionsPerIdentityMax: atLeast(0, { sessionsPerIdentityMax }),
    bytesMax: atLeast(0, { bytesMax }),
    resumesPerSecondMax: atLeast(1, { resumesPerSecondMax }),
    onceRunsMax: atLeast(1, { onceRunsMax }),
    onceRunsPerIdentityMax: atLeast(1, { onceRunsPerIdentityMax }),
  };
}

export function drainSettingsOf(options: DrainOptions): {
  readonly timeoutMs: number;
  readonly spreadMs: number | undefined;
} {
  const { timeoutMs = 10_000, spreadMs } = options;
  return {
    timeoutMs: atLeast(0, { timeoutMs }),
    spreadMs: spreadMs === undefined ? undefined : integerAtLeast(0, { spreadMs }),
  };
}

/** One number under its name. */
type Named = Readonly<Record<string, number>>;

function atLeast(min: number, named: Named): number {
  const [name, value] = Object.entries(named)[0] as [string, unknown];
  if (typeof value === 'number' && value >= min) return value;
  throw new RangeError(`${name} is a number of at least ${min}`);
}

/** For what is told to clients, too. */
function integerAtLeast(min: number, named: Named): number {
  const value = atLeast(min, named);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${Object.keys(named)[0]} is an integer`);
}
