import spawn, { SubprocessError } from 'nano-spawn';
import { PATH, ROOT } from './paths.ts';

export interface CommandOptions {
  /** Default: the repository's top. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows the output as it comes instead of keeping it. */
  readonly live?: boolean;
  /** After so long the command is killed and has failed. Default: 5 minutes. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  readonly succeeded: boolean;
  /** Both streams as they came, and why the command failed where it could not say so itself. */
  readonly output: string;
}

/** Runs a command without a shell. Never throws: a command that cannot be started has failed. */
export async function run(
  file: string,
  args: readonly string[],
  { cwd = ROOT, env = {}, live = false, timeoutMs = 300_000 }: CommandOptions = {},
): Promise<CommandResult> {
  try {
    const { output } = await spawn(file, args, {
      cwd,
      env: { PATH, ...env },
      stdin: 'ignore',
      stdout: live ? 'inherit' : 'pipe',
      stderr: live ? 'inherit' : 'pipe',
      timeout: timeoutMs,
    });
    return { succeeded: true, output };
  } catch (error) {
    if (!(error instanceof SubprocessError)) throw error;
    const reason = error.exitCode === undefined ? `${error.message}\n` : '';
    return { succeeded: false, output: `${reason}${error.output}` };
  }
}
