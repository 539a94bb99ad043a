import type { LoadRole, ServerRole } from '../processes/roles.ts';
import { startChild, type Child } from '../processes/child.ts';
import { SYSTEMS, type SystemName } from '../systems/index.ts';

/** A system under test: its server and its load, in a process each. */
export interface Pair {
  readonly system: SystemName;
  readonly server: Child<ServerRole> & { readonly url: string };
  readonly load: Child<LoadRole>;
}

const SERVER_MODULE = new URL('../processes/server.js', import.meta.url);
const LOAD_MODULE = new URL('../processes/load.js', import.meta.url);

export async function startPair(system: SystemName): Promise<Pair> {
  const { label } = SYSTEMS[system];
  const server = startChild<ServerRole>(`the server of ${label}`, SERVER_MODULE);
  const load = startChild<LoadRole>(`the load of ${label}`, LOAD_MODULE);
  try {
    const { url } = await server.ask.serve(system);
    return { system, server: { ...server, url }, load };
  } catch (error) {
    await Promise.all([server.kill(), load.kill()]);
    throw error;
  }
}

export async function killPair({ server, load }: Pair): Promise<void> {
  await Promise.all([server.kill(), load.kill()]);
}
