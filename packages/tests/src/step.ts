/** What a step found out. A tool counts as one, a run of tests as its tests. */
export interface StepResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Shown when the step failed. */
  readonly output: string;
}

export interface Step {
  readonly name: string;
  /** What it makes sure of, in a few words. */
  readonly purpose: string;
  /** The steps without which this one cannot be run. */
  readonly needs: readonly string[];
  run(): Promise<StepResult>;
}
