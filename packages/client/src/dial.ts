import {
  parseAnswer,
  type Codec,
  type Connection,
  type Driver,
  type Message,
  type Reject,
  type Welcome,
} from '@openline/protocol';
import type { LineCall } from './call.ts';
import { DIAL_TIMEOUT_MS } from './constants.ts';
import { connectWebSocket } from './transport-websocket.ts';
import type { WebSocketClass } from './websocket.ts';

export type LineDriver = Driver<LineCall, never>;

/** Who waits for the connection. Exactly one of these is called, `gone` aside. */
export interface DialHost {
  /** Gives what runs the connection from here on; `undefined` when it cannot be used. */
  opened(connection: Connection, welcome: Welcome): LineDriver | undefined;
  /** The server does not have the session. At most once, and a new `hello` is made behind it. */
  gone(reject: Reject): void;
  rejected(reject: Reject): void;
  /** The connection was not made, or ended before there was an answer. */
  failed(reason: string): void;
}

/**
 * One attempt to connect, up to the server's answer. Returns what gives it up: then nothing is
 * called any more.
 *
 * @throws what the WebSocket class throws.
 */
export function dial(
  host: DialHost,
  WebSocket: WebSocketClass,
  url: string,
  codec: Codec,
  hello: () => Message,
): () => void {
  let driver: LineDriver | undefined;
  let isAfresh = false;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    clearTimeout(timer);
  };
  const abandon = (): void => {
    end();
    connection.abandon();
  };
  const fail = (reason: string): void => {
    if (isOver) return;
    abandon();
    host.failed(reason);
  };
  /** What is wrong with the application's params or the server's answer ends the attempt. */
  const attempt = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      fail((error as Error).message);
    }
  };
  const greet = (): void => attempt(() => connection.send([hello()]));
  const answered = (answer: Welcome | Reject): void => {
    const isReject = answer.type === 'reject';
    if (isReject && answer.retry === 'afresh' && !isAfresh) {
      isAfresh = true;
      host.gone(answer);
      return greet();
    }
    end();
    if (!isReject) {
      driver = host.opened(connection, answer);
      if (driver !== undefined) return;
    }
    connection.close(1000, '');
    if (isReject) host.rejected(answer);
  };
  const connection = connectWebSocket(WebSocket, url, codec.name, {
    opened: greet,
    message(message) {
      if (driver !== undefined) driver.message(connection, message);
      else if (!isOver) attempt(() => answered(parseAnswer(codec, message)));
    },
    drained: () => driver?.wake(),
    closed(code, reason) {
      if (driver !== undefined) driver.closed(connection, code, reason);
      else fail(reason);
    },
  });
  const timer = setTimeout(() => fail('the server did not answer'), DIAL_TIMEOUT_MS);
  return abandon;
}
