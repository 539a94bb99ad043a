import { networkInterfaces } from 'node:os';

/** Where the scoreboard is, and what to do there. `addresses` are those of this machine. */
export function bannerOf(port: number, addresses = networkInterfaces()): string {
  const url = `http://localhost:${port}`;
  const phone = addressForOthers(addresses);
  const windows =
    phone === undefined
      ? 'Open it in two windows: they show the same game.'
      : `Open it in two windows, or on your phone at http://${phone}:${port}: they show the same game.`;
  const watch = 'npx -y pnpm@12 --filter @openline/example-scoreboard watch';
  const there = port === 3000 ? '' : ` --url ws://localhost:${port}/rpc`;
  return `
  The scoreboard is at  ${url}

  1  ${windows}
  2  Be the referee in a third:  ${url}/referee
  3  Follow it in a terminal:    ${watch}${there}
  4  Stop this server (Ctrl-C) and start it again: every window comes back with the score.
`;
}

/** The first one by which another machine of this network may find this one. */
function addressForOthers(addresses: ReturnType<typeof networkInterfaces>): string | undefined {
  return Object.values(addresses)
    .flatMap((ofInterface) => ofInterface ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}
