import { afterEach, describe, expect, it, vi } from 'vitest';
import { webSocketUrl } from '../src/url.ts';

const notAbsolute = (url: string): TypeError => new TypeError(`"${url}" is no address of a server`);

describe('the address of a line', () => {
  afterEach(() => vi.unstubAllGlobals());

  describe('where there is no page', () => {
    it.each([
      { given: 'ws://example.com:4000/rpc', expected: 'ws://example.com:4000/rpc' },
      { given: 'wss://example.com/rpc', expected: 'wss://example.com/rpc' },
      { given: 'http://example.com/rpc', expected: 'ws://example.com/rpc' },
      { given: 'https://example.com/rpc', expected: 'wss://example.com/rpc' },
      { given: 'https://example.com/rpc?tab=1#top', expected: 'wss://example.com/rpc?tab=1' },
      { given: 'https://example.com:443', expected: 'wss://example.com/' },
      { given: 'http://[::1]:4000/rpc', expected: 'ws://[::1]:4000/rpc' },
    ])('is $expected for $given', ({ given, expected }) => {
      expect(webSocketUrl(given)).toBe(expected);
    });

    it.each(['/rpc', 'rpc', '', 'ws://'])('must be absolute, which %o is not', (given) => {
      expect(() => webSocketUrl(given)).toThrow(notAbsolute(given));
    });

    it('must be given', () => {
      expect(() => webSocketUrl()).toThrow(notAbsolute('/rpc'));
    });

    it.each(['localhost:4000/rpc', 'ftp://example.com', 'file:///rpc', 'tcp://example.com:1'])(
      'has one of four schemes, which %o has not',
      (given) => {
        expect(() => webSocketUrl(given)).toThrow(
          new TypeError(`"${given}" is no address of a server`),
        );
      },
    );
  });

  describe.each([
    { page: 'http://localhost:3000/game/7?x=1#y', own: 'ws://localhost:3000' },
    { page: 'https://example.com/app/', own: 'wss://example.com' },
  ])('on the page $page', ({ page, own }) => {
    it.each([
      { given: undefined, expected: `${own}/rpc` },
      { given: '/other', expected: `${own}/other` },
      { given: '/rpc?tab=1', expected: `${own}/rpc?tab=1` },
      { given: 'ws://elsewhere.example/rpc', expected: 'ws://elsewhere.example/rpc' },
    ])('is $expected for $given', ({ given, expected }) => {
      vi.stubGlobal('location', { href: page });
      expect(webSocketUrl(given)).toBe(expected);
    });

    it('is beside the page where it begins with no slash', () => {
      vi.stubGlobal('location', { href: page });
      expect(webSocketUrl('rpc')).toBe(new URL('rpc', page).href.replace(/^http/, 'ws'));
    });
  });

  it('cannot be relative to a page that has no address of its own', () => {
    vi.stubGlobal('location', { href: 'about:blank' });
    expect(() => webSocketUrl('/rpc')).toThrow(notAbsolute('/rpc'));
  });
});
