import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BEFORE_VARIABLE } from './before-variable.ts';
import { createOpenline } from './openline.ts';

async function load<T>(name: string): Promise<T> {
  const checkout = process.env[BEFORE_VARIABLE];
  if (checkout === undefined) throw new Error('--before says which checkout that is');
  const file = join(checkout, 'packages', name, 'dist', 'index.js');
  return (await import(pathToFileURL(file).href)) as T;
}

/** Openline as another checkout has it, built there: what a change is measured against. */
export const system = createOpenline(
  await load<typeof import('@openline/server')>('server'),
  await load<typeof import('@openline/client')>('client'),
);
