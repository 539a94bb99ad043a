import type { IncomingMessage } from 'node:http';

/** Why an upgrade is refused, in HTTP's terms. */
export interface Refusal {
  readonly status: 400 | 403 | 404 | 405 | 503;
  readonly message: string;
}

export interface AdmissionRules {
  readonly path: string;
  readonly origins: readonly string[] | 'any' | undefined;
}

/** Whether a request to upgrade may go on; `undefined` when it may. Refusals never echo the request. */
export function refusalOf(
  request: IncomingMessage,
  { path, origins }: AdmissionRules,
): Refusal | undefined {
  if (pathOf(request) !== path) return { status: 404, message: 'Nothing is served at this path.' };
  if (request.method !== 'GET') return { status: 405, message: 'An upgrade is a GET request.' };
  const host = parseHost(hostsOf(request));
  if (host === undefined)
    return { status: 400, message: 'The Host header is missing or malformed.' };
  const { origin } = request.headers;
  // Only browsers send an origin, and only browsers can be made to connect by a stranger's page.
  if (origin === undefined || origins === 'any') return undefined;
  const allowed = origins?.includes(origin) ?? isOwnOrigin(origin, host);
  return allowed ? undefined : { status: 403, message: 'Pages of this origin may not connect.' };
}

/** The path of a request without its query; `undefined` when it is none. */
export function pathOf(request: IncomingMessage): string | undefined {
  const url = request.url ?? '';
  if (!url.startsWith('/')) return undefined;
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** The page's own origin, whatever TLS ends in front of us, and loopback to loopback on any port. */
function isOwnOrigin(origin: string, host: string): boolean {
  const page = parseUrl(origin);
  // The Host header has no scheme: a port that is left out is the default one of the page's scheme.
  const own = page && parseUrl(`${page.protocol}//${host}`);
  if (page === undefined || own === undefined) return false;
  return page.host === own.host || (isLoopback(page.hostname) && isLoopback(own.hostname));
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}

/** Read from the raw headers: other views of them, once made, stay as long as the request does. */
function hostsOf({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'host');
}

/** RFC 9112 section 3.2: exactly one, a host with or without a port. */
function parseHost([host, second]: readonly string[] = []): string | undefined {
  if (host === undefined || second !== undefined || /[/?#@\\\s]/.test(host)) return undefined;
  return parseUrl(`ws://${host}`) && host;
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined; // `null`, as a sandboxed frame says, or rubbish.
  }
}
