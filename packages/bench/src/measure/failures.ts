export interface Failure {
  readonly what: string;
  readonly message: string;
}

/** What went wrong: the other systems are still measured, and the command fails at its end. */
export class Failures {
  readonly list: Failure[] = [];

  /** Whether `work` succeeded. */
  async catch(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.list.push({ what, message: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }
}
