import type { WebSocket } from 'ws';
import { answer, Input, INPUT } from '../workload.ts';
import { asReply, openSocket, RawClient, type RawCall } from './raw-calls.ts';
import { NOTHING_TO_DO, type LeanConversation, type System } from './system.ts';
import { listenWs } from './ws-server.ts';

const TAIL = `,${JSON.stringify(INPUT)}]`;

function parse(message: Buffer): readonly RawCall[] {
  return JSON.parse(message.toString()) as readonly RawCall[];
}

class Conversation implements LeanConversation {
  readonly hello = undefined;
  #lastId = 0;

  calls(count: number): string {
    let message = `[[${++this.#lastId}${TAIL}`;
    for (let n = 1; n < count; n++) message += `,[${++this.#lastId}${TAIL}`;
    return message + ']';
  }

  control() {
    return NOTHING_TO_DO;
  }

  replies(message: Buffer) {
    return parse(message).map(asReply);
  }
}

/** Collects a tick's calls, or replies, and sends them as one array. */
class Joiner {
  readonly #socket: WebSocket;
  readonly #later: (flush: () => void) => void;
  #waiting: RawCall[] = [];

  constructor(socket: WebSocket, later: (flush: () => void) => void) {
    this.#socket = socket;
    this.#later = later;
  }

  readonly add = (call: RawCall): void => {
    if (this.#waiting.push(call) === 1) this.#later(this.#flush);
  };

  readonly #flush = (): void => {
    const calls = this.#waiting;
    this.#waiting = [];
    this.#socket.send(JSON.stringify(calls));
  };
}

/** Raw `ws`, a tick's calls in one message each way: what is left when only the payload costs. */
export const system: System = {
  async serve() {
    const { wss, address } = await listenWs();
    wss.on('connection', (socket) => {
      const joiner = new Joiner(socket, (flush) => process.nextTick(flush));
      socket.on('message', (message: Buffer) => {
        for (const [id, input] of parse(message)) joiner.add([id, answer(Input.parse(input))]);
      });
    });
    return address;
  },
  lean: { subprotocols: [], joinsCalls: true, open: () => new Conversation() },
  async connect(url) {
    const socket = await openSocket(url);
    const client = new RawClient(socket, new Joiner(socket, queueMicrotask).add);
    socket.on('message', (message: Buffer) => {
      for (const reply of parse(message)) client.settle(reply);
    });
    return client;
  },
};
