import { initTRPC, lazy, TRPCError } from '@trpc/server';
import { callOptions, lineError, openLine, outcomeOf, type Line } from '@openline/client';
import {
  createServer,
  memoryJournal,
  once,
  type Journal,
  type OpenlineMeta,
} from '@openline/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import {
  CALL,
  CANCEL,
  ERROR,
  HELLO,
  helloBody,
  MUTATION,
  RawClient,
  RESULT,
  token,
  WELCOME,
} from './server-raw.ts';
import { eventually, failureOf, Gate, leaveNoSocket, serve } from './server-support.ts';

interface World {
  readonly url: string;
  /** Inputs of runs, in order. */
  readonly runs: string[];
  readonly gate: Gate<string>;
}

const t = initTRPC.create();

function routerOf({ runs, gate }: Omit<World, 'url'>) {
  const run = (input: string): void => void runs.push(input);
  const marked = t.procedure.concat(once).input(z.string());
  return t.router({
    pay: marked.mutation(async ({ input }) => {
      run(input);
      return `${input} paid ${await gate.promise}`;
    }),
    fail: marked.mutation(async ({ input }) => {
      run(input);
      throw new TRPCError({ code: 'CONFLICT', message: await gate.promise });
    }),
    slow: marked.mutation(
      ({ input, signal }) =>
        new Promise((_, reject) => {
          run(input);
          signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    ),
    nothing: marked.mutation(({ input }) => run(input)),
    plain: t.procedure.input(z.string()).mutation(async ({ input }) => {
      run(input);
      return gate.promise;
    }),
    later: lazy(async () => ({
      router: t.router({ pay: marked.mutation(({ input }) => (run(input), `${input} paid`)) }),
    })),
  });
}

type Router = ReturnType<typeof routerOf>;

async function world(
  options: {
    readonly journal?: Journal;
    readonly identity?: string;
    readonly windowMs?: number;
  } = {},
): Promise<World> {
  const { journal, identity, windowMs } = options;
  const made = { runs: [] as string[], gate: new Gate<string>() };
  const server = createServer({
    router: routerOf(made),
    journal,
    resume: { windowMs },
    keepAliveMs: 100,
    createContext: ({ session, params }): object => {
      const name = identity ?? (params as { readonly name?: string } | undefined)?.name;
      if (name !== undefined) session.identify(name);
      return {};
    },
  });
  return { ...made, ...(await serve(server)) };
}

const lines: Pick<Line, 'close'>[] = [];
function lineTo(url: string | (() => string)): Line<Router> {
  const line = openLine<Router>({ url });
  lines.push(line);
  return line;
}

/** A session of its own, to say calls in as a line would. */
async function sessionAt({ url }: World, name?: string) {
  const [id, secret] = [token(), token()];
  const client = await RawClient.connect(url);
  client.say([HELLO, 1, helloBody({ session: id, secret, params: { name } })]);
  const [, , welcome] = await client.hears(WELCOME);
  return { id, secret, client, journal: (welcome as { readonly journal: string }).journal };
}

/** Asks for a mutation whose first sending was in another session. */
async function again(
  at: World,
  path: string,
  input: string,
  first: readonly unknown[],
  name?: string,
) {
  const { client } = await sessionAt(at, name);
  client.say([CALL, 1, MUTATION, path, { again: first }, input]);
  return (await client.answer(1)).slice(0, 3);
}

beforeEach(leaveNoSocket);
afterEach(async () => {
  for (const line of lines.splice(0)) await line.close();
});

describe('a call of a procedure that is marked once', () => {
  it('that was cut off from its answer gets it in another session', async () => {
    const made = await world();
    const { secret, client, journal } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'pay', 0, 'a']);
    await eventually(() => expect(made.runs).toEqual(['a']));
    client.webSocket.close(1000);
    const answer = again(made, 'pay', 'a', [secret, 1, journal, 10]);
    made.gate.open('in full');
    expect(await answer).toEqual([RESULT, 1, 'a paid in full']);
    expect(await again(made, 'pay', 'a', [secret, 1, journal, 20])).toEqual([
      RESULT,
      1,
      'a paid in full',
    ]);
    expect(made.runs).toEqual(['a']);
  });

  it('gets its error again, as it was answered', async () => {
    const made = await world();
    const { secret, client, journal } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'fail', 0, 'a']);
    await eventually(() => expect(made.runs).toEqual(['a']));
    client.webSocket.close(1000);
    made.gate.open('taken');
    const second = await sessionAt(made);
    second.client.say([CALL, 1, MUTATION, 'fail', { again: [secret, 1, journal, 10] }, 'a']);
    const [tag, , code, shape] = await second.client.answer(1);
    expect([tag, code]).toEqual([ERROR, 0]);
    expect(shape).toMatchObject({ message: 'taken', data: { code: 'CONFLICT' } });
    expect(made.runs).toEqual(['a']);
  });

  it('is run where it surely was not', async () => {
    const made = await world();
    const { secret, journal } = await sessionAt(made);
    expect(await again(made, 'nothing', 'a', [secret, 1, journal, 10])).toEqual([RESULT, 1]);
    expect(made.runs).toEqual(['a']);
  });

  it.each<{ what: string; first: (secret: string, journal: string) => readonly unknown[] }>([
    { what: 'under another epoch', first: (secret) => [secret, 1, 'another', 10] },
    {
      what: 'longer ago than records are kept',
      first: (secret, journal) => [secret, 1, journal, 600_000],
    },
  ])('that has no record and was sent $what is unknown, and not run', async ({ first }) => {
    const made = await world();
    const { secret, journal } = await sessionAt(made);
    expect(await again(made, 'nothing', 'a', first(secret, journal))).toEqual([
      ERROR,
      1,
      'SESSION_LOST',
    ]);
    expect(made.runs).toEqual([]);
  });

  it('is not given to who knows the id of its session, and not its secret', async () => {
    const made = await world();
    made.gate.open('in full');
    const { id, client, journal } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'pay', 0, 'a']);
    expect(await client.answer(1)).toEqual([RESULT, 1, 'a paid in full']);
    expect(await again(made, 'nothing', 'a', [id, 1, journal, 10])).toEqual([RESULT, 1]);
    // Nor can what the session has not called yet be called in its place.
    expect(await again(made, 'pay', 'stolen', [id, 3, journal, 10])).toEqual([
      RESULT,
      1,
      'stolen paid in full',
    ]);
    client.say([CALL, 3, MUTATION, 'pay', 0, 'b']);
    expect(await client.answer(3)).toEqual([RESULT, 3, 'b paid in full']);
    expect(made.runs).toEqual(['a', 'a', 'stolen', 'b']);
  });

  it('is another call in the session of somebody else', async () => {
    const made = await world();
    const { secret, client, journal } = await sessionAt(made, 'ada');
    made.gate.open('in full');
    client.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
    await client.answer(1);
    client.say([CALL, 3, MUTATION, 'pay', { key: 'k' }, 'a']);
    await client.answer(3);
    expect(made.runs).toEqual(['a']);
    const other = await sessionAt(made, 'bob');
    other.client.say([CALL, 1, MUTATION, 'pay', { key: 'k', again: [secret, 1, journal, 1] }, 'a']);
    await other.client.answer(1);
    const nobody = await sessionAt(made);
    nobody.client.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
    await nobody.client.answer(1);
    expect(made.runs).toEqual(['a', 'a', 'a']);
  });

  it.each([
    { what: 'input', path: 'pay', input: 'b' },
    { what: 'path', path: 'nothing', input: 'a' },
    { what: 'path, of a router not loaded yet', path: 'later.pay', input: 'a' },
  ])('case 33: is refused with a key that was used with another $what', async ({ path, input }) => {
    const made = await world();
    made.gate.open('in full');
    const { client } = await sessionAt(made, 'ada');
    client.say([CALL, 1, MUTATION, 'pay', { key: 'k' }, 'a']);
    await client.answer(1);
    client.say([CALL, 3, MUTATION, path, { key: 'k' }, input]);
    expect((await client.answer(3)).slice(0, 3)).toEqual([ERROR, 3, 'KEY_REUSED']);
    client.say([CALL, 5, MUTATION, 'pay', { key: 'k' }, 'a']);
    expect(await client.answer(5)).toEqual([RESULT, 5, 'a paid in full']);
    expect(made.runs).toEqual(['a']);
  });

  it('in a router that is loaded when it is first called, is recorded as well', async () => {
    const made = await world();
    const { secret, client, journal } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'later.pay', 0, 'a']);
    expect(await client.answer(1)).toEqual([RESULT, 1, 'a paid']);
    const answer = await again(made, 'later.pay', 'a', [secret, 1, journal, 10]);
    expect(answer).toEqual([RESULT, 1, 'a paid']);
    expect(made.runs).toEqual(['a']);
  });

  it('ends with its own deadline, also when its session is over', async () => {
    const made = await world();
    const { secret, client, journal } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'slow', { timeout: 300 }, 'a']);
    await eventually(() => expect(made.runs).toEqual(['a']));
    client.webSocket.close(1000);
    const answer = await again(made, 'slow', 'a', [secret, 1, journal, 10]);
    expect(answer).toEqual([ERROR, 1, 0]);
  });

  it('that is cancelled is aborted, and this is its outcome', async () => {
    const made = await world();
    const { secret, client, journal } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'slow', 0, 'a']);
    await eventually(() => expect(made.runs).toEqual(['a']));
    client.say([CANCEL, 1]);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'ABORTED']);
    expect(await again(made, 'slow', 'a', [secret, 1, journal, 10])).toEqual([ERROR, 1, 0]);
  });

  it('is not started where it cannot be recorded', async () => {
    const broken: Journal = {
      ...memoryJournal(),
      epoch: 'broken',
      begin: () => Promise.reject(new Error('away')),
    };
    const made = await world({ journal: broken });
    const { client } = await sessionAt(made);
    client.say([CALL, 1, MUTATION, 'nothing', 0, 'a'], [CALL, 3, MUTATION, 'plain', 0, 'b']);
    expect(await client.answer(1)).toEqual([ERROR, 1, 'BUSY']);
    await eventually(() => expect(made.runs).toEqual(['b']));
  });

  it('is answered only once its outcome is recorded', async () => {
    const memory = memoryJournal();
    const failures = [new Error('away'), new Error('away still')];
    const finished: unknown[] = [];
    const journal: Journal = {
      epoch: memory.epoch,
      begin: (entry) => memory.begin(entry),
      withdraw: (entry) => memory.withdraw(entry),
      finish: async (entry, outcome) => {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
        finished.push(outcome);
        await memory.finish(entry, outcome);
      },
    };
    const { client } = await sessionAt(await world({ journal }));
    client.say([CALL, 1, MUTATION, 'nothing', 0, 'a']);
    await client.answer(1);
    expect(finished).toEqual([{ kind: 'result', json: undefined }]);
  });
});

describe('a procedure that is not marked', () => {
  it('is never run again for a call that was sent before', async () => {
    const made = await world();
    const { secret, journal } = await sessionAt(made);
    expect(await again(made, 'plain', 'a', [secret, 1, journal, 1])).toEqual([
      ERROR,
      1,
      'SESSION_LOST',
    ]);
    expect(await again(made, 'no.such', 'a', [secret, 1, journal, 1])).toEqual([
      ERROR,
      1,
      'SESSION_LOST',
    ]);
    expect(made.runs).toEqual([]);
  });

  it.each([
    { again: 1 },
    { again: [] },
    { again: ['s', 1, 'j'] },
    { again: ['s', 0, 'j', 1] },
    { again: ['s', 1, 'j', -1] },
    { key: '' },
    { key: 'k'.repeat(257) },
    { key: 1 },
  ])('is not asked for with %j', async (options) => {
    const { client } = await sessionAt(await world());
    client.say([CALL, 1, MUTATION, 'plain', options, 'a']);
    expect(await client.closed).toMatchObject({ code: 4400 });
  });
});

describe('a line whose session is lost', () => {
  it('gets the outcome of a marked mutation, and does not know that of another', async () => {
    const made = await world({ windowMs: 0 });
    const sockets: { terminate(): void }[] = [];
    const { WebSocket } = await import('ws');
    class Cut extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const line = openLine<Router>({ url: made.url, WebSocket: Cut });
    lines.push(line);
    const api = line.client();
    const paid = api.pay.mutate('a');
    const plain = failureOf(api.plain.mutate('b'));
    await eventually(() => expect([...made.runs].sort()).toEqual(['a', 'b']));
    for (const socket of sockets.splice(0)) socket.terminate();
    const error = await plain;
    expect([outcomeOf(error), lineError(error)?.code]).toEqual(['unknown', 'SESSION_LOST']);
    made.gate.open('in full');
    expect(await paid).toBe('a paid in full');
    expect([...made.runs].sort()).toEqual(['a', 'b']);
  });

  it('makes calls with one key one call', async () => {
    const made = await world({ identity: 'ada' });
    const api = lineTo(made.url).client();
    const options = callOptions({ idempotencyKey: 'order 7' });
    const both = Promise.all([api.pay.mutate('a', options), api.pay.mutate('a', options)]);
    await eventually(() => expect(made.runs).toEqual(['a']));
    made.gate.open('in full');
    expect(await both).toEqual(['a paid in full', 'a paid in full']);
    const other = await failureOf(api.pay.mutate('b', options));
    expect([outcomeOf(other), lineError(other)?.code]).toEqual(['not-executed', 'KEY_REUSED']);
    expect(made.runs).toEqual(['a']);
  });

  it('takes no key that a server would not', () => {
    expect(() => callOptions({ idempotencyKey: '' })).toThrow(RangeError);
    expect(() => callOptions({ idempotencyKey: 'k'.repeat(257) })).toThrow(RangeError);
  });
});

describe('a journal in memory', () => {
  const entry = { scope: 's', path: 'p', requestHash: 'h' };
  const outcome = { kind: 'result', json: '"x"' } as const;

  it('does not vouch for calls as old as what it has forgotten', async () => {
    const journal = memoryJournal({ recordsMax: 2 });
    const { epoch } = journal;
    const states: string[] = [];
    for (const key of ['1', '2', '3']) {
      states.push((await journal.begin({ ...entry, key })).state);
      await journal.finish({ ...entry, key }, outcome);
    }
    const old = { ...entry, key: '1', again: { epoch, ageMs: 60_000 } };
    states.push((await journal.begin(old)).state);
    states.push((await journal.begin({ ...entry, key: '3' })).state);
    expect(states).toEqual(['new', 'new', 'new', 'unknown', 'finished']);
  });

  it('takes no more where everything that it has still runs', async () => {
    const journal = memoryJournal({ recordsMax: 1 });
    await journal.begin({ ...entry, key: '1' });
    expect(await journal.begin({ ...entry, key: '2' })).toEqual({ state: 'full' });
    await journal.withdraw({ ...entry, key: '1' });
    expect(await journal.begin({ ...entry, key: '2' })).toEqual({ state: 'new' });
  });

  it('keeps no more text than it may', async () => {
    const journal = memoryJournal({ lengthMax: 3 });
    for (const key of ['1', '2']) {
      await journal.begin({ ...entry, key });
      await journal.finish({ ...entry, key }, outcome);
    }
    expect((await journal.begin({ ...entry, key: '1' })).state).toBe('new');
    expect((await journal.begin({ ...entry, key: '2' })).state).toBe('finished');
  });

  it.each([{ ttlMs: 0 }, { recordsMax: 0 }, { lengthMax: -1 }])('refuses %j', (options) => {
    expect(() => memoryJournal(options)).toThrow(RangeError);
  });
});

describe('a router with meta of its own', () => {
  it('marks a procedure with its meta', async () => {
    const s = initTRPC.meta<OpenlineMeta & { readonly audit?: boolean }>().create();
    let runs = 0;
    const router = s.router({
      pay: s.procedure.meta({ once: true, audit: true }).mutation(() => ++runs),
      both: s.procedure
        .meta({ audit: true })
        .concat(once)
        .mutation(() => ++runs),
    });
    const { url } = await serve(
      createServer({
        router,
        createContext: ({ session }): object => (session.identify('ada'), {}),
      }),
    );
    const line = openLine<typeof router>({ url });
    lines.push(line);
    const api = line.client();
    const results: number[] = [];
    for (const name of ['pay', 'pay', 'both', 'both'] as const) {
      const options = callOptions({ idempotencyKey: name });
      results.push(await api[name].mutate(undefined, options));
    }
    expect(results).toEqual([1, 1, 2, 2]);
  });
});
