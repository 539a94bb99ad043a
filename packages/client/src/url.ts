import { DEFAULT_URL } from './constants.ts';

/**
 * The WebSocket address to connect to. `http` and `https` are understood as `ws` and `wss`.
 *
 * @throws a `TypeError` when it is no address, or relative where there is no page.
 */
export function webSocketUrl(url: string = DEFAULT_URL): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  let parsed: URL | undefined;
  try {
    parsed = new URL(url, location?.href);
    parsed.protocol = parsed.protocol.replace(/^http/, 'ws');
    parsed.hash = '';
  } catch {
    // It is no URL at all: refused below, as one of another scheme is.
  }
  if (parsed === undefined || !/^wss?:$/.test(parsed.protocol)) {
    throw new TypeError(`"${url}" is no address of a server`);
  }
  return parsed.href;
}
