/** The default address, and what a relative one is relative to in a browser: the page. */
const DEFAULT_URL = '/rpc';

/**
 * The WebSocket address to connect to. `http` and `https` are understood as `ws` and `wss`.
 *
 * @throws a `TypeError` when it is no address, or relative where there is no page.
 */
export function webSocketUrl(url: string = DEFAULT_URL): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  let parsed: URL;
  try {
    parsed = new URL(url, location?.href);
  } catch (cause) {
    const hint = location === undefined ? ' Without a page it must be absolute.' : '';
    throw new TypeError(`"${url}" is no address of a server.${hint}`, { cause });
  }
  parsed.protocol = parsed.protocol.replace(/^http/, 'ws');
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') {
    throw new TypeError(`A line goes to a ws, wss, http or https address, not to "${url}".`);
  }
  parsed.hash = '';
  return parsed.href;
}
