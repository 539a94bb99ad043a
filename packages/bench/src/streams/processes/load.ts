import { WebSocket } from 'ws';
import { answerAs } from '../../processes/answer.ts';
import { INPUT, isAnswer } from '../../workload.ts';
import { measureCalls } from '../load/fairness.ts';
import { measureDown, measureTicks, measureUp } from '../load/flow.ts';
import { LeanCaller } from '../load/lean-caller.ts';
import { OwnCaller } from '../load/own-caller.ts';
import { Readers } from '../load/readers.ts';
import { loadStreamSystem } from '../systems/index.ts';
import type { StreamClient } from '../systems/system.ts';
import type { StreamLoadRole } from './roles.ts';

let client: StreamClient | undefined;
let readers: Readers | undefined;

answerAs<StreamLoadRole>({
  async open(name, url) {
    client = await (await loadStreamSystem(name)).connect(url, WebSocket);
    const reply = await client.api.send.mutate(INPUT);
    if (!isAnswer(reply)) throw new Error('a reply is not the answer to its call');
  },
  async close() {
    await client?.close();
    client = undefined;
  },
  down: (request) => measureDown(opened(client), request),
  up: (request) => measureUp(opened(client), request),
  ticks: (request) => measureTicks(opened(client), request),
  async calls({ system: name, url, kind, beside, durationMs }) {
    const system = await loadStreamSystem(name);
    const caller =
      kind === 'lean' ? await LeanCaller.open(system.lean, url) : await OwnCaller.open(system, url);
    await measureCalls(caller, undefined, durationMs / 4);
    const figures = await measureCalls(caller, beside, durationMs);
    await caller.close();
    return figures;
  },
  async openReaders({ system: name, url, ...request }) {
    readers = await Readers.open(await loadStreamSystem(name), url, request);
  },
  read: (count) => opened(readers).read(count),
  cutReaders: () => opened(readers).cut(),
});

function opened<T>(it: T | undefined): T {
  if (it === undefined) throw new Error('it has to be opened first');
  return it;
}
