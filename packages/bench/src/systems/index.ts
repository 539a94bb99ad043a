import type { System } from './system.ts';

export interface SystemEntry {
  readonly label: string;
  /** Packages whose versions say which system this was. */
  readonly packages: readonly string[];
  readonly load: () => Promise<{ readonly system: System }>;
}

/**
 * Everything that can be compared, loaded only in the process that needs it: what one system
 * imports must not lie in the memory of another.
 */
export const SYSTEMS = {
  'raw-ws': {
    label: 'raw ws',
    packages: ['ws', 'zod'],
    load: () => import('./raw-ws.ts'),
  },
  'raw-ws-joined': {
    label: 'raw ws, joined',
    packages: ['ws', 'zod'],
    load: () => import('./raw-ws-joined.ts'),
  },
  'trpc-ws': {
    label: 'stock tRPC',
    packages: ['@trpc/server', '@trpc/client', 'ws', 'zod'],
    load: () => import('./trpc-ws.ts'),
  },
  openline: {
    label: 'Openline',
    packages: ['@openline/server', '@openline/client', '@trpc/server', '@trpc/client', 'ws', 'zod'],
    load: () => import('./openline.ts'),
  },
  'openline-before': {
    label: 'Openline before',
    packages: [],
    load: () => import('./openline-before.ts'),
  },
} as const satisfies Record<string, SystemEntry>;

export type SystemName = keyof typeof SYSTEMS;
export const SYSTEM_NAMES = Object.keys(SYSTEMS) as SystemName[];

/** Those that every machine has. */
export const STANDARD_SYSTEMS = SYSTEM_NAMES.filter((name) => name !== 'openline-before');

/** What the ratios of the report are against, where it was measured. */
export const BASELINES = [
  'raw-ws',
  'trpc-ws',
  'openline-before',
] as const satisfies readonly SystemName[];

export function isSystemName(value: string): value is SystemName {
  return Object.hasOwn(SYSTEMS, value);
}

export async function loadSystem(name: SystemName): Promise<System> {
  const { system } = await SYSTEMS[name].load();
  return system;
}
