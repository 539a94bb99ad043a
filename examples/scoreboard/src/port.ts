import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/** The port that `PORT` asks for, 3000 where it does not; 0 takes a free one. */
export function askedPort(): number {
  const { PORT: port = '3000' } = process.env;
  if (!/^\d+$/.test(port) || Number(port) > 65_535) fail(`PORT=${port} is not a port: 0 to 65535.`);
  return Number(port);
}

/** Ends the process with one line where the port cannot be had, before anything else is done. */
export async function checkPort(port: number): Promise<void> {
  const probe = createServer();
  await listen(probe, port);
  probe.close();
  await once(probe, 'close');
}

/** Gives the port it took, or ends the process with one line that says why there is none. */
export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const another = `PORT=${port + 1} npx -y pnpm@12 start`;
    if (code === 'EADDRINUSE') fail(`Port ${port} is taken. Choose another one: ${another}`);
    fail(`Cannot listen on port ${port}: ${message}`);
  }
  return (server.address() as AddressInfo).port;
}

export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
