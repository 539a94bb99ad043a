import type { AnyTRPCRouter } from '@trpc/server';
import { createServer, type Connection, type Server, type Session } from '@openline/server';
import type { ConnectionHandler } from '@openline/protocol';
import { Machine } from '../machine.ts';
import type { Acceptor } from '../network/network.ts';
import type { App } from './app.ts';
import { Credentials } from './credentials.ts';
import type { SharedJournal } from './journals.ts';
import type { Log } from './log.ts';
import type { StorySettings } from './story.ts';

/** One server of a story, from its start to its death. */
export class SimulatedNode implements Acceptor {
  readonly name: string;
  readonly machine: Machine = new Machine();
  readonly credentials: Credentials;
  /** What it does counts. */
  isAlive = true;
  isDraining = false;
  /** It has left: what still runs in it goes on. */
  isClosed = false;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #died: () => void;

  constructor(name: string, app: App, log: Log, journal: SharedJournal, settings: StorySettings) {
    this.name = name;
    const { windowMs, sessionsMax, keepAliveMs, contextMs, backlogBytesMax } = settings;
    const access = journal.open(this.machine);
    this.#died = access.died;
    this.credentials = new Credentials(this.machine, settings.credentialsMs, (client) =>
      log.expired(Number(client)),
    );
    const options: Parameters<typeof createServer<AnyTRPCRouter>>[0] = {
      router: app.router,
      keepAliveMs,
      journal: access.journal,
      resume: { windowMs, sessionsMax },
      limits: { backlogBytesMax },
      createContext: async ({ session, params, signal }) => {
        this.#sessions.add(session);
        if (contextMs > 0) await new Promise((resolve) => setTimeout(resolve, contextMs));
        const expiresAtMs = settings.isIdentified
          ? this.credentials.identify(session, String(params), signal)
          : Infinity;
        return app.context({ session, node: this, expiresAtMs });
      },
      onError: ({ error, path }) => {
        if (!app.isMeant(error))
          log.fault(`${name} reports ${error.message} of ${path ?? 'itself'}`);
      },
    };
    this.#server = createServer(options);
  }

  get isListening(): boolean {
    return this.isAlive && !this.isClosed;
  }

  /** It is there for those who have no session yet. */
  get takesClients(): boolean {
    return this.isAlive && !this.isDraining;
  }

  /** Sessions that are not over. */
  get sessionCount(): number {
    let count = 0;
    for (const { signal } of this.#sessions) if (!signal.aborted) count++;
    return count;
  }

  accept(connection: Connection): ConnectionHandler {
    return this.#server.accept(connection);
  }

  /** `drained` is called at the end of it. */
  drain(timeoutMs: number, spreadMs: number, drained: () => void): void {
    this.isDraining = true;
    this.machine.run(() => {
      const done = this.#server.drain({ timeoutMs, spreadMs });
      void done.then(() => (this.isClosed = true)).finally(drained);
    });
  }

  /** Nothing that it does from here on is seen by anybody. Its connections are cut by then. */
  die(): void {
    this.isAlive = false;
    this.#died();
    this.machine.wake();
    this.machine.run(() => void this.#server.close());
  }

  close(): Promise<void> {
    this.isClosed = true;
    return this.#server.close();
  }
}
