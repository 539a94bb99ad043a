import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { haproxyFile } from '../src/haproxy.ts';
import { freePort } from './client-support.ts';
import { eventually } from './server-support.ts';

/** The columns of `show stat` that hold a server's name and its state, from 0. */
const NAME_COLUMN = 1;
const STATUS_COLUMN = 17;

/** An HAProxy of the test's own before some nodes: one that says it leaves gets nothing new. */
export class HaProxy {
  readonly url: string;
  readonly #statsSocket: string;

  /** Resolves when it takes connections and all nodes are up. */
  static async before(ports: Readonly<Record<string, number>>): Promise<HaProxy> {
    if (haproxyFile === undefined) throw new Error('there is no HAProxy');
    const folder = await mkdtemp(join(tmpdir(), 'openline-haproxy-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [port, file, statsSocket] = [
      await freePort(),
      join(folder, 'haproxy.cfg'),
      join(folder, 'stats'),
    ];
    await writeFile(file, configurationOf(port, statsSocket, ports));
    const child = spawn(haproxyFile, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    const complaint = text(child.stderr);
    onTestFinished(async () => {
      if (!child.kill('SIGKILL')) throw new Error(`HAProxy had ended: ${await complaint}`);
      await once(child, 'exit');
    });
    const haproxy = new HaProxy(port, statsSocket);
    for (const name of Object.keys(ports)) await haproxy.until(name, 'UP');
    return haproxy;
  }

  private constructor(port: number, statsSocket: string) {
    this.url = `ws://127.0.0.1:${port}/rpc`;
    this.#statsSocket = statsSocket;
  }

  /** Waits until it has seen for itself that a node is up or down. */
  until(name: string, status: 'UP' | 'DOWN'): Promise<void> {
    return eventually(async () => {
      const socket = connect(this.#statsSocket);
      socket.end('show stat\n');
      const rows = (await text(socket)).split('\n').map((row) => row.split(','));
      const row = rows.find((columns) => columns[NAME_COLUMN] === name);
      if (row?.[STATUS_COLUMN] !== status) throw new Error(`${name} is not ${status}`);
    });
  }
}

function configurationOf(
  port: number,
  statsSocket: string,
  ports: Readonly<Record<string, number>>,
): string {
  const servers = Object.entries(ports).map(
    ([name, nodePort]) => `  server ${name} 127.0.0.1:${nodePort} check`,
  );
  return `global
  stats socket ${statsSocket}
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
  timeout check 1s
  retries 3
  option redispatch
frontend clients
  bind 127.0.0.1:${port}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /health
  default-server inter 50ms fall 1 rise 1
${servers.join('\n')}
`;
}
