import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import * as browser from '../src/websocket-global.ts';
import * as node from '../src/websocket-node.ts';

const Own = EventTarget;

describe('the class that a line connects with, where none is given', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is the global one, in Node as anywhere', () => {
    vi.stubGlobal('WebSocket', Own);
    expect([node.defaultWebSocket(), browser.defaultWebSocket()]).toEqual([Own, Own]);
  });

  it('is that of ws in a Node that has none', () => {
    vi.stubGlobal('WebSocket', undefined);
    expect(node.defaultWebSocket()).toBe(WebSocket);
  });

  it('is missing elsewhere', () => {
    vi.stubGlobal('WebSocket', undefined);
    expect(browser.defaultWebSocket()).toBe(undefined);
  });
});
