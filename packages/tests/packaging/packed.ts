import { NODE_PACKAGE, oldestNode } from '../src/oldest-node.ts';

/** The packages that are published, by their folder. */
export const PUBLISHED = [
  'protocol',
  'transformer',
  'msgpack',
  'server',
  'client',
  'testkit',
] as const;

/**
 * The Nodes that a packed project is run on, by the names under which it has them installed. Their
 * packages hold the binary itself, where the package `node` would fetch it in an install script.
 */
export const NODES = {
  'node-oldest': `npm:${NODE_PACKAGE}@20.19.0`,
  'node-newest': `npm:${NODE_PACKAGE}@latest`,
} as const;

export function isInstalled(node: keyof typeof NODES): boolean {
  return node === 'node-newest' || oldestNode.isThere;
}

/** How one of the packages is packed: what the guide tells people to do. */
export function packCommand(name: string, destination: string): readonly string[] {
  return [
    'npx',
    '-y',
    'pnpm@12',
    '-C',
    `packages/${name}`,
    'pack',
    '--pack-destination',
    destination,
  ];
}

/** What the set-up made. */
export interface Packed {
  /** The file of each published package. */
  readonly tarballs: Readonly<Record<string, string>>;
  /** A project that has them installed. */
  readonly project: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly packed: Packed;
  }
}
