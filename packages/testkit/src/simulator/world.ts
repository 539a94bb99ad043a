import { later } from '../network/later.ts';
import { MemoryNetwork } from '../network/network.ts';
import { createRandom, type Random } from '../random.ts';
import type { App } from './app.ts';
import { SimulatedClient } from './client.ts';
import { SharedJournal } from './journals.ts';
import type { Log } from './log.ts';
import { SimulatedNode } from './node.ts';
import type { Story, StorySettings } from './story.ts';

/** Servers, clients and the network between them, while a story happens. */
export class World {
  readonly clients: readonly SimulatedClient[];
  readonly network: MemoryNetwork;
  /** All that ever were. */
  readonly nodes: SimulatedNode[] = [];
  readonly #log: Log;
  readonly #settings: StorySettings;
  readonly #app: App;
  readonly #random: Random;
  /** The node that has each place in the story; another one after a death or a drain. */
  readonly #places: (SimulatedNode | undefined)[] = [];
  readonly #lastOf = new Map<number, SimulatedNode>();
  #journal = new SharedJournal();
  /** Steps that have not come to their end. */
  pending = 0;

  constructor({ seed, settings }: Story, app: App, log: Log) {
    this.#log = log;
    this.#settings = settings;
    this.#random = createRandom(seed + 1);
    this.#app = app;
    this.network = new MemoryNetwork(
      {
        ...settings,
        route: (client) => this.#route(client),
        forsaken: (by, ageMs) => {
          // Younger ones may be given up with the attempt to make them.
          if (ageMs < settings.keepAliveMs * 3) return;
          log.fault(`a connection that nothing was wrong with was dropped, ${by}`);
        },
      },
      this.#random,
    );
    for (let place = 0; place < settings.servers; place++) this.#start(place);
    this.clients = Array.from(
      { length: settings.lines },
      (_, index) => new SimulatedClient(index, this.network, log),
    );
  }

  /** Sessions that are not over. */
  get sessionCount(): number {
    return this.nodes.reduce((sum, { sessionCount }) => sum + sessionCount, 0);
  }

  /** Takes a step after a while; until then the story is not over. */
  later(ms: number, step: () => void): void {
    this.pending++;
    later(ms, () => {
      this.pending--;
      step();
    });
  }

  nodeAt(place: number): SimulatedNode | undefined {
    return this.#places[place];
  }

  /** It dies with all its memory. `false`: nobody was there. */
  kill(
    place: number,
    how: {
      readonly vanishes: boolean;
      readonly losesJournal: boolean;
      readonly backAfterMs: number;
    },
  ): boolean {
    const node = this.#places[place];
    if (node === undefined) return false;
    this.#places[place] = undefined;
    for (const link of this.network.linksTo(node)) {
      if (how.vanishes) for (const pipe of link.pipes('both')) pipe.darken('swallows');
      else link.cut();
    }
    node.die();
    if (how.losesJournal) this.#journal = new SharedJournal();
    this.later(how.backAfterMs, () => this.#start(place));
    return true;
  }

  /** Another server is there before this one goes. `false`: nobody has to leave it. */
  drain(
    place: number,
    { timeoutMs, spreadMs }: { readonly timeoutMs: number; readonly spreadMs: number },
  ): boolean {
    const node = this.#places[place];
    if (node === undefined) return false;
    const isUsed = this.network.linksTo(node).length > 0 || node.sessionCount > 0;
    this.#start(place);
    this.pending++;
    node.drain(timeoutMs, spreadMs, () => this.pending--);
    return isUsed;
  }

  #start(place: number): void {
    const name = `server ${this.nodes.length}`;
    const node = new SimulatedNode(name, this.#app, this.#log, this.#journal, this.#settings);
    this.nodes.push(node);
    this.#places[place] = node;
  }

  #route(client: number): SimulatedNode | undefined {
    const last = this.#lastOf.get(client);
    if (this.#settings.isSticky && last?.takesClients === true) return last;
    const free = this.#places.filter((node) => node?.takesClients === true);
    if (free.length === 0) return undefined;
    const node = this.#random.pick(free);
    if (node !== undefined) this.#lastOf.set(client, node);
    return node;
  }
}
