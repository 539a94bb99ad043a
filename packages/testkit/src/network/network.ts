import type { Connection, ConnectionHandler, Message } from '@openline/protocol';
import { Machine } from '../machine.ts';
import { createRandom, type Random } from '../random.ts';
import { Hellos, type Which } from './hellos.ts';
import { later } from './later.ts';
import { Link, type Direction, type LinkEnd } from './link.ts';
import type { Felt, PipeSettings } from './pipe.ts';
import { MemoryWebSocket, type Dialler, type WebSocketClass } from './web-socket.ts';

/** Who takes connections: a server, or what stands for it. */
export interface Acceptor {
  accept(connection: Connection): ConnectionHandler;
  readonly isListening: boolean;
  /** Where it runs. */
  readonly machine: Machine;
}

/** Whose connections a proxy makes by itself. */
const NOBODY = -1;

export interface NetworkSettings extends PipeSettings {
  /** Where a client's next connection leads to; `undefined` while nobody is there. */
  readonly route: (client: number) => Acceptor | undefined;
  /** An end has dropped a connection of that age that nothing was done to. */
  readonly forsaken?: ((by: Direction, ageMs: number) => void) | undefined;
}

interface Outage {
  readonly how: 'refuses' | 'silent';
  readonly untilMs: number;
  readonly felt: Felt;
}

/** A connection that was made. */
interface Made {
  readonly link: Link;
  readonly client: number;
  readonly acceptor: Acceptor;
}

/** Connections in memory, and all that can befall them. */
export class MemoryNetwork {
  readonly #settings: NetworkSettings;
  readonly #random: Random;
  #made: Made[] = [];
  readonly #hellos = new Hellos();
  #outage: Outage | undefined;

  constructor(settings: NetworkSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /** Connections that at least one end still has. */
  get size(): number {
    return this.#live().length;
  }

  /** The class with which a client makes its connections. */
  webSocketClass(client: number, machine: Machine): WebSocketClass {
    const dialler: Dialler = {
      machine,
      dial: (_url, made, refused) => this.#dial(client, machine, made, refused),
      said: (message) => this.#hellos.said(client, message),
    };
    return class extends MemoryWebSocket {
      constructor(url: string) {
        super(dialler, url);
      }
    };
  }

  /** The latest connection that the client made and that is not over. */
  latest(client: number): Link | undefined {
    let latest: Link | undefined;
    for (const made of this.#live()) if (made.client === client) latest = made.link;
    return latest;
  }

  /** All connections to whom they lead. */
  linksTo(acceptor: Acceptor): readonly Link[] {
    return this.#live().flatMap((made) => (made.acceptor === acceptor ? [made.link] : []));
  }

  /** Until then no connection is made. `felt`: one was tried. */
  fail(how: 'refuses' | 'silent', untilMs: number, felt: Felt): void {
    this.#outage = { how, untilMs, felt };
  }

  /**
   * A proxy says a hello of the client again, on a connection of its own that it keeps for a while.
   * `answered` is given the answer, where there is one.
   */
  repeatHello(
    client: number,
    which: Which,
    closeAfterMs: number,
    answered: (answer: Message) => void,
  ): void {
    const hello = this.#hellos.get(client, which);
    const acceptor = this.#settings.route(client);
    if (hello === undefined || acceptor === undefined) return;
    acceptor.machine.run(() => {
      if (!acceptor.isListening) return;
      const link = this.#connect(NOBODY, new Machine(), acceptor);
      let isAnswered = false;
      const message = (answer: Message): void => {
        if (!isAnswered) answered(answer);
        isAnswered = true;
      };
      link.client.handle({ message, drained() {}, closed() {} });
      link.client.send([hello]);
      later(closeAfterMs, () => link.cut());
    });
  }

  #live(): readonly Made[] {
    this.#made = this.#made.filter(({ link }) => !link.isOver);
    return this.#made;
  }

  #dial(
    client: number,
    machine: Machine,
    made: (end: LinkEnd) => void,
    refused: () => void,
  ): () => void {
    let isGivenUp = false;
    const { latencyMs, jitterMs } = this.#settings;
    const tripMs = latencyMs + this.#random.integer(0, jitterMs);
    const back = (step: () => void): void => void later(tripMs, () => machine.run(step));
    const refuse = (): void => {
      back(() => {
        if (!isGivenUp) refused();
      });
    };
    // There and back; the server sees the connection in the middle of it.
    later(tripMs, () => {
      if (isGivenUp) return;
      const outage = this.#outage;
      if (outage !== undefined && outage.untilMs > performance.now()) {
        outage.felt();
        if (outage.how === 'refuses') refuse();
        return;
      }
      const acceptor = this.#settings.route(client);
      if (acceptor === undefined) return refuse();
      acceptor.machine.run(() => {
        if (isGivenUp) return;
        if (!acceptor.isListening) return refuse();
        const link = this.#connect(client, machine, acceptor);
        // Where nobody wants it any more when it comes, it is dropped.
        back(() => (isGivenUp ? link.client.abandon() : made(link.client)));
      });
    });
    return () => {
      isGivenUp = true;
    };
  }

  #connect(client: number, machine: Machine, acceptor: Acceptor): Link {
    const { forsaken = () => {} } = this.#settings;
    const random = createRandom(this.#random.integer(0, 2 ** 31 - 1));
    const machines = { client: machine, server: acceptor.machine };
    const link = new Link(
      machines,
      random,
      this.#settings,
      client === NOBODY ? () => {} : forsaken,
    );
    this.#made.push({ link, client, acceptor });
    link.server.handle(acceptor.accept(link.server));
    return link;
  }
}
