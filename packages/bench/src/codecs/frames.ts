/** What the protocol sends, as the codec is given it: a tag, an id, a payload. */
export type Frame = readonly unknown[];

const users = Array.from({ length: 8 }, (_, i) => ({
  id: `u${i}`,
  name: `Name ${i} Surname`,
  email: `name${i}@example.org`,
  age: 20 + i,
  active: i % 2 === 0,
  score: i * 1.5,
  tags: ['a', 'bb', 'ccc'],
}));

/** Each with how often it is encoded and decoded in a round. */
export const FRAMES: readonly {
  readonly name: string;
  readonly frame: Frame;
  readonly times: number;
}[] = [
  {
    name: 'small call',
    frame: [32, 17, 1, 'game.score', 0, { team: 'home', points: 2, player: 'a1b2c3d4' }],
    times: 5_000,
  },
  { name: '1 KiB, plain', frame: [33, 17, { users, total: 8, next: null }], times: 1_000 },
  {
    name: '1 KiB, Date, Map, bigint',
    frame: [
      33,
      17,
      {
        users,
        at: new Date(1_700_000_000_000),
        by: new Map<string, unknown>([
          ['a', 1],
          ['b', 2],
          ['c', { x: 1 }],
        ]),
        balance: 123_456_789_012_345_678_901_234_567_890n,
      },
    ],
    times: 500,
  },
  {
    name: '64 KiB Uint8Array',
    frame: [33, 17, Uint8Array.from({ length: 65_536 }, (_, i) => i * 7)],
    times: 100,
  },
  {
    name: '1,000 in a Float64Array',
    frame: [33, 17, Float64Array.from({ length: 1_000 }, (_, i) => Math.sin(i))],
    times: 200,
  },
];
