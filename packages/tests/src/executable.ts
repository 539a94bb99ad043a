import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first program in the `PATH` that has one of the names, else the first of the places. */
export function findExecutable(
  names: readonly string[],
  places: readonly string[] = [],
): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const inPath = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...inPath, ...places].find(isExecutable);
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
