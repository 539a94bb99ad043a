import type { PlantedBug } from './planted-bugs.ts';

/** Bugs in streams and their flow control. The last three are real ones that the simulator found. */
export const PLANTED_STREAM_BUGS: readonly PlantedBug[] = [
  {
    title: 'a grant that is lost with its connection is not said again',
    seed: 527,
    laws: ['lost'],
    mutations: [
      {
        file: 'protocol/src/streams.ts',
        find: 'this.#flow.say(id, grantFrame(id, stream, granted));',
        replace: ';',
      },
    ],
  },
  {
    title: 'a grant counts twice',
    seed: 8,
    laws: ['lost'],
    mutations: [
      {
        file: 'protocol/src/flow.ts',
        find: 'this.#granted = Math.max(this.#granted, granted);',
        replace: 'this.#granted += granted;',
      },
    ],
  },
  {
    title: 'a writer does not look at its credit',
    seed: 1,
    laws: ['unbounded'],
    mutations: [
      {
        file: 'protocol/src/flow.ts',
        find: 'return this.#spent >= this.#granted;',
        replace: 'return false;',
      },
    ],
  },
  {
    title: 'a reader gives no credit back',
    seed: 3,
    laws: ['silent'],
    mutations: [
      {
        file: 'protocol/src/flow.ts',
        find: 'this.#consumed += credits;',
        replace: '',
      },
    ],
  },
  {
    title: 'a reader that leaves does not say so',
    seed: 166,
    laws: ['leaked'],
    mutations: [
      {
        file: 'protocol/src/streams.ts',
        find: 'this.#push(call, stopFrame(call.id, stream));',
        replace: '',
      },
    ],
  },
  {
    title: 'an item is dropped behind a cut',
    seed: 4,
    laws: ['silent'],
    mutations: [
      {
        file: 'protocol/src/streams.ts',
        find: 'for (const { id, streams } of calls) {\n      if (streams === undefined) continue;',
        replace:
          'for (const { id, streams, unwritten } of calls) {\n      if (streams === undefined) continue;\n      if (unwritten === undefined) Object.assign(streams, { drops: 1 });',
      },
      {
        file: 'protocol/src/streams.ts',
        find: 'const window = call.streams?.reading.get(stream);\n    if (window === undefined || window.isClosed) {',
        replace:
          'if (call.streams?.drops === 1 && call.streams.drops--) return undefined;\n    const window = call.streams?.reading.get(stream);\n    if (window === undefined || window.isClosed) {',
      },
    ],
  },
  {
    title: 'an end overtakes the last items',
    seed: 1,
    laws: ['silent'],
    mutations: [
      {
        file: 'protocol/src/reader.ts',
        find: 'this.#end ??= end;',
        replace: 'this.#end ??= end;\n    this.#items = [];',
      },
    ],
  },
  {
    title: 'a source is left open when its call ends',
    seed: 2,
    laws: ['leaked'],
    mutations: [
      {
        file: 'protocol/src/ends.ts',
        find: 'const pumps = [...this.#pumps.values()];',
        replace: 'const pumps: Pump[] = [];',
      },
    ],
  },
  {
    title: 'a call with a stream is sent again',
    seed: 1,
    laws: ['doubled'],
    mutations: [
      {
        file: 'client/src/calls.ts',
        find: 'if (call.isTied || (call.mayHaveRun && !isAsked)) lost.push(call);',
        replace: 'if (call.mayHaveRun && !isAsked) lost.push(call);',
      },
    ],
  },
  {
    title: 'a call forgets a source that was taken whole',
    seed: 1,
    laws: ['doubled'],
    mutations: [
      {
        file: 'protocol/src/ends.ts',
        find: 'this.#hasBegun ||= this.#pumps.get(stream)?.hasBegun === true;',
        replace: '',
      },
    ],
  },
  {
    title: 'the timeout of a call ends what it has returned',
    seed: 569,
    laws: ['lost'],
    mutations: [
      {
        file: 'server/src/call.ts',
        find: 'this.deadlineMs = Infinity;',
        replace: '',
      },
    ],
  },
  {
    title: 'a late piece of an input that nobody reads is a fault',
    seed: 399,
    laws: ['lost'],
    mutations: [
      {
        file: 'protocol/src/callee.ts',
        find: '(streams.isLeft || streams.reading.size > 0)',
        replace: 'streams.reading.size > 0',
      },
    ],
  },
];
