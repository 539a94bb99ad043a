import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { initTRPC } from '@trpc/server';
import {
  createServer,
  memoryJournal,
  once,
  type Journal,
  type ResumeOptions,
  type Session,
} from '@openline/server';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { MemoryClient, MemorySession, pass, stopTheClock, turn } from './server-memory.ts';
import { CALL, ERROR, MUTATION, QUERY, RESULT, WELCOME } from './server-raw.ts';
import { Gate } from './server-support.ts';

/*
 * A run of a `once` procedure goes on when its session is over, so that no cap of a session holds it
 * any more (case 26).
 */

const CALLS_MAX = 4;

/** A server in memory whose runs end when the test says so. */
function paying(options: { readonly resume?: ResumeOptions; readonly journal?: Journal } = {}) {
  const t = initTRPC.create();
  const runs: { readonly input: unknown; readonly gate: Gate<string>; signal: AbortSignal }[] = [];
  const sessions: Session[] = [];
  const router = t.router({
    pay: t.procedure
      .concat(once)
      .input((value: unknown) => value)
      .mutation(({ input, signal }) => {
        const gate = new Gate<string>();
        runs.push({ input, gate, signal: signal! });
        return gate.promise;
      }),
    plain: t.procedure.query(() => 'plain'),
  });
  const server = createServer({
    router,
    limits: { callsMax: CALLS_MAX },
    createContext: ({ session, params }): object => {
      const { name } = (params ?? {}) as { readonly name?: string };
      if (name !== undefined) session.identify(name);
      sessions.push(session);
      return {};
    },
    ...options,
  });
  onTestFinished(() => server.close());
  return { server, runs, sessions };
}

type Paying = ReturnType<typeof paying>;

/** Answers of a connection, by the id of the call. */
function answersOf(client: MemoryClient): readonly unknown[] {
  return client.counted.map(([tag, id, what]) => [tag, id, what]);
}

/** One client after another makes as many calls as it may, and closes its line. */
async function flood({ server }: Paying, times: number, name?: string): Promise<void> {
  for (let i = 0; i < times; i++) {
    const client = await new MemorySession(server).attach({ params: { name } });
    client.say(...[1, 3, 5, 7].map((id) => [CALL, id, MUTATION, 'pay', 0, i]));
    await turn();
    client.close(1000);
    await turn();
  }
}

beforeEach(stopTheClock);

describe('runs whose session is over (case 26)', () => {
  it('are no more of one client than may be, however often it comes', async () => {
    const made = paying({ resume: { onceRunsPerIdentityMax: 10 } });
    await flood(made, 50, 'ada');
    // The last one that came had room when it began.
    expect(made.runs.length).toBeLessThan(10 + CALLS_MAX);
    expect(made.runs.length).toBeGreaterThanOrEqual(10);
    expect(made.runs.map(({ signal }) => signal.aborted)).not.toContain(true);
    const client = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    client.say([CALL, 1, MUTATION, 'pay', 0, 'more']);
    await turn();
    client.say([CALL, 3, QUERY, 'plain', 0]);
    await turn();
    expect(answersOf(client)).toEqual([
      [ERROR, 1, 'BUSY'],
      [RESULT, 3, 'plain'],
    ]);
  });

  it('are a hundred of one client unless the server says otherwise', async () => {
    const made = paying();
    await flood(made, 50, 'ada');
    expect(made.runs.length).toBe(100);
  });

  it.each(['bob', undefined])('of one client leave room for %s', async (name) => {
    const made = paying({ resume: { onceRunsPerIdentityMax: 10 } });
    await flood(made, 50, 'ada');
    const client = await new MemorySession(made.server).attach({ params: { name } });
    client.say([CALL, 1, MUTATION, 'pay', 0, 'other']);
    await turn();
    expect(made.runs.at(-1)?.input).toBe('other');
  });

  it('of clients that nobody knows count together', async () => {
    const made = paying({ resume: { onceRunsPerIdentityMax: 10 } });
    await flood(made, 50);
    expect(made.runs.length).toBeLessThan(10 + CALLS_MAX);
    const known = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    known.say([CALL, 1, MUTATION, 'pay', 0, 'known']);
    await turn();
    expect(made.runs.at(-1)?.input).toBe('known');
  });

  it('are no more in all than may be, whoever they are of', async () => {
    const made = paying({ resume: { onceRunsMax: 20, onceRunsPerIdentityMax: 10 } });
    for (const name of ['ada', 'bob', 'eve', 'mallory', undefined]) await flood(made, 10, name);
    expect(made.runs.length).toBeGreaterThanOrEqual(20);
    expect(made.runs.length).toBeLessThan(20 + CALLS_MAX);
  });

  it('do not count while their session lives, nor once they have ended', async () => {
    const made = paying({ resume: { onceRunsPerIdentityMax: 1 } });
    const own = new MemorySession(made.server);
    const first = await own.attach({ params: { name: 'ada' } });
    first.say([CALL, 1, MUTATION, 'pay', 0, 1], [CALL, 3, MUTATION, 'pay', 0, 2]);
    first.close(); // It is cut, and its session waits.
    await turn();
    const second = await own.attach({ params: { name: 'ada' } });
    second.say([CALL, 5, MUTATION, 'pay', 0, 3]);
    await turn();
    expect(made.runs.length).toBe(3);
    second.close(1000);
    await turn();
    const other = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    other.say([CALL, 1, MUTATION, 'pay', 0, 4]);
    await turn();
    expect(answersOf(other)).toEqual([[ERROR, 1, 'BUSY']]);
    for (const { gate } of made.runs) gate.open('paid');
    await turn();
    other.say([CALL, 3, MUTATION, 'pay', 0, 5]);
    await turn();
    expect(made.runs.map(({ input }) => input)).toEqual([1, 2, 3, 5]);
  });

  it('are found again by who asks for their outcome, also where they are too many', async () => {
    const made = paying({ resume: { onceRunsPerIdentityMax: 1 } });
    const first = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    first.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
    await turn();
    first.close(1000);
    await turn();
    const second = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    second.say(
      [CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a'],
      [CALL, 3, MUTATION, 'pay', { key: 'l' }, 'a'],
    );
    await turn();
    made.runs[0]!.gate.open('paid');
    await turn();
    // What was refused was not recorded: it may be made again.
    second.say([CALL, 5, MUTATION, 'pay', { key: 'l' }, 'a']);
    await turn();
    made.runs[1]!.gate.open('paid again');
    await turn();
    expect(answersOf(second)).toEqual([
      [ERROR, 3, 'BUSY'],
      [RESULT, 1, 'paid'],
      [RESULT, 5, 'paid again'],
    ]);
  });

  it('count until their outcome is recorded', async () => {
    const memory = memoryJournal();
    let isAway = true;
    const journal: Journal = {
      epoch: memory.epoch,
      begin: (entry) => memory.begin(entry),
      withdraw: (entry) => memory.withdraw(entry),
      finish: (entry, outcome) =>
        isAway ? Promise.reject(new Error('away')) : memory.finish(entry, outcome),
    };
    const made = paying({ journal, resume: { onceRunsPerIdentityMax: 1 } });
    await flood(made, 1, 'ada');
    for (const { gate } of made.runs) gate.open('paid');
    await pass(1_000);
    const client = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    client.say([CALL, 1, MUTATION, 'pay', 0, 'more']);
    await turn();
    isAway = false;
    await pass(10_000);
    client.say([CALL, 3, MUTATION, 'pay', 0, 'later']);
    await turn();
    expect(answersOf(client)).toEqual([[ERROR, 1, 'BUSY']]);
    expect(made.runs.at(-1)?.input).toBe('later');
  });

  it.each([{ onceRunsMax: 0 }, { onceRunsPerIdentityMax: 0 }])('are not %j', (resume) => {
    expect(() => paying({ resume })).toThrow(RangeError);
  });
});

describe('a call that has not begun when its session ends', () => {
  it('is not run, since nobody is there', async () => {
    const memory = memoryJournal();
    const asked = new Gate();
    const withdrawn: string[] = [];
    const journal: Journal = {
      epoch: memory.epoch,
      finish: (entry, outcome) => memory.finish(entry, outcome),
      begin: async (entry) => (await asked.promise, memory.begin(entry)),
      withdraw: (entry) => (withdrawn.push(entry.path), memory.withdraw(entry)),
    };
    const made = paying({ journal });
    await flood(made, 1);
    asked.open();
    await turn();
    expect([made.runs.length, withdrawn]).toEqual([0, ['pay', 'pay', 'pay', 'pay']]);
  });
});

describe('a call that waits for the run of another', () => {
  it('is let go of with its session, however long that takes', async () => {
    const made = paying();
    const first = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
    first.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
    await turn();
    const left: WeakRef<Session>[] = [];
    for (let i = 0; i < 20; i++) {
      await waitAndLeave(made);
      left.push(weakly(made.sessions.pop()!));
    }
    for (let i = 0; i < 10; i++) {
      await turn();
      collectGarbage();
    }
    // Not the sessions themselves: the error of a check that fails would keep hold of them.
    expect(left.filter((session) => session.deref() !== undefined).length).toBe(0);
    made.runs[0]!.gate.open('paid');
    await turn();
    expect([made.runs.length, answersOf(first)]).toEqual([1, [[RESULT, 1, 'paid']]]);
  });

  it('is answered with the others that wait for it', async () => {
    const made = paying();
    const clients: MemoryClient[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await new MemorySession(made.server).attach({ params: { name: 'ada' } });
      client.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
      await turn();
      clients.push(client);
    }
    clients[1]!.close(1000);
    await turn();
    made.runs[0]!.gate.open('paid');
    await turn();
    expect(clients.map(answersOf)).toEqual([[[RESULT, 1, 'paid']], [], [[RESULT, 1, 'paid']]]);
    expect(clients[1]!.heard.map(([tag]) => tag)).toEqual([WELCOME]);
  });
});

async function waitAndLeave({ server }: Paying): Promise<void> {
  const client = await new MemorySession(server).attach({ params: { name: 'ada' } });
  client.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
  await turn();
  client.close(1000);
  await turn();
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** In a function of its own, so that the caller keeps no hold of it while it waits. */
function weakly<T extends object>(value: T): WeakRef<T> {
  return new WeakRef(value);
}
