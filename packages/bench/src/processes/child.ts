import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createBirpc, type BirpcReturn } from 'birpc';

/** A process of this command's own, that answers what its role says. */
export interface Child<Role extends object> {
  readonly ask: BirpcReturn<Role>;
  /** Ends it and resolves when it is gone. Idempotent. */
  kill(): Promise<void>;
}

/** Children that still run, so that the command can end them however it ends itself. */
const running = new Set<ChildProcess>();

/** Last resort where nothing can be awaited any more. */
export function killAllChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** An answer later than this is a failure; generous, because a load waits for its last replies. */
const ANSWER_TIMEOUT_MS = 60_000;

export function startChild<Role extends object>(name: string, module: URL): Child<Role> {
  const child = fork(module, {
    execArgv: ['--expose-gc'],
    serialization: 'advanced', // Errors arrive as errors.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  running.add(child);
  const exited = once(child, 'exit');
  const ask = createBirpc<Role>(
    {},
    {
      post: (message) => child.send(message, () => {}), // A lost channel shows as the exit below.
      on: (listener) => child.on('message', listener),
      timeout: ANSWER_TIMEOUT_MS,
      onTimeoutError: (method) => {
        throw new Error(`${name} did not answer ${method} in ${ANSWER_TIMEOUT_MS / 1_000} s`);
      },
    },
  );
  child.once('exit', (code, signal) => {
    running.delete(child);
    ask.$close(new Error(`${name} ended early, with ${signal ?? `code ${code}`}`));
  });
  return {
    ask,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
