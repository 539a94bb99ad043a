import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Order, Report } from './real-node-program.ts';

/** A server in a process of its own, until the test is finished at the latest. */
export class RealNode {
  /** Calls that ran, in order. */
  readonly ran: string[] = [];
  /** Those that are open now. */
  connections = 0;
  readonly #child: ChildProcess;

  /** Resolves when it listens. */
  static async start(name: string, port: number): Promise<RealNode> {
    const child = fork(join(import.meta.dirname, 'real-node-program.ts'), [name, `${port}`], {
      cwd: import.meta.dirname,
      execArgv: ['--conditions=@openline/source', '--import=tsx'],
    });
    const node = new RealNode(child);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`node ${name} does not start`)));
      child.on('message', (report: Report) => {
        if (report.kind === 'listening') resolve();
        else if (report.kind === 'ran') node.ran.push(report.id);
        else node.connections = report.count;
      });
    });
    return node;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    onTestFinished(() => this.kill());
  }

  /** It drains and ends. Resolves with its exit code. */
  async leave(): Promise<number | null> {
    this.#order('leave');
    return this.#ended();
  }

  /** Answers what was held back so far. */
  answer(): void {
    this.#order('answer');
  }

  /** It dies, and everything that it knows dies with it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended();
  }

  #order(order: Order): void {
    this.#child.send(order);
  }

  async #ended(): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }
}
