// What a page pays for the client beside @trpc/client, which it has anyway. The goal is 10 kB, and is
// missed: docs/decisions/6-client-size.md.

/** Fails the build where something would bring Node's socket into a page. */
const browsersOnly = {
  name: 'browsers-only',
  setup(build) {
    build.onResolve({ filter: /^(?:ws|node:.+)$/ }, ({ path, importer }) => ({
      errors: [{ text: `${importer} brings "${path}" into the browser build.` }],
    }));
  },
};

export default [
  {
    name: 'the client, in a browser',
    path: 'dist/index.js',
    import: '{ openLine, callOptions, lineError, outcomeOf, isAnswered }',
    ignore: ['@trpc/client', '@trpc/server'],
    gzip: true,
    limit: '15.09 kB',
    modifyEsbuildConfig: (config) => ({
      ...config,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      plugins: [...(config.plugins ?? []), browsersOnly],
    }),
  },
];
