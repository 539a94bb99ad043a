import { answer, Input, INPUT } from '../workload.ts';
import { asReply, openSocket, RawClient, type RawCall } from './raw-calls.ts';
import { NOTHING_TO_DO, type LeanConversation, type System } from './system.ts';
import { listenWs } from './ws-server.ts';

const TAIL = `,${JSON.stringify(INPUT)}]`;

class Conversation implements LeanConversation {
  readonly hello = undefined;
  #lastId = 0;

  calls(): string {
    return `[${++this.#lastId}${TAIL}`;
  }

  control() {
    return NOTHING_TO_DO;
  }

  replies(message: Buffer) {
    return [asReply(JSON.parse(message.toString()) as RawCall)];
  }
}

/** Raw `ws`, one message for each call and each reply: the baseline of the ratios. */
export const system: System = {
  async serve() {
    const { wss, address } = await listenWs();
    wss.on('connection', (socket) => {
      socket.on('message', (message: Buffer) => {
        const [id, input] = JSON.parse(message.toString()) as RawCall;
        socket.send(JSON.stringify([id, answer(Input.parse(input))]));
      });
    });
    return address;
  },
  lean: { subprotocols: [], joinsCalls: false, open: () => new Conversation() },
  async connect(url) {
    const socket = await openSocket(url);
    const client = new RawClient(socket, (call) => socket.send(JSON.stringify(call)));
    socket.on('message', (message: Buffer) => {
      client.settle(JSON.parse(message.toString()) as RawCall);
    });
    return client;
  },
};
