import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a page loads for a module, minified and by gzip, in bytes. */
export async function pageBytes(source: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    ...{ bundle: true, minify: true, write: false, logLevel: 'error' },
    ...{ format: 'esm', platform: 'browser', target: 'es2022' },
  });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}
