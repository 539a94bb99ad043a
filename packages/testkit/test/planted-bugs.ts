import type { Law } from '../src/simulator/case.ts';
import type { Mutation } from './simulator-bundle.ts';

/** A bug that others have made, or that the design was made to keep out. */
export interface PlantedBug {
  readonly title: string;
  readonly mutations: readonly Mutation[];
  /** The first seed that finds it, from 1 on: so many it takes. */
  readonly seed: number;
  /** Those that it breaks with the first seed that finds it. */
  readonly laws: readonly Law[];
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    title: 'a frame is acknowledged before it has come',
    seed: 4,
    laws: ['lost'],
    mutations: [
      {
        file: 'protocol/src/session.ts',
        find: 'this.say(ackFrame(this.#inbox.received));',
        replace: 'this.say(ackFrame(this.#inbox.received + 1));',
      },
    ],
  },
  {
    title: 'a frame is forgotten once it is written, not once it is acknowledged',
    seed: 4,
    laws: ['silent'],
    mutations: [
      {
        file: 'protocol/src/backlog.ts',
        find: 'this.bytes += frame.length;\n    this.#sent++;',
        replace:
          'this.bytes += frame.length;\n    this.#sent++;\n    this.acknowledge(this.#sent);',
      },
    ],
  },
  {
    title: 'the replay begins at the wrong number',
    seed: 4,
    laws: ['silent'],
    mutations: [
      {
        file: 'protocol/src/backlog.ts',
        find: 'this.#sent = Math.max(received, this.#dropped);',
        replace: 'this.#sent = Math.min(Math.max(received + 1, this.#dropped), this.written);',
      },
    ],
  },
  {
    title: 'what comes twice is taken twice',
    seed: 10,
    laws: ['doubled'],
    mutations: [
      {
        file: 'protocol/src/driver.ts',
        find: 'if (from !== this.#connection) return;',
        replace: '',
      },
      {
        file: 'protocol/src/inbox.ts',
        find: 'if (this.#arriving++ <= this.received) return false;',
        replace: 'this.#arriving++;',
      },
    ],
  },
  {
    title: 'the end of a connection that was left detaches the one that took its place',
    seed: 43,
    laws: ['fault'],
    mutations: [
      {
        file: 'protocol/src/driver.ts',
        find: 'if (connection !== this.#connection) return;',
        replace: '',
      },
    ],
  },
  {
    title: 'a hello that comes late takes the session from the connection that has it',
    seed: 1,
    laws: ['fault'],
    mutations: [
      {
        file: 'server/src/sessions.ts',
        find: 'if (attempt <= session.attempt) return SUPERSEDED;',
        replace: '',
      },
      {
        file: 'server/src/greeting.ts',
        find: 'if (hello.attempt <= session.attempt) return this.refuse(SUPERSEDED);',
        replace: '',
      },
    ],
  },
  {
    title: 'a peer that is silent is never given up',
    seed: 8,
    laws: ['silent'],
    mutations: [
      {
        file: 'protocol/src/driver.ts',
        find: 'else if (this.#misses === MISSES_MAX) {',
        replace: 'else if (this.#misses === Infinity) {',
      },
    ],
  },
  {
    title: 'a producer that waits is not told to go on',
    seed: 1,
    laws: ['lost'],
    mutations: [
      {
        file: 'protocol/src/streams.ts',
        find: 'for (const stream of streams) this.#tell(call, stream, ROOM);',
        replace: '',
      },
    ],
  },
  {
    title: 'what is put together of pieces is forgotten with the connection',
    seed: 41,
    laws: ['lost'],
    mutations: [
      {
        file: 'protocol/src/session.ts',
        find: "this.#state = 'detached';\n    this.#control.clear();",
        replace:
          "this.#state = 'detached';\n    this.#control.clear();\n    this.#assemblies.clear();",
      },
    ],
  },
  {
    title: 'a `cancel` is not said',
    seed: 41,
    laws: ['leaked'],
    mutations: [
      {
        file: 'protocol/src/caller.ts',
        find: 'this.#outbox.push(call.id, this.#codec.encode(cancelFrame(call.id)));',
        replace: '',
      },
    ],
  },
  {
    title: 'the client does not clear a timer',
    seed: 1,
    laws: ['leaked'],
    mutations: [
      {
        file: 'client/src/session.ts',
        find: 'clearInterval(this.#keepAlive);',
        replace: '',
      },
    ],
  },
  {
    title: 'the server keeps a session whose client never came',
    seed: 94,
    laws: ['leaked'],
    mutations: [
      {
        file: 'server/src/greeting.ts',
        find: 'if (--session.admitting === 0 && session.attempt === 0) session.expire();',
        replace: '',
      },
    ],
  },
  {
    title: 'a session that lost its connection is kept for ever',
    seed: 12,
    laws: ['leaked'],
    mutations: [
      {
        file: 'server/src/sessions.ts',
        find: 'if (untilMs <= nowMs) session.expire();',
        replace: ';',
      },
    ],
  },
  {
    title: 'a call that was written is said not to be executed',
    seed: 1,
    laws: ['dishonest'],
    mutations: [
      {
        file: 'client/src/call.ts',
        find: "(number > 0 && number <= received) ? 'unknown' : 'not-executed'",
        replace: "(number > received) ? 'unknown' : 'not-executed'",
      },
    ],
  },
  {
    title: 'the record of a `once` procedure is not looked at',
    seed: 3,
    laws: ['doubled'],
    mutations: [
      {
        file: 'server/src/journal.ts',
        find: 'const known = this.#entries.get(name);\n    if (known !== undefined) {',
        replace: 'const known = this.#entries.get(name);\n    if (false) {',
      },
    ],
  },
  {
    title: 'a mutation that nobody recorded is run again',
    seed: 23,
    laws: ['doubled'],
    mutations: [
      {
        file: 'server/src/session.ts',
        find: "if (call.options.again !== undefined) running.refuse('SESSION_LOST');\n    else running.start();",
        replace: 'running.start();',
      },
    ],
  },
  {
    title: 'the server says of a session that is gone that it had received nothing',
    seed: 3,
    laws: ['doubled'],
    mutations: [
      {
        file: 'server/src/sessions.ts',
        find: 'const { received } = books;',
        replace: 'const received = Math.min(books.received, 0);',
      },
    ],
  },
  {
    title: 'an item without an id makes the client forget the last one',
    seed: 11,
    laws: ['doubled'],
    mutations: [
      {
        file: 'client/src/call.ts',
        find: 'this.lastEventId = id ?? this.lastEventId;',
        replace: 'this.lastEventId = id;',
      },
    ],
  },
  {
    title: 'the caller of a stream is not told that it begins anew',
    seed: 8,
    laws: ['doubled'],
    mutations: [
      {
        file: 'client/src/calls.ts',
        find: 'if (call.lastEventId === undefined) call.connecting(error);',
        replace: '',
      },
    ],
  },
  {
    title: 'what has begun on a server that leaves is asked of the next one too',
    seed: 45,
    laws: ['doubled'],
    mutations: [
      {
        file: 'client/src/calls.ts',
        find: "if (call.outcome() === 'unknown' && call.lastEventId === undefined) continue;",
        replace: '',
      },
    ],
  },
  {
    title: 'calls that come together are started in reverse',
    seed: 39,
    laws: ['out-of-order'],
    mutations: [
      {
        file: 'protocol/src/callee.ts',
        find: 'for (const call of this.#arrived) {',
        replace: 'for (const call of [...this.#arrived].reverse()) {',
      },
    ],
  },
  {
    title: 'a server takes a client for its own that another server named',
    seed: 1911,
    laws: ['dishonest'],
    mutations: [
      {
        file: 'server/src/sessions.ts',
        find: 'if (node !== undefined && node !== this.#node) return SESSION_GONE;',
        replace: '',
      },
    ],
  },
  {
    title: 'a first hello that comes late makes its session again',
    seed: 1116,
    laws: ['doubled'],
    mutations: [
      {
        file: 'server/src/sessions.ts',
        find: 'if (gone !== undefined) {',
        replace: 'if (gone !== undefined && attempt > 1) {',
      },
    ],
  },
  {
    title: 'a session is served on when its credentials have expired',
    seed: 381,
    laws: ['fault'],
    mutations: [
      {
        file: 'server/src/expiry.ts',
        find: "if (nowMs >= this.#atMs) return 'end';",
        replace: '',
      },
    ],
  },
  {
    title: 'a client is not asked for fresh params before its credentials expire',
    seed: 695,
    laws: ['lost'],
    mutations: [
      {
        file: 'server/src/expiry.ts',
        find: "if (nowMs < this.#askAtMs) return 'nothing';",
        replace: "if (nowMs >= 0) return 'nothing';",
      },
    ],
  },
];
