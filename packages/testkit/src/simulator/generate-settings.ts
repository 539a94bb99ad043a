import type { Random } from '../random.ts';
import type { StorySettings } from './story.ts';

export function generateSettings(random: Random): StorySettings {
  const servers = random.pick([1, 1, 2]);
  const isIdentified = random.chance(50);
  return {
    servers,
    isSticky: random.chance(70),
    lines: random.pick([1, 1, 2]),
    isIdentified,
    credentialsMs: isIdentified && random.chance(50) ? random.pick([5_000, 5_000, 500]) : undefined,
    windowMs: random.pick([120_000, 120_000, 10_000, 1_000, 1_000, 100]),
    sessionsMax: random.pick([10_000, 10_000, 10_000, 0]),
    keepAliveMs: random.pick([1_000, 1_000, 4_000]),
    contextMs: random.pick([0, 0, 1, 40, 400]),
    backlogBytesMax: random.pick([1_048_576, 65_536]),
    latencyMs: random.pick([1, 5, 20, 80]),
    jitterMs: random.pick([0, 0, 5, 60]),
    bytesPerMs: random.pick([100_000, 10_000, 10_000, 100]),
  };
}
