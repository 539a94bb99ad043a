// What the guide shows of streams, each in what it takes for granted.
import { type EventEmitter, on } from 'node:events';
import { buffer } from '@openline/server';
import { initTRPC } from '@trpc/server';
import { observable } from '@trpc/server/observable';

const t = initTRPC.create();

interface Row {
  readonly id: number;
}
interface Game {
  readonly id: string;
}
interface Price {
  readonly symbol: string;
}
interface Sensor {
  listen(listener: (reading: number) => void): () => void;
}
interface Things {
  readonly events: EventEmitter;
  readonly games: { current(): Game };
  readonly sensor: Sensor;
  readonly rows: { after(id: number): AsyncIterable<Row> };
}

export type StreamsRouter = ReturnType<typeof streamsRouter>;

export function streamsRouter({ events, games, sensor, rows }: Things) {
  return t.router({
    export: t.procedure.subscription(async function* () {
      for await (const row of rows.after(0)) yield row; // reads a row when the last one was taken
    }),

    game: t.procedure.subscription(async function* ({ signal }) {
      const changes = on(events, 'game', { signal }); // begins to listen here
      const newest = buffer(changes, { items: 1, overflow: 'latest' });
      yield games.current();
      for await (const [game] of newest) yield game as Game;
    }),

    prices: t.procedure.subscription(async function* ({ signal }) {
      const overflow = { latestBy: ([price]: unknown[]) => (price as Price).symbol };
      const newest = buffer(on(events, 'price', { signal }), { items: 500, overflow });
      for await (const [price] of newest) yield price as Price;
    }),

    orders: t.procedure.subscription(async function* ({ signal }) {
      const all = buffer(on(events, 'order', { signal }), { items: 1_000, overflow: 'end' });
      for await (const [order] of all) yield order as Row;
    }),

    readings: t.procedure.subscription(() => {
      const readings = observable<number>((observer) => sensor.listen((it) => observer.next(it)));
      return buffer(readings, { items: 1_000, overflow: 'gap' }); // a number, or a Gap
    }),

    ahead: t.procedure.subscription(() => {
      return buffer(rows.after(0), { items: 50, overflow: 'wait' }); // reads up to 50 rows ahead
    }),
  });
}
