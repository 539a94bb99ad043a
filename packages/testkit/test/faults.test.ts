import { runStory, type FaultName, type FaultStep, type StorySettings } from '@openline/testkit';
import { describe, expect, it } from 'vitest';
import { call, storyOf } from './stories.ts';

type Steps = Parameters<typeof storyOf>[0];

/** What happens in a story in which nothing is wrong, without what comes once all is well. */
async function historyOf(
  steps: Steps,
  faults: readonly FaultName[],
  settings: Partial<StorySettings> = {},
): Promise<readonly string[]> {
  const report = await runStory(storyOf(steps, settings));
  expect(report.findings).toEqual([]);
  expect([...report.faults]).toEqual(faults.map((name) => [name, 1]));
  const isOver = (line: string): boolean => line.endsWith('all is well from here on');
  return report.history.slice(0, report.history.findIndex(isOver));
}

/** A call before the fault makes the connection; one behind it meets what the fault did. */
const FIRST = call({ procedure: 'ask' });
const SECOND = call({ procedure: 'set', atMs: 50 });
const BEFORE = [
  '0 line 0 calls ask(1)',
  '0 line 0 is connecting',
  '4 line 0 is open, resumed 0 times',
  '5 server 0 runs 1',
  '6 1 ended: result',
];

/** When a line of the history was told; `undefined` where it was not. */
function timeOf(history: readonly string[], what: string): number | undefined {
  const line = history.find((told) => told.endsWith(` ${what}`));
  return line === undefined ? undefined : Number(line.split(' ')[0]);
}

describe('a fault is felt:', () => {
  it('a cut ends the connection, and a call goes on over the next one', async () => {
    const cut: FaultStep = { type: 'cut', atMs: 20, line: 0 };
    const history = await historyOf([FIRST, cut, SECOND], ['cut']);
    expect(history).toEqual([
      ...BEFORE,
      '20 cut: the connection of line 0 is cut',
      '22 line 0 is waiting (no connection (1006))',
      '50 line 0 calls set(2)',
      expect.stringMatching(/line 0 is connecting$/),
      expect.stringMatching(/line 0 is open, resumed 1 times$/),
      expect.stringMatching(/server 0 runs 2$/),
      expect.stringMatching(/2 ended: result$/),
    ]);
  });

  it.each([
    ['in its middle the message is lost, and comes again', 1_000, 1, true],
    ['behind it the message has come', 6_000, 0, false],
  ])('a break at a byte: %s', async (_title, bytes, resumed, isFelt) => {
    const breaks = { type: 'cut-at-byte', atMs: 20, line: 0, direction: 'up', bytes } as const;
    const large = call({ procedure: 'set', atMs: 50, inLength: 1_000 });
    const history = await historyOf([FIRST, breaks, large], isFelt ? ['cut-at-byte'] : []);
    expect(timeOf(history, `line 0 is open, resumed ${resumed} times`)).toBeDefined();
    expect(timeOf(history, 'line 0 is open, resumed 1 times') !== undefined).toBe(isFelt);
    const runs = history.filter((line) => line.endsWith('runs 2'));
    expect(runs).toHaveLength(1);
  });

  it.each(['swallows', 'clogs'] as const)(
    'a half-open connection that %s tells nobody: silence gives it away',
    async (how) => {
      const dark = { type: 'half-open', atMs: 20, line: 0, direction: 'both', how } as const;
      const history = await historyOf([FIRST, dark, SECOND], ['half-open']);
      // Four intervals of 1,000 ms without a sign of life.
      expect(timeOf(history, 'line 0 is waiting (no sign of life)')).toBe(5_004);
      expect(timeOf(history, 'server 0 runs 2')).toBeGreaterThan(5_004);
    },
  );

  it('a delay holds back what is sent while it lasts, and nothing later', async () => {
    const times = { byMs: 700, forMs: 500 };
    const delay = { type: 'delay', atMs: 20, line: 0, direction: 'up', ...times } as const;
    const later = call({ procedure: 'set', atMs: 800 });
    const history = await historyOf([FIRST, delay, SECOND, later], ['delay']);
    expect(timeOf(history, 'server 0 runs 2')).toBe(751);
    expect(timeOf(history, 'server 0 runs 3')).toBe(801);
  });

  it('a slow reader stops the stream that it does not read, and the stream goes on', async () => {
    const slow = {
      type: 'slow-reader',
      atMs: 60,
      line: 0,
      direction: 'down',
      forMs: 3_000,
    } as const;
    const stream = call({ procedure: 'counted', items: 40, outLength: 20_000, atMs: 50 });
    const history = await historyOf([FIRST, slow, stream], ['slow-reader'], {
      backlogBytesMax: 65_536,
    });
    const times = Array.from({ length: 40 }, (_, i) => timeOf(history, `2 got ${i + 1}`) ?? NaN);
    expect(times.some((ms) => ms < 60)).toBe(true);
    expect(times.filter((ms) => ms >= 65 && ms < 3_060)).toEqual([]);
    expect(times.at(-1)).toBeGreaterThan(3_060);
  });

  it('what is overtaken comes on a connection already left, and is dropped', async () => {
    const late = { type: 'overtake', atMs: 20, line: 0, byMs: 1_000, afterMs: 100 } as const;
    const last = call({ procedure: 'ask', atMs: 2_000 });
    const history = await historyOf([FIRST, late, SECOND, last], ['overtake']);
    expect(timeOf(history, 'line 0 is open, resumed 1 times')).toBeLessThan(1_051);
    expect(history.filter((line) => line.endsWith('runs 2'))).toHaveLength(1);
    expect(history.findIndex((line) => line.startsWith('1051 overtake: '))).toBeGreaterThan(
      history.findIndex((line) => line.endsWith('runs 2')),
    );
  });

  it.each([
    ['refuses', 'no connection (1006)', 220],
    ['silent', 'the server did not answer', 15_212],
  ] as const)('an outage that %s lets no connection be made', async (how, words, mostMs) => {
    const outage: FaultStep = { type: 'outage', atMs: 10, how, forMs: 500 };
    const cut: FaultStep = { type: 'cut', atMs: 20, line: 0 };
    const history = await historyOf([FIRST, outage, cut, SECOND], ['cut', 'outage']);
    const told = history.findIndex((line) => line.includes(' outage: '));
    const waits = history.slice(told).find((line) => line.includes('is waiting'));
    expect(waits).toContain(`(${words})`);
    expect(Number(waits?.split(' ')[0])).toBeLessThanOrEqual(mostMs);
  });
});

describe('a hello that comes again', () => {
  const again = { type: 'duplicate-hello', line: 0, forMs: 50_000 } as const;

  it('is refused while the session has a connection', async () => {
    const hello = { ...again, atMs: 20, which: 'last' } as const;
    const history = await historyOf([FIRST, hello, SECOND], ['duplicate-hello, refused']);
    expect(timeOf(history, '2 ended: result')).toBe(52);
    expect(timeOf(history, 'line 0 is open, resumed 1 times')).toBeUndefined();
  });

  it('makes a session of its own at another server, and the client keeps its own', async () => {
    const hello = { ...again, atMs: 20, which: 'first' } as const;
    const history = await historyOf([FIRST, hello, SECOND], ['duplicate-hello, taken'], {
      servers: 2,
      isSticky: false,
    });
    expect(timeOf(history, '2 ended: result')).toBe(52);
  });

  it('takes the session where it comes before the first, which is then refused', async () => {
    const held = { type: 'delay', atMs: 100, line: 0, direction: 'up' } as const;
    const history = await historyOf(
      [
        call({ procedure: 'set' }),
        { ...held, byMs: 1_000, forMs: 100 },
        { ...again, atMs: 200, which: 'last' },
      ],
      ['delay', 'duplicate-hello, taken'],
      { latencyMs: 80 },
    );
    expect(timeOf(history, 'line 0 is waiting (a later connection has the session)')).toBe(1_320);
    expect(history.filter((line) => line.endsWith('runs 1'))).toHaveLength(1);
  });
});

describe('a machine that sleeps', () => {
  const stream = call({ procedure: 'counted', items: 5, takesMs: 100 });

  it('fires timers late, and finds on waking what has come meanwhile', async () => {
    const sleep: FaultStep = { type: 'sleep', atMs: 250, line: 0, forMs: 20_000 };
    const asked = call({ procedure: 'ask', atMs: 240, takesMs: 1_000, timeoutMs: 500 });
    const late = call({ procedure: 'set', atMs: 600 });
    const history = await historyOf([stream, asked, sleep, late], ['sleep']);
    const during = history.filter((line) => Number(line.split(' ')[0]) > 250);
    expect(during.slice(0, 3)).toEqual([
      expect.stringMatching(/sleep: the machine of line 0 sleeps for 20000 ms/),
      expect.stringMatching(/^20250 /),
      expect.stringMatching(/^20250 /),
    ]);
    expect(timeOf(history, 'line 0 calls set(3)')).toBe(20_250);
    expect(history.find((line) => line.includes('2 ended'))).toMatch(/^20250 .*TIMEOUT/);
    expect(timeOf(history, '1 got 5')).toBeGreaterThan(20_250);
    expect(timeOf(history, '1 was told of a restart')).toBeUndefined();
  });

  it('may sleep through its window: the session is gone, and its callers are told', async () => {
    const sleep: FaultStep = { type: 'sleep', atMs: 250, line: 0, forMs: 150_000 };
    const history = await historyOf([stream, sleep], ['sleep']);
    expect(timeOf(history, '1 was told of a restart')).toBeGreaterThan(150_250);
  });

  it('stops the procedures of a server too, and loses nothing', async () => {
    const stop: FaultStep = { type: 'stop-server', atMs: 150, server: 0, forMs: 1_000 };
    const history = await historyOf([stream, stop], ['stop-server']);
    const times = [1, 2, 3].map((i) => timeOf(history, `1 got ${i}`));
    expect(times).toEqual([106, 1_151, 1_251]);
  });
});

describe('a server', () => {
  const pay = { procedure: 'setOnce', key: 1, takesMs: 30, inLength: 10, outLength: 10 } as const;

  it.each([
    ['that dies leaves its records to the next one', false, 1],
    ['that dies with its records has them run again', true, 2],
  ])('%s', async (_title, losesJournal, runs) => {
    const how = { backAfterMs: 100, losesJournal, vanishes: false };
    const kill: FaultStep = { type: 'kill-server', atMs: 200, server: 0, ...how };
    const name = losesJournal ? 'kill-server with its journal' : 'kill-server';
    const history = await historyOf([call(pay), kill, call({ ...pay, atMs: 600 })], [name], {
      isIdentified: true,
    });
    expect(history.filter((line) => line.includes(' runs 1001'))).toHaveLength(runs);
    // Another one, with a session of its own.
    expect(history.filter((line) => line.endsWith('is open, resumed 0 times'))).toHaveLength(2);
  });

  it('that vanishes tells nobody', async () => {
    const how = { backAfterMs: 100, losesJournal: false, vanishes: true };
    const kill: FaultStep = { type: 'kill-server', atMs: 20, server: 0, ...how };
    const history = await historyOf([FIRST, kill, SECOND], ['kill-server']);
    expect(timeOf(history, 'line 0 is waiting (no sign of life)')).toBe(5_004);
  });

  it('that drains hands a stream over in its middle', async () => {
    const drain = {
      type: 'drain-server',
      atMs: 200,
      server: 0,
      timeoutMs: 500,
      spreadMs: 50,
    } as const;
    const stream = call({ procedure: 'tracked', items: 10, takesMs: 50 });
    const history = await historyOf([stream, drain], ['drain-server']);
    expect(history.find((line) => line.includes('server 1 runs 1'))).toMatch(/runs 1 after 4$/);
    expect(history.filter((line) => line.includes(' 1 got '))).toHaveLength(10);
  });
});

describe('credentials', () => {
  const settings = { isIdentified: true, credentialsMs: 5_000 };

  it('are given again in time', async () => {
    const history = await historyOf([call({ procedure: 'set', takesMs: 9_000 })], [], settings);
    expect(timeOf(history, '1 ended: result')).toBe(9_006);
  });

  it.each([
    ['forward', 86_400_000, 'what client 0 said of itself has expired'],
    ['back', -86_400_000, '1 ended: result'],
  ])('are as old as the clock on the wall says, when it jumps %s', async (_title, byMs, what) => {
    const jump: FaultStep = { type: 'clock-jump', atMs: 200, byMs };
    const set = call({ procedure: 'set', takesMs: 1_500 });
    const history = await historyOf([set, jump], ['clock-jump'], settings);
    expect(timeOf(history, what)).toBeLessThan(1_600);
    expect(timeOf(history, 'what client 0 said of itself has expired') !== undefined).toBe(
      byMs > 0,
    );
  });

  it('count from when they were last given, by a clock that was set back since those before', async () => {
    const steps: FaultStep[] = [
      { type: 'clock-jump', atMs: 200, byMs: -86_400_000 },
      { type: 'refresh', atMs: 300, line: 0 },
    ];
    const set = call({ procedure: 'set', takesMs: 1_500 });
    const history = await historyOf([set, ...steps], ['clock-jump', 'refresh'], {
      ...settings,
      credentialsMs: 500,
    });
    expect(timeOf(history, 'what client 0 said of itself has expired')).toBeLessThan(1_600);
  });

  it('count for a session whose first one of that name was over before it had any', async () => {
    const steps: FaultStep[] = [
      { type: 'cut', atMs: 250, line: 0 },
      { type: 'duplicate-hello', atMs: 300, line: 0, which: 'first', forMs: 20_000 },
      { type: 'half-open', atMs: 2_000, line: 0, direction: 'down', how: 'clogs' },
    ];
    const set = call({ procedure: 'set' });
    const tracked = call({ atMs: 2_500, procedure: 'tracked', items: 1 });
    const told = await historyOf(
      [set, tracked, ...steps],
      ['cut', 'duplicate-hello, taken', 'half-open'],
      { ...settings, contextMs: 400, latencyMs: 20 },
    );
    expect(timeOf(told, 'what client 0 said of itself has expired')).toBeLessThan(7_500);
  });

  it('that fresh params replace are told so over the open line', async () => {
    const refresh: FaultStep = { type: 'refresh', atMs: 200, line: 0 };
    const history = await historyOf([call({ takesMs: 300 }), refresh], ['refresh'], settings);
    expect(timeOf(history, '1 ended: result')).toBe(306);
  });
});

describe('a fault', () => {
  it('that is the application closing its line ends its calls', async () => {
    const reopen: FaultStep = { type: 'reopen', atMs: 200, line: 0, afterMs: 100 };
    const history = await historyOf([call({ procedure: 'set', takesMs: 900 }), reopen], ['reopen']);
    expect(timeOf(history, '1 ended: unknown CLOSED (the line is closed)')).toBe(200);
    expect(timeOf(history, 'line 0 is connecting')).toBe(0);
  });

  it.each<FaultStep>([
    { type: 'cut', atMs: 0, line: 0 },
    { type: 'cut-at-byte', atMs: 0, line: 0, direction: 'up', bytes: 0 },
    { type: 'half-open', atMs: 0, line: 0, direction: 'both', how: 'clogs' },
    { type: 'delay', atMs: 0, line: 0, direction: 'both', byMs: 100, forMs: 100 },
    { type: 'slow-reader', atMs: 0, line: 0, direction: 'up', forMs: 100 },
    { type: 'overtake', atMs: 0, line: 0, byMs: 100, afterMs: 10 },
    { type: 'outage', atMs: 0, how: 'refuses', forMs: 10 },
    { type: 'duplicate-hello', atMs: 0, line: 0, which: 'last', forMs: 10 },
    { type: 'sleep', atMs: 0, line: 0, forMs: 10 },
    { type: 'stop-server', atMs: 0, server: 0, forMs: 10 },
    { type: 'drain-server', atMs: 0, server: 0, timeoutMs: 0, spreadMs: 0 },
    { type: 'clock-jump', atMs: 0, byMs: 1_000 },
    { type: 'refresh', atMs: 0, line: 0 },
  ])('$type is not told where there is nothing to feel it', async (fault) => {
    const history = await historyOf([fault, call({ atMs: 1_000 })], []);
    expect(history.filter((line) => line.includes(`${fault.type}: `))).toEqual([]);
  });
});
