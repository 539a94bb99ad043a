import { isWelcome } from '../network/hellos.ts';
import type { Direction, Link } from '../network/link.ts';
import type { Felt, Pipe } from '../network/pipe.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { SimulatedClient } from './client.ts';
import type { Log } from './log.ts';
import type { FaultName, FaultStep } from './story.ts';
import { tellFault } from './tell-fault.ts';
import type { World } from './world.ts';

type Fault<Type extends FaultStep['type']> = FaultStep & { readonly type: Type };

/** Lets faults befall a world. Each is told when it takes effect, and not at all where it has none. */
export class Faults {
  readonly #world: World;
  readonly #time: VirtualTime;
  readonly #log: Log;

  constructor(world: World, time: VirtualTime, log: Log) {
    this.#world = world;
    this.#time = time;
    this.#log = log;
  }

  befall(fault: FaultStep): void {
    switch (fault.type) {
      case 'cut':
      case 'cut-at-byte':
      case 'half-open':
      case 'delay':
      case 'slow-reader':
      case 'overtake': {
        const link = this.#world.network.latest(fault.line);
        return link && this.#befallLink(fault, link);
      }
      case 'outage':
        return this.#world.network.fail(
          fault.how,
          performance.now() + fault.forMs,
          this.#felt(fault),
        );
      case 'duplicate-hello':
        return this.#repeatHello(fault);
      case 'sleep':
      case 'refresh':
      case 'reopen': {
        const client = this.#world.clients[fault.line];
        return client && this.#befallClient(fault, client);
      }
      case 'stop-server':
        return this.#stop(fault);
      case 'kill-server': {
        const name = fault.losesJournal ? 'kill-server with its journal' : fault.type;
        if (this.#world.kill(fault.server, fault)) this.#felt(fault, name)();
        return undefined;
      }
      case 'drain-server':
        if (this.#world.drain(fault.server, fault)) this.#felt(fault)();
        return undefined;
      case 'clock-jump':
        return this.#jump(fault);
    }
  }

  #befallLink(
    fault: Fault<'cut' | 'cut-at-byte' | 'half-open' | 'delay' | 'slow-reader' | 'overtake'>,
    link: Link,
  ): void {
    const felt = this.#felt(fault);
    switch (fault.type) {
      case 'cut':
        felt();
        return link.cut();
      case 'cut-at-byte':
        return link.pipes(fault.direction).forEach((pipe) => pipe.breakAfter(fault.bytes, felt));
      case 'half-open':
        return link.pipes(fault.direction).forEach((pipe) => pipe.darken(fault.how, felt));
      case 'delay':
        return this.#hold(link, fault, (pipe) => pipe.delay(fault.byMs, felt));
      case 'slow-reader':
        return this.#hold(link, fault, (pipe) => pipe.stall(felt));
      case 'overtake':
        return this.#overtake(fault, link, felt);
    }
  }

  #hold(
    link: Link,
    { direction, forMs }: { readonly direction: Direction | 'both'; readonly forMs: number },
    hold: (pipe: Pipe) => () => void,
  ): void {
    const ends = link.pipes(direction).map((pipe) => hold(pipe));
    this.#world.later(forMs, () => ends.forEach((end) => end()));
  }

  /** It takes effect when something comes on the connection that was left, behind the next one's first. */
  #overtake({ line, byMs, afterMs }: Fault<'overtake'>, link: Link, felt: Felt): void {
    const { network } = this.#world;
    for (const pipe of link.pipes('up')) pipe.delay(byMs);
    link.server.watch(() => {
      const next = network.latest(line);
      if (next !== undefined && next !== link && next.server.arrivals > 0) felt();
    });
    this.#world.later(afterMs, () => link.leaveBehind());
  }

  #repeatHello(fault: Fault<'duplicate-hello'>): void {
    const { line, which, forMs } = fault;
    this.#world.network.repeatHello(line, which, forMs, (answer) => {
      this.#felt(fault, `duplicate-hello, ${isWelcome(answer) ? 'taken' : 'refused'}`)();
    });
  }

  #befallClient(fault: Fault<'sleep' | 'refresh' | 'reopen'>, client: SimulatedClient): void {
    const { line, machine } = client;
    const felt = this.#felt(fault);
    switch (fault.type) {
      case 'sleep': {
        client.sleep(fault.forMs, this.#log, felt);
        const link = this.#world.network.latest(fault.line);
        if (link !== undefined) {
          this.#hold(link, { direction: 'down', forMs: fault.forMs }, (pipe) => pipe.stall());
        }
        return this.#world.later(fault.forMs, () => {});
      }
      case 'refresh':
        return machine.run(() => {
          if (line.state.get().status === 'open') felt();
          line.refresh().catch(() => {});
        });
      case 'reopen':
        if (line.state.get().status !== 'closed') felt();
        machine.run(() => void line.close());
        return this.#world.later(fault.afterMs, () =>
          machine.run(() => void line.open().catch(() => {})),
        );
    }
  }

  #stop(fault: Fault<'stop-server'>): void {
    const node = this.#world.nodeAt(fault.server);
    if (node === undefined) return;
    const { forMs } = fault;
    node.machine.sleep(forMs, this.#felt(fault));
    for (const link of this.#world.network.linksTo(node)) {
      this.#hold(link, { direction: 'up', forMs }, (pipe) => pipe.stall());
    }
    this.#world.later(forMs, () => {});
  }

  #jump(fault: Fault<'clock-jump'>): void {
    const { nodes } = this.#world;
    this.#time.jump(fault.byMs);
    for (const { credentials } of nodes) credentials.jumped();
    if (nodes.some(({ isAlive, credentials }) => isAlive && credentials.count > 0)) {
      this.#felt(fault)();
    }
  }

  /** What is to be called when the fault takes effect: the first call is told and counted. */
  #felt(fault: FaultStep, name: FaultName = nameOf(fault)): Felt {
    let isTold = false;
    return () => {
      if (!isTold) this.#log.befell(name, tellFault(fault));
      isTold = true;
    };
  }
}

function nameOf({ type }: FaultStep): FaultName {
  return type === 'duplicate-hello' ? 'duplicate-hello, refused' : type;
}
