import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { initTRPC, TRPCError } from '@trpc/server';
import { createServer } from '@openline/server';
import { beforeEach, describe, expect, it } from 'vitest';
import { HELLO, RawClient, REJECT, WELCOME, type WireFrame } from './server-raw.ts';
import { eventually, leaveNoSocket, serve } from './server-support.ts';

/* What a server makes of a `hello`: the SPEC's own stories, played by ours on sockets. */

type Body = Readonly<Record<string, unknown>>;
/** What happens on a connection; it is made by the first step that names it. */
type Step = { readonly on: string } & (
  | { readonly offers: string }
  | { readonly hello: Body }
  | { readonly says: readonly WireFrame[] }
  | { readonly hears: WireFrame }
  | { readonly closed: number }
  | { readonly closes: number }
  | { readonly loses: true }
);
interface Story {
  readonly name: string;
  readonly server?: { readonly windowMs?: number; readonly resumesPerSecond?: number };
  readonly steps: readonly Step[];
}
interface Vectors {
  readonly hello: Body;
  readonly refusedName: string;
  readonly stories: readonly Story[];
}
const url = new URL('../../protocol/vectors/sessions.json', import.meta.url);
const { hello, refusedName, stories } = JSON.parse(readFileSync(url, 'utf8')) as Vectors;

/** Stands for the node that the `welcome` on a connection has named. */
const NODE_OF = /^\(that of (\w+)\)$/u;

/** One connection of a story, as its client has it. */
interface Made {
  readonly client: RawClient;
  /** The server's end. */
  readonly socket: Socket;
  /** Frames that a step was about. */
  heard: number;
}

class Play {
  readonly #url: string;
  readonly #sockets: readonly Socket[];
  readonly #made = new Map<string, Made>();

  static async of({ server = {} }: Story): Promise<Play> {
    const t = initTRPC.create();
    const served = await serve(
      createServer({
        router: t.router({ echo: t.procedure.input((it) => it).query(({ input }) => input) }),
        resume: { windowMs: server.windowMs, resumesPerSecondMax: server.resumesPerSecond },
        createContext: ({ session, params }): object => {
          const { name } = (params ?? {}) as { readonly name?: string };
          if (name === refusedName) throw new TRPCError({ code: 'FORBIDDEN' });
          if (name !== undefined) session.identify(name);
          return {};
        },
      }),
    );
    const sockets: Socket[] = [];
    served.httpServer.on('connection', (socket: Socket) => sockets.push(socket));
    return new Play(served.url, sockets);
  }

  private constructor(at: string, sockets: readonly Socket[]) {
    this.#url = at;
    this.#sockets = sockets;
  }

  async take(step: Step): Promise<void> {
    const made = await this.#connection(step.on, 'offers' in step ? [step.offers] : undefined);
    const { client } = made;
    if ('hello' in step) client.say([HELLO, 1, this.#filled({ ...hello, ...step.hello })]);
    else if ('says' in step) client.say(...step.says);
    else if ('hears' in step) await this.#hears(made, step.hears);
    else if ('closed' in step) expect((await client.closed).code).toBe(step.closed);
    else if ('closes' in step) await leave(made, () => client.webSocket.close(step.closes));
    else if ('loses' in step) await leave(made, () => client.webSocket.terminate());
  }

  /** Nothing was heard that no step is about. */
  end(): void {
    for (const { client, heard } of this.#made.values())
      expect(client.heard.slice(heard)).toEqual([]);
  }

  async #connection(name: string, protocols?: string[]): Promise<Made> {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const client = await RawClient.connect(this.#url, protocols);
    const made = { client, socket: this.#sockets.at(-1)!, heard: 0 };
    this.#made.set(name, made);
    return made;
  }

  async #hears(made: Made, expected: WireFrame): Promise<void> {
    const frame = await made.client.finds((it) => it === made.client.heard[made.heard]);
    made.heard++;
    const [tag, version, body] = frame;
    if (tag !== WELCOME && tag !== REJECT) return expect(frame).toEqual(expected);
    expect([tag, version]).toEqual(expected.slice(0, 2));
    expect(body).toMatchObject(expected[2] as object);
    // What is not known is not said: nobody may learn from it what was received.
    const { received } = expected[2] as Body;
    expect((body as Body)['received']).toEqual(received);
  }

  #filled(body: Body): Body {
    const { node } = body;
    const [, name] = (typeof node === 'string' && NODE_OF.exec(node)) || [];
    if (name === undefined) return body;
    const [, , welcome] = this.#made.get(name)!.client.heard[0]!;
    return { ...body, node: (welcome as Body)['node'] };
  }
}

/** Ends a connection, and waits for the server to notice. */
async function leave({ client, socket }: Made, end: () => void): Promise<void> {
  end();
  await client.closed;
  await eventually(() => expect(socket.destroyed).toBe(true));
  if (!socket.closed) await once(socket, 'close');
}

beforeEach(leaveNoSocket);

describe('a server, by the vectors of sessions:', () => {
  for (const story of stories) {
    it(story.name, async () => {
      const play = await Play.of(story);
      for (const step of story.steps) await play.take(step);
      play.end();
    });
  }

  it('each verdict of the SPEC on who gets the session is in one', () => {
    const codes = stories.flatMap(({ steps }) =>
      steps.flatMap((step) =>
        'hears' in step && step.hears[0] === REJECT ? [(step.hears[2] as Body)['code']] : [],
      ),
    );
    expect(new Set(codes)).toEqual(
      new Set([
        ...['SESSION_GONE', 'SUPERSEDED', 'TOO_MANY', 'REJECTED', 'SEQUENCE_BROKEN'],
        'CODEC_UNSUPPORTED',
      ]),
    );
  });
});
