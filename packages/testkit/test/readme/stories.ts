import { runSeeds } from '@openline/testkit';

for await (const { failure } of runSeeds({ from: 1, count: 20 })) {
  if (failure !== undefined) console.log(failure.story); // Short, and the same for the same seed.
}
