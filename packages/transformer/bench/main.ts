/** What a round trip through text costs, beside JSON alone and superjson. */
import { transformer } from '@openline/transformer';
import superjson, { type SuperJSONResult } from 'superjson';
import { measure, ratioOf, spreadOf, type Codec, type Rounds, type Spread } from './measure.ts';
import { PLAIN_EXAMPLES, RICH_EXAMPLES, type Example } from './values.ts';

/** The most that plain data may cost, in times of JSON alone. */
const PLAIN_MAX = 1.15;
/** The most that rich data may cost, in times of superjson. */
const RICH_MAX = 1 / 3;

const JSON_ALONE: Codec = {
  name: 'JSON',
  roundTrip: (value) => JSON.parse(JSON.stringify(value)) as unknown,
};
const OPENLINE: Codec = {
  name: 'openline',
  roundTrip: (value) =>
    transformer.deserialize(JSON.parse(JSON.stringify(transformer.serialize(value)))),
};
const SUPERJSON: Codec = {
  name: 'superjson',
  roundTrip: (value) =>
    superjson.deserialize(
      JSON.parse(JSON.stringify(superjson.serialize(value))) as SuperJSONResult,
    ),
};

const verdicts: string[] = [];

function run({ name, value }: Example, codecs: readonly Codec[]): Rounds {
  const bytes = JSON.stringify(transformer.serialize(value)).length;
  console.log(`\n${name}, ${bytes} bytes: median [8 rounds in 10] in µs`);
  const rounds = measure(codecs, value);
  for (const [codec, times] of rounds) {
    const { median, low, high } = spreadOf(times);
    console.log(`  ${codec.padEnd(10)} ${us(median)} [${us(low)}–${us(high)}]`);
  }
  return rounds;
}

function judge(example: string, { median, low, high }: Spread, of: string, limit: number): void {
  const verdict = median <= limit ? 'met' : 'MISSED';
  const ratio = `${median.toFixed(3)} [${low.toFixed(3)}–${high.toFixed(3)}]`;
  verdicts.push(`${verdict}: ${example} costs ${ratio} times ${of}, at most ${limit.toFixed(3)}`);
}

function us(ns: number): string {
  return (ns / 1_000).toFixed(2);
}

console.log(`Node ${process.version}, ${process.arch}`);
for (const example of PLAIN_EXAMPLES) {
  const rounds = run(example, [JSON_ALONE, OPENLINE, SUPERJSON]);
  const times = rounds.get('openline') ?? [];
  judge(example.name, ratioOf(times, rounds.get('JSON') ?? []), 'JSON', PLAIN_MAX);
}
for (const example of RICH_EXAMPLES) {
  const rounds = run(example, [OPENLINE, SUPERJSON]);
  const times = rounds.get('openline') ?? [];
  judge(example.name, ratioOf(times, rounds.get('superjson') ?? []), 'superjson', RICH_MAX);
}
console.log(`\n${verdicts.join('\n')}`);
