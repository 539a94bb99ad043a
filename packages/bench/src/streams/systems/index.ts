import { SYSTEMS } from '../../systems/index.ts';
import type { StreamSystem } from './system.ts';

interface Entry {
  readonly label: string;
  /** Whether a client can send a stream. */
  readonly uploads: boolean;
  readonly load: () => Promise<{ readonly system: StreamSystem }>;
}

/** Each is loaded only in the processes that need it. */
export const STREAM_SYSTEMS = {
  'trpc-ws': {
    label: SYSTEMS['trpc-ws'].label,
    uploads: false,
    load: () => import('./trpc-ws.ts'),
  },
  openline: {
    label: SYSTEMS.openline.label,
    uploads: true,
    load: () => import('./openline.ts'),
  },
} as const satisfies Record<string, Entry>;

export type StreamSystemName = keyof typeof STREAM_SYSTEMS;
export const STREAM_SYSTEM_NAMES = Object.keys(STREAM_SYSTEMS) as StreamSystemName[];

export function isStreamSystemName(value: string): value is StreamSystemName {
  return Object.hasOwn(STREAM_SYSTEMS, value);
}

export async function loadStreamSystem(name: StreamSystemName): Promise<StreamSystem> {
  const { system } = await STREAM_SYSTEMS[name].load();
  return system;
}
