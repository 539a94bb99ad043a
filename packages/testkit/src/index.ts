export { generateStory } from './simulator/generate.ts';
export type { Report } from './simulator/report.ts';
export { runStory } from './simulator/run.ts';
export { runSeeds } from './simulator/seeds.ts';
export type { Failure, SeedRange, SeedResult } from './simulator/seeds.ts';
export { shrink } from './simulator/shrink.ts';
export { tell } from './simulator/tell.ts';
export { SIGHTS } from './simulator/sights.ts';
export type { Sight } from './simulator/sights.ts';
export type { Finding, Law } from './simulator/case.ts';
export { FAULT_NAMES } from './simulator/story.ts';
export type {
  CallStep,
  FaultName,
  FaultStep,
  ProcedureName,
  Reading,
  Step,
  Story,
  StorySettings,
  StreamProcedureName,
} from './simulator/story.ts';
export { simulate, SimulationError } from './simulate.ts';
export type { SimulateOptions, Simulation, Stage } from './simulate.ts';
export { testLine } from './test-line.ts';
export type { Clock, Network, TestLine, TestLineOptions } from './test-line.ts';
export { testSession } from './test-session.ts';
