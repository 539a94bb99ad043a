// The import walls of the house: client → protocol ← server. See CONTRIBUTING.md.

const PUBLISHED = '^packages/(?:protocol|transformer|msgpack|server|client|testkit)/src/';
const WS = ['^ws$', '(?:^|/)node_modules/ws/'];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolves',
      comment: 'An import leads to a file or to an installed package.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'protocol-imports-nothing',
      comment: 'No I/O, clock, framework or library: what the protocol needs is an argument.',
      severity: 'error',
      from: { path: '^packages/protocol/src/' },
      to: { pathNot: '^packages/protocol/src/' },
    },
    {
      name: 'transformer-imports-nothing',
      comment: 'It runs wherever JavaScript does: what a platform adds is looked for at run time.',
      severity: 'error',
      from: { path: '^packages/transformer/src/' },
      to: { pathNot: '^packages/transformer/src/' },
    },
    {
      name: 'server-imports-protocol-alone',
      severity: 'error',
      from: { path: '^packages/server/src/' },
      to: { path: '^(?:packages|examples)/', pathNot: '^packages/(?:server|protocol)/src/' },
    },
    {
      name: 'client-imports-protocol-alone',
      severity: 'error',
      from: { path: '^packages/client/src/' },
      to: { path: '^(?:packages|examples)/', pathNot: '^packages/(?:client|protocol)/src/' },
    },
    {
      name: 'msgpack-imports-protocol-alone',
      comment: 'Server and client are given the codec. They do not know it.',
      severity: 'error',
      from: { path: '^packages/msgpack/src/' },
      to: { path: '^(?:packages|examples)/', pathNot: '^packages/(?:msgpack|protocol)/src/' },
    },
    {
      name: 'msgpack-runs-in-browsers',
      severity: 'error',
      from: { path: '^packages/msgpack/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'testkit-imports-what-it-tests',
      comment: 'It runs the packages as they are. They do not know it.',
      severity: 'error',
      from: { path: '^packages/testkit/src/' },
      to: {
        path: '^(?:packages|examples)/',
        pathNot: '^packages/(?:testkit|client|server|protocol)/src/',
      },
    },
    {
      name: 'ws-in-one-file-of-the-server',
      severity: 'error',
      from: { path: '^packages/server/src/', pathNot: '^packages/server/src/transport-ws\\.ts$' },
      to: { path: WS },
    },
    {
      name: 'ws-in-one-file-of-the-client',
      severity: 'error',
      from: { path: '^packages/client/src/', pathNot: '^packages/client/src/websocket-node\\.ts$' },
      to: { path: WS },
    },
    {
      name: 'client-runs-in-browsers',
      comment: 'Only the file behind the "node" condition may know Node.',
      severity: 'error',
      from: { path: '^packages/client/src/', pathNot: '^packages/client/src/websocket-node\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'declared-dependencies',
      comment: 'What is published imports what its package.json promises to install.',
      severity: 'error',
      from: { path: PUBLISHED },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional'],
        dependencyTypesNot: ['npm-peer', 'type-only'],
      },
    },
    {
      name: 'public-entries',
      comment: 'Another package is used through what it exports.',
      severity: 'error',
      from: { path: '^(?:packages|examples)/([^/]+)/' },
      to: { path: '^packages/[^/]+/src/', pathNot: '^packages/(?:$1/|[^/]+/src/index\\.ts$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:packages|examples)/[^/]+/(?:dist|coverage)/' },
    moduleSystems: ['es6'],
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@openline/source', 'node', 'import', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
};
