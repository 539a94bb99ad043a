import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** For Node: the packages as their sources are, without a build. */
export const FROM_SOURCES = '--conditions=@openline/source';

export interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A program that people run, what it prints, and all that it starts: they are a process group, and
 * nothing of it outlives the test.
 */
export class Program {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #complaint: Promise<string>;

  constructor(file: string, args: readonly string[], { cwd, env = {} }: ProgramOptions) {
    this.child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#lines = createInterface(this.child.stdout!)[Symbol.asyncIterator]();
    this.#complaint = text(this.child.stderr!);
    onTestFinished(async () => {
      await this.end('SIGKILL');
    });
  }

  /** The first line from here on that matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`${pattern} was not said: ${await this.#complaint}`);
      const match = pattern.exec(value);
      if (match !== null) return match;
    }
  }

  /** The lines that it prints from here on, until it has ended. */
  async rest(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) return lines;
      lines.push(value);
    }
  }

  /** All that it has written to stderr, once it has ended. */
  complaint(): Promise<string> {
    return this.#complaint;
  }

  /** Sends the signal to the whole group, as a terminal does, and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { pid } = this.child;
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // It has ended already.
    }
    return this.exitCode();
  }

  async exitCode(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, 'exit');
    }
    return this.child.exitCode;
  }
}
