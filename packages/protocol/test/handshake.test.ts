import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CLIENT_LIMITS,
  CODES,
  encodeHello,
  encodeReject,
  encodeWelcome,
  HELLO_BYTES_MAX,
  parseAnswer,
  parseHello,
  retryOf,
  SERVER_LIMITS,
  type Hello,
  type Limits,
  type Welcome,
} from '../src/index.ts';
import { bytesOf, codec, failureOf } from './support.ts';

const HELLO: Hello = {
  sessionId: 'AAAAAAAAAAAAAAAAAAAAAA',
  secret: 'abcdefghijklmnopqrst-_',
  attempt: 1,
  received: 0,
  next: 1,
  client: 'test/1.0.0',
  params: { token: 't' },
  limits: CLIENT_LIMITS,
};

const WELCOME: Welcome = {
  type: 'welcome',
  node: 'node-1',
  received: 0,
  next: 1,
  keepAliveMs: 10_000,
  windowMs: 120_000,
  limits: SERVER_LIMITS,
};

/** The body of a valid `hello`, changed. A member of `undefined` is left out. */
function helloText(change: Record<string, unknown> = {}, version: unknown = 1, tag: unknown = 1) {
  const [[, , body]] = JSON.parse(encodeHello(codec, HELLO) as string) as [
    [unknown, unknown, object],
  ];
  return JSON.stringify([[tag, version, { ...body, ...change }]]);
}

function welcomeText(change: Record<string, unknown> = {}, version: unknown = 1): string {
  const text = encodeWelcome(codec, WELCOME) as string;
  const [[, , body]] = JSON.parse(text) as [[unknown, unknown, object]];
  return JSON.stringify([[2, version, { ...body, ...change }]]);
}

const limitsArbitrary: fc.Arbitrary<Limits> = fc.record({
  payloadBytesMax: fc.integer({ min: 65_536 }),
  callsMax: fc.nat(),
  backlogBytesMax: fc.integer({ min: 65_536 }),
});
const tokenArbitrary = fc.stringMatching(/^[\w-]{22,64}$/);

describe('a hello', () => {
  it('is read as it was written', () => {
    const hello = fc.record({
      sessionId: tokenArbitrary,
      secret: tokenArbitrary,
      attempt: fc.integer({ min: 1 }),
      received: fc.maxSafeNat(),
      next: fc.maxSafeNat(),
      client: fc.string({ maxLength: 128 }),
      params: fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
      limits: limitsArbitrary,
    });
    fc.assert(
      fc.property(hello, (value) => {
        expect(parseHello(codec, encodeHello(codec, value))).toEqual(value);
      }),
    );
  });

  it('without params has none', () => {
    const read = parseHello(codec, encodeHello(codec, { ...HELLO, params: undefined }));
    expect(read).toEqual({ ...HELLO, params: undefined });
  });

  it('with members that only a newer client knows is read the same', () => {
    expect(parseHello(codec, helloText({ supersedes: 'x', toString: 1 }))).toEqual(HELLO);
  });

  it('keeps params that are named __proto__ to themselves', () => {
    const text = helloText({ params: 0 }).replace('"params":0', '"params":{"__proto__":{"a":1}}');
    const { params } = parseHello(codec, text);
    expect(Object.keys(params as object)).toEqual(['__proto__']);
    expect((params as { readonly a?: unknown }).a).toBeUndefined();
    expect(({} as { readonly a?: unknown }).a).toBeUndefined();
  });

  it.each([
    { of: 'ASCII', character: 'a' },
    { of: 'characters of three bytes', character: '€' },
  ])('of $of is written and read up to its limit in bytes, and no further', ({ character }) => {
    const empty = bytesOf(encodeHello(codec, { ...HELLO, params: '' }));
    const room = HELLO_BYTES_MAX - empty;
    const each = bytesOf(character);
    const fill = character.repeat(Math.floor(room / each)) + 'a'.repeat(room % each);
    const largest = encodeHello(codec, { ...HELLO, params: fill });
    expect(bytesOf(largest)).toBe(HELLO_BYTES_MAX);
    expect(parseHello(codec, largest).params).toBe(fill);
    expect(failureOf(() => encodeHello(codec, { ...HELLO, params: `${fill}a` }))).toBe(
      'LIMIT_EXCEEDED',
    );
    expect(failureOf(() => parseHello(codec, helloText({ params: `${fill}a` })))).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  describe('of another version', () => {
    it.each([0, 2, 1.5, '1', null])('is told so, whatever else it holds: %j', (version) => {
      expect(failureOf(() => parseHello(codec, helloText({ sessionId: 7 }, version)))).toBe(
        'VERSION_UNSUPPORTED',
      );
      expect(failureOf(() => parseHello(codec, JSON.stringify([[1, version]])))).toBe(
        'VERSION_UNSUPPORTED',
      );
    });
  });

  it.each<{ what: string; message: string | Uint8Array }>([
    { what: 'nothing', message: '' },
    { what: 'text that is not JSON', message: 'GET / HTTP/1.1' },
    { what: 'a call of stock tRPC', message: '{"id":1,"method":"query","params":{"path":"a"}}' },
    { what: 'bytes', message: new Uint8Array([39, 3]) },
    { what: 'no frame', message: '[]' },
    { what: 'a frame without members', message: '[[]]' },
    { what: 'another frame', message: '[[32,1,0,"a",0]]' },
    { what: 'a hello behind another frame', message: `[[5],${helloText().slice(1)}` },
    { what: 'a hello with a frame behind it', message: `${helloText().slice(0, -1)},[5]]` },
    { what: 'a welcome', message: welcomeText() },
    { what: 'a tag in words', message: helloText({}, 1, 'hello') },
    { what: 'no body', message: '[[1,1]]' },
    { what: 'a body of null', message: '[[1,1,null]]' },
    { what: 'a body that is a list', message: '[[1,1,[]]]' },
    { what: 'no session', message: helloText({ sessionId: undefined }) },
    { what: 'a session that is a number', message: helloText({ sessionId: 1 }) },
    { what: 'a session too short', message: helloText({ sessionId: 'A'.repeat(21) }) },
    { what: 'a session too long', message: helloText({ sessionId: 'A'.repeat(65) }) },
    {
      what: 'a session with a line break',
      message: helloText({ sessionId: `${'A'.repeat(22)}\n` }),
    },
    {
      what: 'a session beyond base64url',
      message: helloText({ sessionId: `+/${'A'.repeat(22)}` }),
    },
    { what: 'a session named __proto__', message: helloText({ sessionId: '__proto__' }) },
    { what: 'no secret', message: helloText({ secret: undefined }) },
    { what: 'a secret too short', message: helloText({ secret: 'A'.repeat(21) }) },
    { what: 'attempt zero', message: helloText({ attempt: 0 }) },
    { what: 'half an attempt', message: helloText({ attempt: 1.5 }) },
    {
      what: 'an attempt beyond the safe integers (case 36)',
      message: helloText({ attempt: 2 ** 53 }),
    },
    { what: 'less than nothing received', message: helloText({ received: -1 }) },
    { what: 'received in words', message: helloText({ received: '0' }) },
    { what: 'next below zero', message: helloText({ next: -1 }) },
    { what: 'no next', message: helloText({ next: undefined }) },
    { what: 'no client', message: helloText({ client: undefined }) },
    { what: 'a client too long', message: helloText({ client: 'c'.repeat(129) }) },
    { what: 'no limits', message: helloText({ limits: undefined }) },
    { what: 'limits of null', message: helloText({ limits: null }) },
    { what: 'limits that are a list', message: helloText({ limits: [65_536, 1, 65_536] }) },
    {
      what: 'a payload limit below a message',
      message: helloText({
        limits: { payloadBytesMax: 65_535, callsMax: 1, backlogBytesMax: 65_536 },
      }),
    },
    {
      what: 'a backlog limit below a message',
      message: helloText({
        limits: { payloadBytesMax: 65_536, callsMax: 1, backlogBytesMax: 65_535 },
      }),
    },
    {
      what: 'fewer than no calls',
      message: helloText({
        limits: { payloadBytesMax: 65_536, callsMax: -1, backlogBytesMax: 65_536 },
      }),
    },
    {
      what: 'a limit without end',
      message: helloText({
        limits: { payloadBytesMax: 65_536, callsMax: null, backlogBytesMax: 65_536 },
      }),
    },
  ])('is not $what', ({ message }) => {
    expect(failureOf(() => parseHello(codec, message))).toBe('FRAME_MALFORMED');
  });

  it.each([
    {
      what: 'the lowest limits',
      change: { limits: { payloadBytesMax: 65_536, callsMax: 0, backlogBytesMax: 65_536 } },
    },
    { what: 'a token of 22 characters', change: { sessionId: 'A'.repeat(22) } },
    { what: 'a token of 64 characters', change: { secret: 'A'.repeat(64) } },
    { what: 'a client of 128 characters', change: { client: 'c'.repeat(128) } },
    { what: 'the highest attempt', change: { attempt: 2 ** 53 - 1 } },
    { what: 'next of zero, for the one that is due', change: { next: 0 } },
  ])('may have $what', ({ change }) => {
    expect(failureOf(() => parseHello(codec, helloText(change)))).toBe('none');
  });

  it('that is nearly one is refused with one of three codes', () => {
    const names = ['session', 'secret', 'attempt', 'received', 'next', 'client', 'limits'];
    const change = fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(change, fc.constantFrom(1, 1, 1, 2, '__proto__'), (body, version) => {
        expect(['none', 'FRAME_MALFORMED', 'VERSION_UNSUPPORTED', 'LIMIT_EXCEEDED']).toContain(
          failureOf(() => parseHello(codec, helloText(body, version))),
        );
      }),
    );
  });
});

describe('an answer', () => {
  it('that is a welcome is read as it was written', () => {
    const welcome = fc.record({
      type: fc.constant('welcome' as const),
      node: fc.string({ maxLength: 128 }),
      received: fc.maxSafeNat(),
      next: fc.integer({ min: 1 }),
      keepAliveMs: fc.integer({ min: 100 }),
      windowMs: fc.nat(),
      journal: fc.option(fc.string({ maxLength: 128 }), { nil: undefined }),
      limits: limitsArbitrary,
    });
    fc.assert(
      fc.property(welcome, (value) => {
        expect(parseAnswer(codec, encodeWelcome(codec, value))).toEqual(value);
      }),
    );
  });

  it.each(Object.entries(CODES))(
    'that is a reject with %s says whether to come again',
    (name, code) => {
      const reject = { message: 'no', delayMs: 5, shape: { a: 1 }, received: 7 };
      expect(parseAnswer(codec, encodeReject(codec, { ...reject, code }))).toEqual({
        type: 'reject',
        ...reject,
        code: name,
        retry: retryOf(code),
      });
    },
  );

  it('that is a reject without a shape or a count has none', () => {
    const nothing = { shape: undefined, received: undefined };
    const reject = { message: 'no', delayMs: 0, ...nothing };
    const message = encodeReject(codec, { ...reject, code: CODES.REJECTED });
    expect(parseAnswer(codec, message)).toEqual({
      type: 'reject',
      ...reject,
      code: 'REJECTED',
      retry: 'never',
    });
  });

  it('that is a reject stays small however much the application has to say', () => {
    const shape = { message: '€'.repeat(40_000) };
    const message = encodeReject(codec, {
      code: CODES.REJECTED,
      message: '€'.repeat(40_000),
      delayMs: 7,
      received: 3,
      shape,
    });
    expect(bytesOf(message)).toBeLessThanOrEqual(HELLO_BYTES_MAX);
    expect(parseAnswer(codec, message)).toEqual({
      type: 'reject',
      code: 'REJECTED',
      message: '€'.repeat(41),
      retry: 'never',
      delayMs: 7,
      received: 3,
      shape: undefined,
    });
  });

  describe('of a newer server', () => {
    it.each(['NEWER_CODE', 'toString', '__proto__', 7, undefined])(
      'that rejects with the code %j is obeyed by the class it states',
      (code) => {
        const text = JSON.stringify([[3, 1, { code, message: 7, retry: 'later', delayMs: 9 }]]);
        expect(parseAnswer(codec, text)).toEqual({
          type: 'reject',
          code: typeof code === 'string' ? code : '',
          message: '',
          retry: 'later',
          delayMs: 9,
          received: undefined,
          shape: undefined,
        });
      },
    );

    it('that rejects in its own version is read', () => {
      const text = '[[3,2,{"code":"VERSION_UNSUPPORTED","message":"2","retry":"never"}]]';
      expect(parseAnswer(codec, text)).toMatchObject({ code: 'VERSION_UNSUPPORTED' });
    });

    it('may have members that only it knows', () => {
      expect(parseAnswer(codec, welcomeText({ address: 'x' }))).toEqual(WELCOME);
    });
  });

  it.each<{ what: string; message: string | Uint8Array }>([
    { what: 'text that is not JSON', message: 'HTTP/1.1 400' },
    { what: 'an answer of stock tRPC', message: '{"id":null,"error":{"code":-32600}}' },
    { what: 'an echo of the hello', message: helloText() },
    { what: 'bytes', message: new Uint8Array([2, 1]) },
    { what: 'no frame', message: '[]' },
    { what: 'a result', message: '[[33,1]]' },
    { what: 'a welcome without its body', message: '[[2,1]]' },
    { what: 'a welcome to another version', message: welcomeText({}, 2) },
    { what: 'a welcome with a frame behind it', message: `${welcomeText().slice(0, -1)},[5]]` },
    { what: 'a welcome without a node', message: welcomeText({ node: undefined }) },
    { what: 'a welcome that received less than nothing', message: welcomeText({ received: -1 }) },
    { what: 'a welcome with next of zero', message: welcomeText({ next: 0 }) },
    { what: 'a welcome with a window below zero', message: welcomeText({ windowMs: -1 }) },
    { what: 'a welcome that wakes all the time', message: welcomeText({ keepAliveMs: 99 }) },
    { what: 'a welcome with a journal in numbers', message: welcomeText({ journal: 7 }) },
    {
      what: 'a welcome with a journal too long',
      message: welcomeText({ journal: 'j'.repeat(129) }),
    },
    { what: 'a welcome without limits', message: welcomeText({ limits: undefined }) },
    { what: 'a reject without a class', message: '[[3,1,{"code":"REJECTED"}]]' },
    { what: 'a reject with an unknown class', message: '[[3,1,{"retry":"toString"}]]' },
    { what: 'a reject with a delay below zero', message: '[[3,1,{"retry":"later","delayMs":-1}]]' },
    {
      what: 'a reject that received less than nothing',
      message: '[[3,1,{"retry":"afresh","received":-1}]]',
    },
  ])('is not $what: then no Openline server answered', ({ message }) => {
    expect(failureOf(() => parseAnswer(codec, message))).toBe('NOT_OPENLINE');
  });
});
