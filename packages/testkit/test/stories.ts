import type { CallStep, Story, StorySettings } from '@openline/testkit';

/** A story of one line and one server, where nothing is said otherwise. */
export function storyOf(steps: Story['steps'], settings: Partial<StorySettings> = {}): Story {
  return {
    seed: 1,
    settings: {
      servers: 1,
      isSticky: true,
      lines: 1,
      isIdentified: false,
      credentialsMs: undefined,
      windowMs: 120_000,
      sessionsMax: 10_000,
      keepAliveMs: 1_000,
      contextMs: 0,
      backlogBytesMax: 1_048_576,
      latencyMs: 1,
      jitterMs: 0,
      bytesPerMs: 10_000,
      ...settings,
    },
    steps: [...steps].sort((a, b) => a.atMs - b.atMs),
  };
}

/** A query without a wait, where nothing is said otherwise. */
export function call(step: Partial<CallStep> = {}): CallStep {
  return {
    type: 'call',
    atMs: 0,
    line: 0,
    procedure: 'ask',
    takesMs: 0,
    items: 0,
    inLength: 0,
    outLength: 0,
    fails: false,
    reading: undefined,
    timeoutMs: undefined,
    abortAfterMs: undefined,
    key: undefined,
    ...step,
  };
}
