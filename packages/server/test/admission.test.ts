import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { initTRPC } from '@trpc/server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { pathOf, refusalOf } from '../src/admission.ts';
import { createServer, type ServerOptions } from '../src/index.ts';

describe('an upgrade', () => {
  describe('that a page asks for', () => {
    it.each([
      // The page's own origin.
      { host: 'example.com', origin: 'https://example.com' },
      { host: 'example.com', origin: 'http://example.com' },
      { host: 'EXAMPLE.com', origin: 'https://example.com' },
      { host: 'example.com:8080', origin: 'http://example.com:8080' },
      { host: 'example.com:8443', origin: 'https://example.com:8443' },
      { host: 'bücher.example', origin: 'https://xn--bcher-kva.example' },
      // A default port, said or not.
      { host: 'example.com:443', origin: 'https://example.com' },
      { host: 'example.com:80', origin: 'http://example.com' },
      { host: 'example.com', origin: 'https://example.com:443' },
      // Addresses.
      { host: '192.0.2.1:3000', origin: 'http://192.0.2.1:3000' },
      { host: '[2001:db8::1]', origin: 'https://[2001:db8::1]' },
      { host: '[2001:DB8:0::1]:443', origin: 'https://[2001:db8::1]' },
      // Loopback to loopback, on any port.
      { host: 'localhost:3000', origin: 'http://localhost:5173' },
      { host: 'localhost:3000', origin: 'https://localhost' },
      { host: '127.0.0.1:3000', origin: 'http://localhost:5173' },
      { host: '[::1]:3000', origin: 'http://127.1.2.3:5173' },
      { host: 'localhost', origin: 'http://[::1]:5173' },
      { host: 'app.localhost:3000', origin: 'http://localhost:5173' },
      { host: '127.0.0.1', origin: 'http://app.localhost:5173' },
    ])('at $origin may go on to $host', (headers) => {
      expect(refusalOf(requestWith(headers), RULES)).toBe(undefined);
    });

    it.each([
      { host: 'example.com', origin: 'https://example.org' },
      { host: 'example.com', origin: 'https://example.com.evil.example' },
      { host: 'example.com', origin: 'https://sub.example.com' },
      { host: 'sub.example.com', origin: 'https://example.com' },
      { host: 'example.com', origin: 'https://evil.example/example.com' },
      { host: 'example.com', origin: 'https://example.com@evil.example' },
      { host: 'example.com', origin: 'http://example.com:8080' },
      { host: 'example.com:8080', origin: 'http://example.com' },
      // The default port of the other scheme is another port.
      { host: 'example.com:80', origin: 'https://example.com' },
      { host: 'example.com:443', origin: 'http://example.com' },
      { host: '[2001:db8::1]', origin: 'https://[2001:db8::2]' },
      { host: '192.0.2.1', origin: 'http://192.0.2.2' },
      // Loopback is not what sounds like it, nor one side alone.
      { host: 'localhost:3000', origin: 'https://example.com' },
      { host: 'example.com', origin: 'http://localhost:5173' },
      { host: 'localhost', origin: 'http://localhost.evil.example' },
      { host: '127.0.0.1', origin: 'http://127.0.0.1.evil.example' },
      { host: 'localhost', origin: 'http://notlocalhost' },
      { host: 'localhost', origin: 'http://[::2]' },
      { host: 'localhost', origin: 'http://10.0.0.1' },
      // What has no host of its own.
      { host: 'localhost', origin: 'null' },
      { host: 'example.com', origin: 'null' },
      { host: 'example.com', origin: '' },
      { host: 'example.com', origin: 'file://' },
      { host: 'example.com', origin: 'example.com' },
      { host: 'example.com', origin: 'https://example.com, https://example.com' },
      { host: 'example.com', origin: '__proto__' },
      { host: 'example.com', origin: 'data:text/html,example.com' },
    ])('at $origin may not go on to $host', (headers) => {
      expect(refusalOf(requestWith(headers), RULES)).toEqual(FORBIDDEN);
    });

    it.each(['https://example.org', 'https://localhost:1', 'app://x'])(
      'at %s may go on where it is listed',
      (origin) => {
        const origins = ['https://example.org', 'https://localhost:1', 'app://x'];
        const request = requestWith({ host: 'example.com', origin });
        expect(refusalOf(request, { ...RULES, origins })).toBe(undefined);
      },
    );

    it.each([
      { origin: 'https://example.com', origins: ['https://example.org'] },
      { origin: 'https://example.org:8443', origins: ['https://example.org'] },
      { origin: 'http://example.org', origins: ['https://example.org'] },
      { origin: 'null', origins: ['https://example.org'] },
      { origin: 'https://example.com', origins: [] },
      { origin: 'toString', origins: ['https://example.org'] },
    ])('at $origin may not go on where $origins are listed', ({ origin, origins }) => {
      const request = requestWith({ host: 'example.com', origin });
      expect(refusalOf(request, { ...RULES, origins })).toEqual(FORBIDDEN);
    });

    it.each(['https://example.org', 'null', '', 'anything'])(
      "at '%s' may go on where any may",
      (origin) => {
        const request = requestWith({ host: 'example.com', origin });
        expect(refusalOf(request, { ...RULES, origins: 'any' })).toBe(undefined);
      },
    );
  });

  it.each([undefined, 'any', [], ['https://example.org']] as const)(
    'that no page asks for may go on, whatever the origins are: %j',
    (origins) => {
      const request = requestWith({ host: 'example.com' });
      expect(refusalOf(request, { ...RULES, origins })).toBe(undefined);
    },
  );

  it.each(['/', '/rpc/', '/rpcs', '/RPC', '/a/../rpc', '//rpc', 'rpc', '*', '', '/%72pc'])(
    "to '%s' is refused with 404",
    (url) => {
      expect(refusalOf(requestWith({ host: 'example.com' }, { url }), RULES)).toEqual({
        status: 404,
        message: 'Nothing is served at this path.',
      });
    },
  );

  it.each(['/rpc', '/rpc?', '/rpc?a=1', '/rpc?/other'])("to '%s' may go on", (url) => {
    expect(refusalOf(requestWith({ host: 'example.com' }, { url }), RULES)).toBe(undefined);
  });

  it.each(['POST', 'HEAD', 'OPTIONS', 'get', ''])("by '%s' is refused with 405", (method) => {
    expect(refusalOf(requestWith({ host: 'example.com' }, { method }), RULES)).toEqual({
      status: 405,
      message: 'An upgrade is a GET request.',
    });
  });

  it.each([
    ...['', ' ', 'a b', 'a/b', 'a?b', 'a#b', 'user@a', 'a\\b', 'a:b', 'a:-1', 'a:65536', 'a:1:2'],
    ...['[::1', '::1', '[::g]', ':80', 'a<b', '1.2.3.256', '%', 'a\tb'],
  ])("to the host '%s' is refused with 400", (host) => {
    expect(refusalOf(requestWith({ host }), RULES)).toEqual(BAD_HOST);
  });

  it('to no host, or to two, is refused with 400', () => {
    expect(refusalOf(requestWith({}), RULES)).toEqual(BAD_HOST);
    const request = requestWith({ host: 'example.com' });
    request.rawHeaders.push('HOST', 'example.com');
    expect(refusalOf(request, RULES)).toEqual(BAD_HOST);
  });
});

describe('the path of a request', () => {
  it.each([
    { url: '/', path: '/' },
    { url: '/a/b', path: '/a/b' },
    { url: '/a?b?c', path: '/a' },
    { url: '?a', path: undefined },
    { url: 'http://example.com/rpc', path: undefined },
    { url: '', path: undefined },
    { url: undefined, path: undefined },
  ])("'$url' is $path", ({ url, path }) => {
    expect(pathOf({ url } as IncomingMessage)).toBe(path);
  });
});

describe('a server answers on the wire', () => {
  it.each([
    { what: 'an upgrade', request: upgrade({}), status: 101 },
    { what: 'one from its own page', request: upgrade({ Origin: 'https://a.b' }), status: 101 },
    { what: 'one from another page', request: upgrade({ Origin: 'https://evil.b' }), status: 403 },
    { what: 'one from nowhere', request: upgrade({ Origin: 'null' }), status: 403 },
    { what: 'another path', request: upgrade({}, 'GET /other'), status: 404 },
    { what: 'a whole address', request: upgrade({}, 'GET http://a.b/rpc'), status: 404 },
    { what: 'another method', request: upgrade({}, 'POST /rpc'), status: 405 },
    { what: 'no host', request: upgrade({ Host: undefined }), status: 400 },
    { what: 'an empty host', request: upgrade({ Host: '' }), status: 400 },
    { what: 'a malformed host', request: upgrade({ Host: 'a b' }), status: 400 },
    { what: 'two hosts', request: upgrade({ Host: 'a.b\r\nHost: a.b' }), status: 400 },
    { what: 'another protocol', request: upgrade({ Upgrade: 'h2c' }), status: 400 },
    { what: 'no upgrade', request: upgrade({ Connection: 'close' }), status: 426 },
    { what: 'no key', request: upgrade({ 'Sec-WebSocket-Key': undefined }), status: 400 },
    { what: 'a short key', request: upgrade({ 'Sec-WebSocket-Key': 'a' }), status: 400 },
    { what: 'another version', request: upgrade({ 'Sec-WebSocket-Version': '7' }), status: 400 },
    { what: 'odd subprotocols', request: upgrade({ 'Sec-WebSocket-Protocol': ',' }), status: 400 },
    { what: 'a large header', request: upgrade({ Large: 'a'.repeat(100_000) }), status: 431 },
    { what: 'no HTTP', request: 'NONSENSE\r\n\r\n', status: 400 },
    { what: 'TLS', request: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', status: 400 },
  ])('$what with $status', async ({ request, status }) => {
    const { answer } = await listening();
    expect(statusOf(await answer(request))).toBe(status);
  });

  it('a refusal in a whole HTTP answer that says nothing of the request', async () => {
    const { answer } = await listening();
    expect(await answer(upgrade({}, 'POST /rpc'))).toBe(
      'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n' +
        'Connection: close\r\nContent-Type: text/plain\r\nContent-Length: 29\r\n\r\n' +
        'An upgrade is a GET request.\n',
    );
    for (const it of [upgrade({ Origin: 'https://echo' }), upgrade({}, 'GET /echo')]) {
      expect(await answer(it)).not.toContain('echo');
    }
  });

  it('one connection too many with 503, until one has left', async () => {
    const { answer, open } = await listening({ connectionsMax: 2 });
    const [first] = [await open(upgrade({})), await open(upgrade({}))];
    expect(statusOf(await answer(upgrade({})))).toBe(503);
    expect(statusOf(await answer(upgrade({}, 'GET /other')))).toBe(404);
    await first.end();
    await vi.waitFor(async () => expect(statusOf(await answer(upgrade({})))).toBe(101));
  });

  it('by its list of origins', async () => {
    const { answer } = await listening({ origins: ['https://app.example'] });
    expect(statusOf(await answer(upgrade({ Origin: 'https://app.example' })))).toBe(101);
    expect(statusOf(await answer(upgrade({ Origin: 'https://a.b' })))).toBe(403);
  });

  it('a subprotocol that it does not speak, so that the client can be told in words', async () => {
    const { answer } = await listening();
    const offer = (names: string) => answer(upgrade({ 'Sec-WebSocket-Protocol': names }));
    const chosen = (text: string) => /^Sec-WebSocket-Protocol: (.*)\r$/m.exec(text)?.[1];
    expect(chosen(await offer('openline.v9.msgpack, openline.v1.json'))).toBe('openline.v1.json');
    expect(chosen(await offer('openline.v9.msgpack, other'))).toBe('openline.v9.msgpack');
  });
});

const RULES = { path: '/rpc', origins: undefined };
const FORBIDDEN = { status: 403, message: 'Pages of this origin may not connect.' };
const BAD_HOST = { status: 400, message: 'The Host header is missing or malformed.' };

/** As much of a request as admission reads. */
function requestWith(
  headers: Readonly<Record<string, string>>,
  { method = 'GET', url = '/rpc' }: { readonly method?: string; readonly url?: string } = {},
): IncomingMessage {
  const rawHeaders = Object.entries(headers).flat();
  return { method, url, headers, rawHeaders } as unknown as IncomingMessage;
}

/** The text of a request to upgrade. A header that is `undefined` is left out. */
function upgrade(
  headers: Readonly<Record<string, string | undefined>>,
  start = 'GET /rpc',
): string {
  const all = {
    Host: 'a.b',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) =>
    value === undefined ? '' : `${name}: ${value}\r\n`,
  );
  return `${start} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
}

const t = initTRPC.create();
const router = t.router({ it: t.procedure.query(() => 1) });
type Options = Omit<ServerOptions<typeof router, never>, 'router' | 'params' | 'createContext'>;

/** A server at a free port while the test runs, and ways to say text to it. */
async function listening(options: Options = {}) {
  const server = createServer({ router, ...options });
  const { port } = await server.listen();
  onTestFinished(() => server.close());

  /** Says it, and waits for the head of an answer. */
  const open = async (text: string) => {
    const socket = connect(port, '127.0.0.1');
    const closed = once(socket, 'close');
    const end = async (): Promise<void> => {
      socket.destroy();
      await closed;
    };
    onTestFinished(end);
    socket.write(text, 'latin1');
    let heard = '';
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
      heard += String(bytes);
      if (heard.startsWith('HTTP/1.1 101') && heard.includes('\r\n\r\n')) break;
    }
    return { heard, end };
  };
  /** Says it, and gives the whole answer, or the head of one that goes on as something else. */
  const answer = async (text: string): Promise<string> => {
    const { heard, end } = await open(text);
    await end();
    return heard;
  };
  return { answer, open };
}
