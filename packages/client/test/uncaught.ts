/**
 * Runs `step` and gives what the platform heard of as uncaught up to the end of the tick, in the
 * place of the test runner, which would fail the run.
 */
export async function collectUncaught(step: () => unknown): Promise<unknown[]> {
  const caught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  const collect = (error: unknown): void => void caught.push(error);
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', collect);
  try {
    await step();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('uncaughtException', collect);
    for (const other of others) process.on('uncaughtException', other);
  }
  return caught;
}
