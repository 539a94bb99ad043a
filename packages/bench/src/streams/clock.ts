/** The machine's monotonic clock, in microseconds: server and load read the same one. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
