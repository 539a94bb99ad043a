import { LeanLoad } from '../load/lean.ts';
import { OwnLoad } from '../load/own.ts';
import { LoadWindow, type Load } from '../load/window.ts';
import { loadSystem } from '../systems/index.ts';
import { answerAs } from './answer.ts';
import type { LoadRequest, LoadRole } from './roles.ts';

let load: Load | undefined;
let checked = false;

async function openLoad({ system: name, url, kind, cell }: LoadRequest): Promise<Load> {
  const system = await loadSystem(name);
  return kind === 'lean'
    ? LeanLoad.open(system.lean, url, cell)
    : OwnLoad.open((to) => system.connect(to), url, cell);
}

answerAs<LoadRole>({
  async prepare(request) {
    load = await openLoad(request);
    checked = request.checked;
    const warmUp = new LoadWindow({ durationMs: request.warmUpMs, checked: true });
    await warmUp.run(load);
  },
  async measure(durationMs) {
    if (load === undefined) throw new Error('measure comes after prepare');
    return new LoadWindow({ durationMs, checked }).run(load);
  },
  async release() {
    await load?.close();
    load = undefined;
  },
});
