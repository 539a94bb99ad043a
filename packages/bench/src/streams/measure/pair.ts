import { startChild, type Child } from '../../processes/child.ts';
import type { StreamLoadRole, StreamServerRole } from '../processes/roles.ts';
import { STREAM_SYSTEMS, type StreamSystemName } from '../systems/index.ts';

/** A system under test: its server and its load, in a process each. */
export interface StreamPair {
  readonly system: StreamSystemName;
  readonly url: string;
  readonly server: Child<StreamServerRole>;
  readonly load: Child<StreamLoadRole>;
}

const SERVER_MODULE = new URL('../processes/server.js', import.meta.url);
const LOAD_MODULE = new URL('../processes/load.js', import.meta.url);

export async function startStreamPair(system: StreamSystemName): Promise<StreamPair> {
  const { label } = STREAM_SYSTEMS[system];
  const server = startChild<StreamServerRole>(`the server of ${label}`, SERVER_MODULE);
  const load = startChild<StreamLoadRole>(`the load of ${label}`, LOAD_MODULE);
  try {
    const { url } = await server.ask.serve(system);
    return { system, url, server, load };
  } catch (error) {
    await Promise.all([server.kill(), load.kill()]);
    throw error;
  }
}

export async function killStreamPair({ server, load }: StreamPair): Promise<void> {
  await Promise.all([server.kill(), load.kill()]);
}
